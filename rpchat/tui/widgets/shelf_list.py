"""The rows of the library. Only the rows in sight are widgets, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from rpchat.tui.actions import bindings
from rpchat.tui.gallery import Gallery
from rpchat.tui.shelf_row import ShelfRow, row_text
from rpchat.tui.widgets.portrait import Portrait

ROW_HEIGHT = 2
PICTURE = (4, 2)
"""Columns and rows of a picture in a row."""


class _Text(Widget):
    DEFAULT_CSS = """
    _Text { height: 2; width: 1fr; }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.row: ShelfRow | None = None
        self.marked = self.picked = False

    def render(self) -> Content:
        """Return the row for the width there is."""
        if self.row is None:
            return Content()
        return row_text(self.row, self.content_size.width, marked=self.marked, picked=self.picked)


class _Row(Horizontal):
    """One row in sight. Which thing it shows changes as the list is scrolled."""

    DEFAULT_CSS = """
    _Row {
        height: 2;
        padding: 0 2 0 0;
        & > Portrait { width: 4; height: 2; display: none; }
        &.-pictures > Portrait { display: block; }
        &.-marked { background: $block-cursor-background; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.portrait = Portrait()
        self.text = _Text()

    def compose(self) -> ComposeResult:
        """Picture and text."""
        yield self.portrait
        yield self.text

    def show(self, row: ShelfRow | None, gallery: Gallery, *, marked: bool, picked: bool) -> None:
        """Show a thing of the library, or with None nothing."""
        self.display = row is not None
        self.set_class(marked, "-marked")
        self.set_class(gallery.way != "off", "-pictures")
        self.text.row, self.text.marked, self.text.picked = row, marked, picked
        self.text.refresh()
        if row is not None:
            picture = gallery.known(row.avatar, columns=PICTURE[0], rows=PICTURE[1])
            if picture is not None:
                self.portrait.show(picture, gallery.way)
            else:
                self.portrait.show_mark(row.initial, row.colour)


class ShelfList(Vertical, can_focus=True):
    """Shows rows, one of them marked. Has the focus while its keys are meant."""

    DEFAULT_CSS = """
    ShelfList { height: 1fr; width: 1fr; overflow: hidden; padding: 0 0 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("library")]

    @dataclass
    class Moved(Message):
        """Another row is marked, or other rows are in sight."""

        row: ShelfRow | None

    @dataclass
    class Chosen(Message):
        """The marked row was clicked."""

        row: ShelfRow

    def __init__(self, gallery: Gallery) -> None:
        super().__init__(id="shelf")
        self._gallery = gallery
        self._rows: Sequence[ShelfRow] = ()
        self._picked: Collection[str] = ()
        self._views: list[_Row] = []
        self._top = 0
        self._at = 0

    @property
    def rows(self) -> Sequence[ShelfRow]:
        """All rows, in sight or not."""
        return self._rows

    @property
    def row(self) -> ShelfRow | None:
        """The marked row; None where there is none."""
        return self._rows[self._at] if self._rows else None

    @property
    def in_sight(self) -> Sequence[ShelfRow]:
        """The rows that can be seen."""
        return self._rows[self._top : self._top + len(self._views)]

    def show(self, rows: Sequence[ShelfRow], *, picked: Collection[str] = (), to_top: bool = False) -> None:
        """Show these; the mark stays with its thing, else in its place, or goes to the first row."""
        before = self.row
        self._rows, self._picked = rows, picked
        places = {row.id: at for at, row in enumerate(rows)}
        at = 0 if to_top else places.get(before.id if before is not None else "", self._at)
        self._move_to(at)

    def mark(self, row_id: str) -> None:
        """Mark the thing of that id, if it is there."""
        at = next((at for at, row in enumerate(self._rows) if row.id == row_id), None)
        if at is not None:
            self._move_to(at)

    def move(self, step: int) -> None:
        """Mark the row so many further down; the first or the last where there are no more."""
        self._move_to(self._at + step)

    def move_page(self, step: int) -> None:
        """Move by so many screens."""
        self.move(step * max(1, len(self._views) - 1))

    def action_next(self) -> None:
        """Mark the next row."""
        self.move(1)

    def action_previous(self) -> None:
        """Mark the row before."""
        self.move(-1)

    def action_page_down(self) -> None:
        """A screen down."""
        self.move_page(1)

    def action_page_up(self) -> None:
        """A screen up."""
        self.move_page(-1)

    def action_first(self) -> None:
        """Mark the first row."""
        self._move_to(0)

    def action_last(self) -> None:
        """Mark the last row."""
        self._move_to(len(self._rows) - 1)

    def _move_to(self, at: int) -> None:
        self._at = max(0, min(at, len(self._rows) - 1))
        room = max(1, len(self._views))
        self._top = max(0, min(self._top, self._at, len(self._rows) - room))
        self._top = max(self._top, self._at - room + 1)
        self.draw()
        self.post_message(self.Moved(self.row))

    def draw(self) -> None:
        """Draw the rows in sight again: a picture has come, or something about a row has changed."""
        with self.app.batch_update():
            for offset, view in enumerate(self._views):
                at = self._top + offset
                row = self._rows[at] if at < len(self._rows) else None
                picked = row is not None and row.id in self._picked
                view.show(row, self._gallery, marked=at == self._at and row is not None, picked=picked)

    async def on_resize(self, event: events.Resize) -> None:
        """Hold as many rows as have room."""
        wanted = max(1, event.size.height // ROW_HEIGHT)
        if wanted > len(self._views):
            more = [_Row() for _ in range(wanted - len(self._views))]
            self._views += more
            await self.mount_all(more)
        elif wanted < len(self._views):
            spare, self._views = self._views[wanted:], self._views[:wanted]
            await self.remove_children(spare)
        self._move_to(self._at)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three rows down."""
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three rows up."""
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        """Mark what was clicked; what is marked already is chosen."""
        at = self._top + (event.screen_y - self.content_region.y) // ROW_HEIGHT
        if at >= len(self._rows):
            return
        if at == self._at:
            self.post_message(self.Chosen(self._rows[at]))
        else:
            self._move_to(at)
