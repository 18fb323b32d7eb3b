"""The home screen: recent scenes and cards under one search, and what to do where there is no model yet."""

from __future__ import annotations

from functools import partial
from time import time
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from rpchat.store.card_list import CardEntry
from rpchat.store.scenes import SceneSummary
from rpchat.tui.actions import BY_ID, bindings, shown_key
from rpchat.tui.row_actions import RowActions, taught
from rpchat.tui.widgets.keyline import KeyLine
from rpchat.tui.widgets.model_help import ModelHelp
from rpchat.tui.widgets.row_list import RowList
from rpchat.tui.widgets.search_field import SearchField
from rpchat.tui.widgets.status import Overview, StatusLine

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp

_HINTS = ("home.play", "home.new_scene", "home.library", "home.models", "app.command_palette", "app.quit", "app.help")
_ROW_HINTS = ("home.play", "rows.new_card", "rows.import_files", "rows.edit", "rows.library", "app.quit", "app.help")


class HomeScreen(Screen[None]):
    """Where a scene is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("home")]
    AUTO_FOCUS = "#search"

    def __init__(self) -> None:
        super().__init__(id="home")
        self._status = StatusLine(Overview(title="rpchat"))
        self._help = ModelHelp()
        self._remark = Static(id="remark", markup=False)
        self._rows = RowList()
        self._keys = KeyLine()
        self._row_actions = RowActions(lambda: self.host, entry=lambda: self._rows.entry)
        self._looked = False

    def compose(self) -> ComposeResult:
        """Status, search, rows, keys."""
        yield self._status
        with Horizontal(id="middle"), Vertical(id="list"):
            with Horizontal(id="search-line"):
                yield Static(Content("›"), classes="prompt")
                yield SearchField(placeholder="search scenes, cards, text …", id="search", compact=True)
            yield self._help
            yield self._remark
            yield self._rows
        yield self._keys

    def on_mount(self) -> None:
        """Fill the rows behind the first paint."""
        self.show_status()
        self.call_after_refresh(self.look_up)

    @property
    def host(self) -> RpchatApp:
        """The app, as what it is."""
        return cast("RpchatApp", self.app)

    def show_status(self) -> None:
        """Bring the top line, the help about models and the line of keys up to date."""
        loader = self.host.loader
        model = " · ".join(filter(None, [loader.label, loader.place]))
        warning = "read-only: another rpchat has these scenes open" if self.host.program.read_only else ""
        self._status.show(Overview(title="rpchat", model=model, warning=warning))
        self._help.show(
            missing=loader.looked and loader.choice is None,
            demo=loader.choice is not None and loader.choice.demo,
            folder=self.host.program.choices.models_folder,
        )
        hints = _ROW_HINTS if self._rows.has_focus else _HINTS
        self._keys.show([(shown_key(BY_ID[name], self.host.keys), BY_ID[name].label) for name in hints])

    def on_descendant_focus(self) -> None:
        """The keys change with the focus."""
        if self.is_mounted:
            self.show_status()

    def remark(self, line: str, *, error: bool = False) -> None:
        """Show one line under the search, or with an empty text none."""
        self._remark.set_class(bool(line), "-shown")
        self._remark.set_class(error, "-error")
        self._remark.update(Content(line))

    def look_up(self) -> None:
        """Look for what is written in the search; a newer search replaces an older one."""
        self._looked = True
        self.host.do_latest(partial(self._look_up, self.query_one("#search", Input).value), group="search")

    async def _look_up(self, search: str) -> None:
        scenes = await self.host.program.recent(search)
        cards = await self.host.program.cards(search)
        if self._rows.is_attached:
            self._rows.show(scenes, cards, now=time())
            if not self._remark.has_class("-error"):
                self.remark(taught(search, scenes, cards))

    def on_screen_resume(self) -> None:
        """What came in or was edited on another screen is among the rows."""
        if self._looked:
            self.look_up()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        if event.input.id == "search":
            self.remark("")
            self.look_up()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """Play what was clicked."""
        event.stop()
        self._play(event.entry, new=False)

    def on_search_field_files_dropped(self, event: SearchField.FilesDropped) -> None:
        """Take in what was dropped."""
        event.stop()
        self.host.import_files(event.paths)

    def on_model_help_path_given(self, event: ModelHelp.PathGiven) -> None:
        """Take the model the user named."""
        event.stop()
        self.host.do(self.host.choose_model(event.path))

    def on_resize(self, event: events.Resize) -> None:
        """The columns have other widths."""
        self._rows.lay_out(event.size.width)

    def action_play(self) -> None:
        """Play the row under the bar; in the path field: take the path."""
        path_field = self._help.field
        if path_field.has_focus:
            self._help.give()
        elif (entry := self._rows.entry) is not None:
            self._play(entry, new=False)

    def action_new_scene(self) -> None:
        """Begin another scene with the cast under the bar."""
        if (entry := self._rows.entry) is not None:
            self._play(entry, new=True)

    def _play(self, entry: SceneSummary | CardEntry, *, new: bool) -> None:
        if isinstance(entry, SceneSummary):
            again = self.host.play(entry.card_ids, new=True) if new else self.host.open_scene(entry.id)
            self.host.do(again)
        elif entry.error:
            self.remark(entry.error, error=True)
        else:
            self.host.do(self.host.play([entry.id], new=new))

    def action_perform(self, action_id: str) -> None:
        """Do an action of the rows."""
        getattr(self._row_actions, f"action_{BY_ID[action_id].name}")()

    def action_models(self) -> None:
        """To the models."""
        self.host.action_models()

    def action_library(self) -> None:
        """To the library."""
        self.host.do(self.host.go_library())

    def action_row_up(self) -> None:
        """Up."""
        self._rows.action_cursor_up()

    def action_row_down(self) -> None:
        """Down."""
        self._rows.action_cursor_down()

    def action_page_up(self) -> None:
        """A page up."""
        self._rows.action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """A page down."""
        self._rows.action_page_down()  # type: ignore[no-untyped-call]

    def action_clear(self) -> None:
        """Close the help, else empty the search."""
        if not self.host.close_help():
            self.query_one("#search", Input).value = ""
            self.query_one("#search", Input).focus()
