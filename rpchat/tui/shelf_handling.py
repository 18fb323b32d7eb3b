"""What is done with the rows of the library: marks, the trash, files out, and the ways to other screens."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from rpchat.library import TrashEntry
from rpchat.story.text import one_line
from rpchat.tui.dropped import user_path
from rpchat.tui.shelf_row import ShelfRow
from rpchat.tui.shelving import Shelving
from rpchat.tui.widgets.ask_line import AskLine
from rpchat.tui.widgets.shelf_list import ShelfList

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp
    from rpchat.tui.screens.library import LibraryScreen

_LARGEST_GROUP = 7


class ShelfHandling:
    """Does to the marked row what its keys ask for. What fails becomes a line on the screen."""

    def __init__(
        self, screen: LibraryScreen, *, host: RpchatApp, shelving: Shelving, shelf: ShelfList, ask: AskLine
    ) -> None:
        self._screen = screen
        self._host = host
        self._shelving = shelving
        self._shelf = shelf
        self._ask = ask
        self._deleted: list[TrashEntry] = []

    def action_play(self) -> None:
        """Play the card or the picked group, be the persona, or put it back."""
        row = self._shelf.row
        if row is None:
            return
        if row.kind == "trash":
            self._do(self._restore(self._shelving.trashed(row)))
        elif row.kind == "personas":
            self._do(self._be(row))
        elif self._shelving.picked:
            self._host.do(self._host.play(list(self._shelving.picked), new=False))
        elif row.error:
            self._screen.remark(row.error, error=True)
        else:
            self._host.do(self._host.play([row.id], new=False))

    async def _be(self, row: ShelfRow) -> None:
        """Play as that persona from now on; as nobody in particular, if it was that one."""
        program = self._host.program
        await program.remember("persona", "" if row.in_use else row.id)
        await self._screen.reload()
        self._screen.remark(f"new scenes are played as {'yourself' if row.in_use else one_line(row.name, 60)}")

    def action_pick(self) -> None:
        """Pick the card for a group, or leave it out."""
        row = self._card()
        if row is None:
            return
        if row.error:
            self._screen.remark(row.error, error=True)
        elif len(self._shelving.picked) >= _LARGEST_GROUP and row.id not in self._shelving.picked:
            self._screen.remark(f"a group has at most {_LARGEST_GROUP} members")
        else:
            self._shelving.pick(row.id)
            self._screen.show_rows()
            self._shelf.move(1)

    def action_favourite(self) -> None:
        """Make the card a favourite, or no longer."""
        if (row := self._card()) is not None:
            self._do(self._favourite(row))

    async def _favourite(self, row: ShelfRow) -> None:
        await self._host.program.library.set_favourite(row.id, not row.favourite)
        await self._screen.reload()

    def action_own_tags(self) -> None:
        """Ask for tags of the user's own."""
        if (row := self._card()) is not None:
            tags = ", ".join(self._shelving.own_tags(row.id))
            self._ask.open("tags, with commas", tags, lambda text: self._do(self._tag(row, text)))

    async def _tag(self, row: ShelfRow, text: str) -> None:
        await self._host.program.library.set_tags(row.id, [tag for part in text.split(",") if (tag := part.strip())])
        await self._screen.reload()

    def action_delete(self) -> None:
        """Move it to the trash."""
        row = self._shelf.row
        if row is not None and row.kind != "trash":
            self._do(self._delete(row))

    async def _delete(self, row: ShelfRow) -> None:
        library = self._host.program.library
        entry = await (library.trash(row.id) if row.kind == "cards" else library.trash_persona(row.id))
        self._deleted.append(entry)
        await self._screen.reload()
        self._screen.remark(
            f"{one_line(row.name, 60)} is in the trash · {self._screen.key('library.undo')} brings it back"
        )

    def action_undo(self) -> None:
        """Bring back what was deleted last; in the trash, the marked one."""
        row = self._shelf.row
        if row is not None and row.kind == "trash":
            self._do(self._restore(self._shelving.trashed(row)))
        elif self._deleted:
            self._do(self._restore(self._deleted[-1]))
        else:
            self._screen.remark("nothing was deleted here")

    async def _restore(self, entry: TrashEntry) -> None:
        found_again = await self._host.program.library.restore(entry)
        self._deleted = [one for one in self._deleted if one.folder != entry.folder]
        await self._screen.reload()
        self._shelf.mark(found_again)
        self._screen.remark(f"{one_line(entry.name, 60)} is back")

    def action_edit(self) -> None:
        """Edit the card or the persona."""
        row = self._shelf.row
        if row is not None and row.kind != "trash":
            self._host.edit(row.kind, row.id)

    def action_new(self) -> None:
        """Write a new card or persona."""
        self._host.edit("personas" if self._shelving.kind == "personas" else "cards", "")

    def action_import_files(self) -> None:
        """Take files in."""
        self._host.import_files()

    def action_export(self) -> None:
        """Ask where the card shall be written to."""
        if (row := self._card()) is not None:
            path = str(Path.home() / f"{row.id}.png")
            self._ask.open_path("write to", path, lambda text: self._do(self._export(row, text)))

    async def _export(self, row: ShelfRow, text: str) -> None:
        path = user_path(text)
        lost = await self._host.program.library.export(row.id, path)
        notes = "".join(f" · {one_line(note, 200)}" for note in lost)
        self._screen.remark(f"written: {path}{notes}")

    def _card(self) -> ShelfRow | None:
        """Return the marked card; say so where it is none."""
        row = self._shelf.row
        if row is not None and row.kind == "cards":
            return row
        self._screen.remark("that is for cards")
        return None

    def _do(self, work: Coroutine[None, None, None]) -> None:
        self._host.do(work, group="library")
