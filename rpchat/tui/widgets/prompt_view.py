"""The rows of the inspector on screen: only those that are looked at are drawn, however long the prompt is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from rpchat.tui.prompt_rows import Piece, Row, Rows

MARGIN = 10
"""Cells left of a row: the name of what it is there for, and the mark where reading begins."""
_READ_FROM = "▸"

Layout = Callable[[int], Rows]
"""Makes the rows for a width in cells."""


class PromptView(ScrollView, can_focus=True):
    """Shows what a layout makes, at the width there is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "prompt--control", "prompt--format", "prompt--setup", "prompt--lore", "prompt--note", "prompt--history",
        "prompt--cue", "prompt--id", "prompt--mark", "prompt--label", "prompt--hit", "prompt--hit-here",
    }  # fmt: skip
    DEFAULT_CSS = """
    PromptView {
        height: 1fr;
        padding: 0 1 0 2;
        background: $background;
        color: $prompt-history;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        & .prompt--control { color: $prompt-control; text-style: bold; }
        & .prompt--format { color: $prompt-format; text-style: dim; }
        & .prompt--setup { color: $prompt-setup; }
        & .prompt--lore { color: $prompt-lore; text-style: underline; }
        & .prompt--note { color: $prompt-note; text-style: italic; }
        & .prompt--history { color: $prompt-history; }
        & .prompt--cue { color: $prompt-cue; text-style: bold italic; }
        & .prompt--id { color: $ooc; text-style: dim; }
        & .prompt--mark { color: $ooc; text-style: dim; }
        & .prompt--label { color: $ooc; }
        & .prompt--hit { text-style: reverse; }
        & .prompt--hit-here { color: $background; background: $accent; text-style: bold; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._layout: Layout = lambda width: Rows(())  # noqa: ARG005
        self._rows = Rows(())
        self._wanted = ""
        self._hits: list[tuple[int, int]] = []
        self._here = -1

    @property
    def rows(self) -> Rows:
        """What is shown."""
        return self._rows

    def show(self, layout: Layout, *, keep_place: bool) -> None:
        """Show what `layout` makes; stay at the row one is at, or go to the top."""
        self._layout = layout
        self._lay_out()
        if not keep_place:
            self.scroll_to(y=0, animate=False)

    def _lay_out(self) -> None:
        width = max(2, self.scrollable_content_region.width - MARGIN)
        self._rows = self._layout(width)
        self._hits = self._rows.find(self._wanted)
        self._here = min(self._here, len(self._hits) - 1)
        self.virtual_size = Size(width + MARGIN, len(self._rows.rows))
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out again for another width."""
        event.stop()
        self._lay_out()

    def find(self, wanted: str) -> int:
        """Mark every place of `wanted` and go to the first one at or below the row one is at; return how many."""
        self._wanted = wanted
        self._hits = self._rows.find(wanted)
        top = int(self.scroll_offset.y)
        below = (at for at, (start, _) in enumerate(self._hits) if self._rows.row_of(start) >= top)
        self._here = next(below, 0 if self._hits else -1)
        self._go_to_hit()
        return len(self._hits)

    def find_on(self, step: int) -> tuple[int, int]:
        """Go to the next hit (1) or the one before (-1), round the end; return its number and how many there are."""
        if self._hits:
            self._here = (self._here + step) % len(self._hits)
        self._go_to_hit()
        return self._here + 1, len(self._hits)

    def _go_to_hit(self) -> None:
        if self._here >= 0:
            row = self._rows.row_of(self._hits[self._here][0])
            if not self.scroll_offset.y <= row < self.scroll_offset.y + self.scrollable_content_region.height:
                self.scroll_to(y=max(0, row - self.size.height // 3), animate=False)
        self.refresh()

    def action_page_up(self) -> None:
        """One page up, at once: the rows are there."""
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """One page down, at once."""
        self.scroll_page_down(animate=False)

    def action_scroll_home(self) -> None:
        """To the first row, at once."""
        self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """To the last row, at once."""
        self.scroll_end(animate=False)

    def render_line(self, y: int) -> Strip:
        """Return one row of what is in sight."""
        style, width = self.rich_style, self.scrollable_content_region.width
        number = int(self.scroll_offset.y) + y
        if number >= len(self._rows.rows):
            return Strip.blank(self.size.width, style)
        row = self._rows.rows[number]
        strip = Strip([*self._margin(row, is_top=y == 0), *self._letters(row)])
        return strip.crop_extend(0, width, style)

    def _margin(self, row: Row, *, is_top: bool) -> Iterator[Segment]:
        part = row.part if row.part_begins or is_top else ""
        yield Segment(part.ljust(MARGIN - 2), self._look("label"))
        yield Segment(_READ_FROM if row.reading_begins else " ", self._look("control"))
        yield Segment(" ", self.rich_style)

    def _letters(self, row: Row) -> Iterator[Segment]:
        for piece in row.pieces:
            for text, look in _around(piece, self._hits, self._here):
                yield Segment(text, self._look(piece.look) + self._look(look) if look else self._look(piece.look))

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(f"prompt--{name}", partial=name.startswith("hit"))


def _around(piece: Piece, hits: Sequence[tuple[int, int]], here: int) -> Iterator[tuple[str, str]]:
    """Yield the parts of a piece with what is laid over them: a hit, the hit one is at, or nothing."""
    at, end = piece.start, piece.start + len(piece.text)
    number = max(0, bisect_right(hits, (at, at)) - 1)
    while at >= 0 and number < len(hits) and hits[number][0] < end:
        first, last = hits[number]
        if first > at:
            yield piece.text[at - piece.start : first - piece.start], ""
        if last > at:
            at = min(last, end)
            over = "hit-here" if number == here else "hit"
            yield piece.text[max(first, piece.start) - piece.start : at - piece.start], over
        number += 1
    if at < end:
        yield piece.text[at - piece.start :], ""
