"""The last line of the screen: the keys that do something right now."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

Hint = tuple[str, str]
"""A key as people write it, and one or two words."""


def key_line(hints: Sequence[Hint], width: int) -> Content:
    """Return as many hints as fit, in their order; the last one (F1) always stays."""
    separator = Content(" · ").stylize("$ooc")
    painted = [Content.assemble((key, "$accent"), (f" {word}", "$action")) for key, word in hints]
    while len(painted) > 1 and separator.join(painted).cell_length > width:
        del painted[-2]
    return separator.join(painted)


class KeyLine(Widget):
    """Shows hints; give it others with `show`."""

    DEFAULT_CSS = """
    KeyLine {
        height: 1;
        padding: 0 2;
    }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._hints: Sequence[Hint] = ()

    def show(self, hints: Sequence[Hint]) -> None:
        """Show other hints, if they are others."""
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def render(self) -> Content:
        """Return the line for the width there is."""
        return key_line(self._hints, self.content_size.width)
