"""The home screen: recent scenes, scenes to begin and cards under one search, and where to get a model without one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import time
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from rpchat.tui.action import Place
from rpchat.tui.actions import BY_ID, bindings
from rpchat.tui.home_handling import HomeHandling
from rpchat.tui.home_rows import HomeRows
from rpchat.tui.screens.room import Room
from rpchat.tui.widgets.model_help import ModelHelp
from rpchat.tui.widgets.row_list import RowList
from rpchat.tui.widgets.search_field import SearchField

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp

_HINTS = ("home.play", "home.new_scene", "home.library", "home.models", "app.command_palette", "app.quit")
_ROW_HINTS = ("home.play", "rows.new_card", "rows.import_files", "rows.edit", "rows.library", "app.quit")


class HomeScreen(Room):
    """Where a scene is chosen. What its keys do is done by its parts."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("home")]
    AUTO_FOCUS = "#search"
    title_text = "rpchat"

    def __init__(self, host: RpchatApp) -> None:
        super().__init__("home")
        self._search = SearchField(placeholder="search scenes, cards, text …", id="search", compact=True)
        self._model_help = ModelHelp()
        self._rows = RowList()
        self._handling = HomeHandling(
            self, host=host, rows=self._rows, search=self._search, model_help=self._model_help
        )
        self._looked = False

    def compose(self) -> ComposeResult:
        """Status, search, rows, keys."""
        yield self.status
        with Horizontal(id="middle"), Vertical(id="list"):
            with Horizontal(id="search-line"):
                yield Static(Content("›"), classes="prompt")
                yield self._search
            yield self._model_help
            yield self.said
            yield self._rows
        yield self.keys

    def on_mount(self) -> None:
        """Fill the rows behind the first paint."""
        self.show_status()
        self.call_after_refresh(self.look_up)

    @property
    def places(self) -> tuple[Place, ...]:
        """The search, whose keys work on the rows too, and what letters do there."""
        return ("rows", "home") if self._rows.has_focus else ("home", "rows")

    @property
    def hints(self) -> Sequence[str]:
        """What letters do is told where they do it."""
        return _ROW_HINTS if self._rows.has_focus else _HINTS

    def show_status(self) -> None:
        """Bring the top line, the help about models and the line of keys up to date."""
        super().show_status()
        loader = self.host.loader
        self._model_help.show(
            missing=loader.looked and loader.choice is None,
            demo=loader.choice is not None and loader.choice.demo,
            folder=self.host.program.choices.models_folder,
        )

    async def perform(self, action_id: str) -> None:
        """Do an action: the list moves its bar itself, the handling does the rest."""
        name = f"action_{BY_ID[action_id].name}"
        getattr(self._handling if hasattr(self._handling, name) else self._rows, name)()

    def look_up(self) -> None:
        """Look for what is written in the search; a newer search replaces an older one."""
        self._looked = True
        self.host.do_latest(partial(self._look_up, self._search.value), group="search")

    async def _look_up(self, search: str) -> None:
        program = self.host.program
        found = HomeRows(
            scenes=await program.recent(search),
            plans=await program.plans.entries(search),
            cards=await program.cards(search),
            search=search,
        )
        if self._rows.is_attached:
            self._rows.show(found.sections, chosen=found.likeliest, now=time())
            if not self.said.has_class("-error"):
                self.remark(found.taught)

    def on_screen_resume(self) -> None:
        """What came in or was edited on another screen is among the rows."""
        if self._looked:
            self.look_up()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        if event.input is self._search:
            self.remark("")
            self.look_up()

    def on_descendant_focus(self) -> None:
        """The keys change with the focus."""
        if self.is_mounted:
            self.show_keys()

    def on_resize(self, event: events.Resize) -> None:
        """The columns have other widths."""
        self._rows.lay_out(event.size.width)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Play what was clicked."""
        event.stop()
        self._handling.play(event.entry, new=False)

    def on_search_field_files_dropped(self, event: SearchField.FilesDropped) -> None:
        """Take in what was dropped."""
        event.stop()
        self.host.import_files(event.paths)

    def on_model_help_path_given(self, event: ModelHelp.PathGiven) -> None:
        """Take the model the user named."""
        event.stop()
        self.host.do(self.host.choose_model(event.path))
