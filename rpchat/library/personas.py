"""The user's personas: read, saved, deleted, brought back."""

from __future__ import annotations

from rpchat.errors import FileError
from rpchat.library.index import Mark
from rpchat.library.trash import Trash
from rpchat.library.values import TrashEntry
from rpchat.store.shelf import Shelf
from rpchat.story.persona import Persona
from rpchat.story.text import fold, one_line


class Personas:
    """The personas of one home. To be used by one thread."""

    def __init__(self, shelf: Shelf[Persona], trash: Trash) -> None:
        self.shelf = shelf
        self._trash = trash

    def read(self, persona_id: str) -> Persona:
        """Return a persona. Raises FileError."""
        return self.shelf.find(persona_id)[1]

    def save(self, persona_id: str, persona: Persona) -> str:
        """Write a persona to the user's file of that id, or a new one with an empty id; return the id."""
        return self.shelf.save(persona_id, persona).stem

    def add(self, persona: Persona) -> tuple[str, bool]:
        """Return the id of a persona that is exactly like this one, made if there is none, and whether there was."""
        known = self.known(persona)
        return (known, True) if known else (self.save("", persona), False)

    def known(self, persona: Persona) -> str:
        """Return the id of a persona that is exactly like this one; empty if there is none."""
        return next((entry.id for entry in self.shelf.entries() if entry.load().value == persona), "")

    def delete(self, persona_id: str) -> TrashEntry:
        """Move a persona into the trash. Raises FileError if it is not there or came with the program."""
        entry = next((one for one in self.shelf.entries() if fold(one.id) == fold(persona_id)), None)
        if entry is None or entry.shipped:
            why = "came with the program and cannot be deleted" if entry else "is not there"
            raise FileError(f"The persona {one_line(persona_id)} {why}")
        loaded = entry.load().value
        name = one_line(loaded.name if loaded is not None else entry.id)
        return self._trash.put(entry.path, kind="persona", entry_id=entry.id, name=name, mark=Mark())

    def bring_back(self, entry: TrashEntry) -> str:
        """Bring a persona back from the trash; return its id, which is another if its own was taken meanwhile."""
        persona_id = self.shelf.new_id(entry.id)
        self._trash.bring_back(entry, file=self.shelf.own_path(persona_id))
        return persona_id
