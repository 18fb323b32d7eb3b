"""How the library is looked at: searched, narrowed by tags, sorted, with or without pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from rpchat.tui.gallery import Gallery
from rpchat.tui.graphics import drawn
from rpchat.tui.shelving import Shelving
from rpchat.tui.widgets.shelf_list import ShelfList

if TYPE_CHECKING:
    from rpchat.tui.screens.library import LibraryScreen


class ShelfViews:
    """Changes what the library screen shows of its rows, and how."""

    def __init__(
        self, screen: LibraryScreen, *, shelving: Shelving, shelf: ShelfList, field: Input, gallery: Gallery
    ) -> None:
        self._screen = screen
        self._shelving = shelving
        self._shelf = shelf
        self._field = field
        self._gallery = gallery

    def action_search(self) -> None:
        """Write in the search."""
        self._screen.set_focus(self._field)

    def action_tags(self) -> None:
        """Narrow by the next tag."""
        self._shelving.next_tag()
        self._screen.show_rows(to_top=True)

    async def action_order(self) -> None:
        """Sort in the next way."""
        self._shelving.next_order()
        await self._screen.reload()

    async def action_next_kind(self) -> None:
        """Go to the next shelf."""
        self._shelving.next_kind()
        self._field.value = ""
        await self._screen.reload()

    def action_preview(self) -> None:
        """Show the marked card's texts, or hide them."""
        self._screen.toggle_class("-preview-changed")
        self._screen.show_rows()

    async def action_pictures(self) -> None:
        """Show pictures, or none, and remember it."""
        self._gallery.way = drawn("auto" if self._gallery.way == "off" else "off")
        self._screen.show_rows()
        await self._screen.host.program.remember("pictures", "off" if self._gallery.way == "off" else "auto")

    def action_leave(self) -> None:
        """Close the help; else show all rows again; else leave the group; else go back to the scenes."""
        if self._screen.host.close_help():
            return
        if self._shelving.widen():
            self._field.value = ""
        elif self._shelving.picked:
            self._shelving.picked.clear()
        else:
            self._screen.host.do(self._screen.host.go_home())
            return
        self._screen.show_rows()


class Seeking:
    """What the keys do while one writes in the search of the library."""

    def __init__(self, shelf: ShelfList, field: Input) -> None:
        self._shelf = shelf
        self._field = field

    def action_next(self) -> None:
        """The next row."""
        self._shelf.move(1)

    def action_previous(self) -> None:
        """The row before."""
        self._shelf.move(-1)

    def action_take(self) -> None:
        """To the rows that were found."""
        self._shelf.screen.set_focus(self._shelf)

    def action_leave(self) -> None:
        """Search nothing, back to the rows."""
        self._field.value = ""
        self._shelf.screen.set_focus(self._shelf)
