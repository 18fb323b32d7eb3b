"""The line on top: what is open on the left; the model, its speed and the context on the right."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget

_BAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the line shows. Empty texts and None are left out."""

    title: str = ""
    cast: str = ""
    model: str = ""
    badge: str = ""
    """One sign behind the model: whether the prompt format is its own."""
    tokens_per_second: float | None = None
    context_used: int | None = None
    context: int | None = None
    warning: str = ""
    """Said in front of everything on the right, such as `read-only`."""


def status_line(overview: Overview, width: int) -> Content:
    """Return the line for a width in cells. What has no room goes in this order: what is more than half of the line on
    the left, bar, speed, the model's end."""
    left = Content(overview.title).stylize("bold $speech")
    if overview.cast:
        left = left + Content(f" · {overview.cast}").stylize("$action")
    room = max(width // 2, width - left.cell_length - 2)
    for parts in _right_parts(overview):
        right = Content(" · ").stylize("$ooc").join(parts)
        if right.cell_length <= room:
            break
    right = right.truncate(room, ellipsis=True)
    left = left.truncate(max(0, width - right.cell_length - 2), ellipsis=True)
    gap = max(0, width - left.cell_length - right.cell_length)
    return left + Content(" " * gap) + right


def _right_parts(overview: Overview) -> list[list[Content]]:
    """Return the parts of the right side, from all of them to the fewest."""
    warning = [Content(overview.warning).stylize("bold $warning")] if overview.warning else []
    model = []
    if overview.model:
        badge = f" {overview.badge}" if overview.badge else ""
        model = [Content.assemble((overview.model, "$action"), (badge, "$ooc"))]
    speed = []
    if overview.tokens_per_second is not None:
        speed = [Content(f"{overview.tokens_per_second:.0f} tok/s").stylize("$action")]
    if overview.context_used is None or not overview.context:
        return [warning + model + speed, warning + model, warning or model]
    used = Content(f"{thousands(overview.context_used)} / {thousands(overview.context)}").stylize("$action")
    colour = "$warning" if overview.context_used > 0.95 * overview.context else "$primary"
    drawn = bar(overview.context_used, overview.context, cells=_BAR, colour=colour) + " " + used
    return [
        [*warning, *model, *speed, drawn],
        [*warning, *model, *speed, used],
        [*warning, *model, used],
        [*warning, *model],
        warning or model,
    ]


def bar(done: int, total: int, *, cells: int, colour: str = "$primary") -> Content:
    """Return a bar of `cells` cells between two ends, filled as far as `done` of `total`."""
    filled = round(min(1.0, done / total) * cells) if total else 0
    return Content.assemble(("▕", "$ooc"), ("█" * filled, colour), ("░" * (cells - filled), "$rule"), ("▏", "$ooc"))


def thousands(number: int) -> str:
    """Return 812, 2.3k, 8k, 131k."""
    if number < 1000:
        return str(number)
    rounded = f"{number / 1000:.1f}".removesuffix(".0") if number < 10_000 else f"{number / 1000:.0f}"
    return f"{rounded}k"


class StatusLine(Widget):
    """Shows an overview; give it another with `show`."""

    DEFAULT_CSS = """
    StatusLine {
        height: 2;
        padding: 0 2;
        border-bottom: solid $rule;
    }
    """
    ALLOW_SELECT = False

    def __init__(self, overview: Overview | None = None) -> None:
        super().__init__()
        self.overview = overview or Overview()

    def show(self, overview: Overview) -> None:
        """Show another overview, if it is another."""
        if overview != self.overview:
            self.overview = overview
            self.refresh()

    def render(self) -> Content:
        """Return the line for the width there is."""
        return status_line(self.overview, self.content_size.width)
