"""The library: every card with its picture, personas, and the trash; searched, sorted, tagged, and played from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from rpchat.errors import FileError
from rpchat.tui.action import Place
from rpchat.tui.actions import BY_ID, bindings
from rpchat.tui.gallery import Gallery
from rpchat.tui.screens.room import Room
from rpchat.tui.shelf_handling import ShelfHandling
from rpchat.tui.shelf_row import KINDS, ShelfRow
from rpchat.tui.shelf_views import Seeking, ShelfViews
from rpchat.tui.shelving import Shelving
from rpchat.tui.widgets import card_preview, shelf_list
from rpchat.tui.widgets.ask_line import AskLine
from rpchat.tui.widgets.card_preview import CardPreview
from rpchat.tui.widgets.clean_fields import CleanLine
from rpchat.tui.widgets.shelf_list import ShelfList

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp

_CARDS = (
    "library.play", "library.search", "library.edit", "library.new", "library.import_files", "library.export",
    "library.favourite", "library.pick", "library.delete", "library.next_kind", "library.tags", "library.order",
)  # fmt: skip
_PERSONAS = ("library.play", "library.edit", "library.new", "library.delete", "library.next_kind")
_TRASH = ("library.play", "library.next_kind")


class SearchField(CleanLine):
    """Where the library is searched; the rows follow as it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("seeking")]


class LibraryScreen(Room):
    """Shows one shelf at a time. What its keys do is done by its parts."""

    AUTO_FOCUS = "#shelf"
    title_text = "Library"

    def __init__(self, host: RpchatApp) -> None:
        super().__init__("library")
        self.gallery: Gallery = host.gallery
        self._begun = False
        self._beside: ShelfRow | None = None
        self.shelving = Shelving(host.program)
        self.shelf = ShelfList(host.gallery)
        self._field = SearchField(placeholder="search · #tag", id="search", compact=True)
        self._kinds = Static(id="kinds", markup=False)
        self._preview = CardPreview(host.gallery)
        self._ask = AskLine()
        self._seeking = Seeking(self.shelf, self._field)
        self._parts = (
            ShelfHandling(self, host=host, shelving=self.shelving, shelf=self.shelf, ask=self._ask),
            ShelfViews(self, shelving=self.shelving, shelf=self.shelf, field=self._field, gallery=host.gallery),
            self.shelf,
        )

    def compose(self) -> ComposeResult:
        """Status, shelves and search, rows and preview, the question, keys."""
        yield self.status
        with Horizontal(id="search-line"):
            yield self._kinds
            yield Static(Content("›"), classes="prompt")
            yield self._field
        with Horizontal(id="middle"):
            with Vertical(id="list"):
                yield self.shelf
            yield self._preview
        yield self._ask
        yield self.said
        yield self.keys

    def on_mount(self) -> None:
        """Fill the rows behind the first paint."""
        self.show_status()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._begun = True
        self.host.do(self.reload(), group="library")

    def on_screen_resume(self) -> None:
        """What was done on another screen may have changed the rows."""
        if self._begun:
            self._begin()

    @property
    def places(self) -> tuple[Place, ...]:
        """The rows, or the search while one writes in it."""
        if self._ask.is_open:
            return ("asking",)
        return ("seeking",) if self._field.has_focus else ("library",)

    @property
    def hints(self) -> Sequence[str]:
        """What can be done on this shelf."""
        return {"cards": _CARDS, "personas": _PERSONAS, "trash": _TRASH}[self.shelving.kind]

    @property
    def labels(self) -> dict[str, str]:
        """What Enter does here."""
        return {"library.play": {"cards": "play", "personas": "play as", "trash": "put back"}[self.shelving.kind]}

    def subtitle(self) -> str:
        """Return what is shown."""
        return self.shelving.title()

    async def reload(self) -> None:
        """Read the rows again and show them."""
        await self.shelving.load()
        self.show_rows()

    def show_rows(self, *, to_top: bool = False) -> None:
        """Show the rows as they are narrowed now."""
        self.shelf.show(self.shelving.rows, picked=self.shelving.picked, to_top=to_top)
        names = [(kind, "bold $accent" if kind == self.shelving.kind else "$ooc") for kind in KINDS]
        self._kinds.update(Content("  ").join([Content(kind).stylize(style) for kind, style in names]))
        self.remark(self.shelving.nothing())
        self.show_status()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        if event.input is self._field:
            self.shelving.search = event.value
            self.show_rows(to_top=True)

    def on_shelf_list_moved(self, event: ShelfList.Moved) -> None:
        """Show the marked card beside the rows, and make the pictures that are in sight."""
        event.stop()
        if self.said.has_class("-error") and event.row is not self._beside:
            self.remark("")
        self._beside = event.row
        self.host.do_latest(partial(self._show_preview, event.row), group="preview")
        self.host.do_latest(self._make_pictures, group="pictures")

    def on_shelf_list_chosen(self, event: ShelfList.Chosen) -> None:
        """A click on the marked row is Enter."""
        event.stop()
        self._parts[0].action_play()

    def on_ask_line_closed(self, event: AskLine.Closed) -> None:
        """Back to the rows."""
        event.stop()
        self.shelf.focus()

    async def _show_preview(self, row: ShelfRow | None) -> None:
        if row is None or row.kind == "trash" or row.error:
            self._preview.clear()
            return
        library = self.host.program.library
        try:
            self._preview.show(row, await (library.card(row.id) if row.kind == "cards" else library.persona(row.id)))
        except FileError:
            # Its file has gone or broken since the rows were read; they say so when they are read again.
            self._preview.clear()
            return
        await self._make_preview_picture(row)

    async def _make_preview_picture(self, row: ShelfRow) -> None:
        if row.avatar is not None and self._preview.display:
            columns, rows = card_preview.PICTURE
            async with aclosing(self.gallery.make([row.avatar], columns=columns, rows=rows)) as made:
                async for _ in made:
                    self._preview.show_picture(row)

    async def _make_pictures(self) -> None:
        columns, rows = shelf_list.PICTURE
        wanted = [row.avatar for row in self.shelf.in_sight if row.avatar is not None]
        async with aclosing(self.gallery.make(wanted, columns=columns, rows=rows)) as made:
            async for _ in made:
                self.shelf.draw()

    async def perform(self, action_id: str) -> None:
        """Do an action of the rows or of the search."""
        name = f"action_{BY_ID[action_id].name}"
        parts: Sequence[object] = (self._seeking,) if BY_ID[action_id].place == "seeking" else self._parts
        do: Callable[[], Awaitable[None] | None] = next(getattr(part, name) for part in parts if hasattr(part, name))
        if isawaitable(doing := do()):
            await doing

    def on_descendant_focus(self) -> None:
        """The keys change with the focus."""
        if self.is_mounted:
            self.show_keys()
