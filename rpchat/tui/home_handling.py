"""What is done on the home screen: scenes begun and gone on with, the search, and the ways to other screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpchat.store.plan_list import PlanEntry
from rpchat.store.scenes import SceneSummary
from rpchat.tui.home_rows import Entry
from rpchat.tui.widgets.model_help import ModelHelp
from rpchat.tui.widgets.row_list import RowList
from rpchat.tui.widgets.search_field import SearchField

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp
    from rpchat.tui.screens.home import HomeScreen


class HomeHandling:
    """Does what the keys of the home screen ask for. What fails becomes a line on the screen."""

    def __init__(
        self, screen: HomeScreen, *, host: RpchatApp, rows: RowList, search: SearchField, model_help: ModelHelp
    ) -> None:
        self._screen = screen
        self._host = host
        self._rows = rows
        self._search = search
        self._model_help = model_help

    def action_play(self) -> None:
        """Play the row under the bar; in the path field: take the path."""
        if self._model_help.field.has_focus:
            self._model_help.give()
        elif (entry := self._rows.entry) is not None:
            self.play(entry, new=False)

    def action_new_scene(self) -> None:
        """Begin another scene with the cast under the bar."""
        if (entry := self._rows.entry) is not None:
            self.play(entry, new=True)

    def play(self, entry: Entry, *, new: bool) -> None:
        """Go on with what a row stands for, or begin it; with `new`, begin it in any case."""
        if isinstance(entry, SceneSummary):
            self._host.do(self._host.play(entry.card_ids, new=True) if new else self._host.open_scene(entry.id))
        elif entry.error:
            self._screen.remark(entry.error, error=True)
        elif isinstance(entry, PlanEntry):
            self._host.do(self._host.play_plan(entry.id, new=new))
        else:
            self._host.do(self._host.play([entry.id], new=new))

    def action_edit(self) -> None:
        """Edit the card under the bar; of a scene, its first one. A scene to begin is a text for any editor."""
        entry = self._rows.entry
        if isinstance(entry, PlanEntry):
            self._screen.remark(f"a scene to begin is a text file: {entry.path}")
        elif entry is not None:
            self._host.edit("cards", entry.card_ids[0] if isinstance(entry, SceneSummary) else entry.id)

    def action_new_card(self) -> None:
        """Write a new card."""
        self._host.edit("cards", "")

    def action_import_files(self) -> None:
        """Take files in."""
        self._host.import_files()

    def action_library(self) -> None:
        """To the library."""
        self._host.do(self._host.go_library())

    def action_models(self) -> None:
        """To the models."""
        self._host.action_models()

    # The focus moves before the next key is looked at: a letter behind Tab, in a burst, is a key of the rows.

    def action_next_part(self) -> None:
        """On to the rows, or back to the search."""
        self._screen.focus_next()

    def action_previous_part(self) -> None:
        """The other way round."""
        self._screen.focus_previous()

    def action_clear(self) -> None:
        """Close the help, else empty the search."""
        if not self._host.close_help():
            self._search.value = ""
            self._screen.set_focus(self._search)
