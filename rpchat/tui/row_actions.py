"""What letters do on the rows of the home screen, and what it teaches where rows are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rpchat.store.card_list import CardEntry
from rpchat.store.scenes import SceneSummary

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp


class RowActions:
    """The ways from the rows to other screens. `entry` returns what stands under the bar."""

    def __init__(self, host: Callable[[], RpchatApp], *, entry: Callable[[], SceneSummary | CardEntry | None]) -> None:
        self._host = host
        self._entry = entry

    def action_library(self) -> None:
        """To the library."""
        self._host().do(self._host().go_library())

    def action_import_files(self) -> None:
        """Take files in."""
        self._host().import_files()

    def action_new_card(self) -> None:
        """Write a new card."""
        self._host().edit("cards", "")

    def action_edit(self) -> None:
        """Edit the card under the bar; of a scene, its first one."""
        entry = self._entry()
        if entry is not None:
            self._host().edit("cards", entry.card_ids[0] if isinstance(entry, SceneSummary) else entry.id)


def taught(search: str, scenes: Sequence[SceneSummary], cards: Sequence[CardEntry]) -> str:
    """Return what one key would do where there is nothing, or nothing but cards; empty where there is enough."""
    if scenes or (cards and search):
        return ""
    if search:
        return f"nothing has “{search}” in it · Esc empties the search"
    if cards:
        return "choose a character and press Enter: the scene begins, and every word of it is kept"
    return "no cards yet: Tab, then i takes them in from files, or n writes one · dropping files here works too"
