"""What was deleted, each thing in a folder of its own:

trash/<time>-<id>/entry.json    what it is and what the user had marked
                  file.yaml     the file; an entry is in the trash from the moment this is here
                  library/      what belonged to a card beside its file
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rpchat.errors import FileError, StoreError
from rpchat.library.index import Mark
from rpchat.library.values import TrashedKind, TrashEntry
from rpchat.store.files import write_atomically
from rpchat.store.parsing import parse
from rpchat.store.reading import load_json, read_bytes
from rpchat.store.slugs import unique

_ENTRY, _FILE, _BELONGINGS = "entry.json", "file.yaml", "library"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What entry.json holds."""

    kind: TrashedKind
    id: str
    name: str
    trashed: float
    mark: Mark = field(default_factory=Mark)


class Trash:
    """The trash of one home. Every method raises StoreError if the disk fails it."""

    def __init__(self, folder: Path, *, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock

    def put(
        self, file: Path, *, kind: TrashedKind, entry_id: str, name: str, mark: Mark, belongings: Path | None = None
    ) -> TrashEntry:
        """Move a file into the trash, then what belongs to it, and return the entry."""
        now = self._clock()
        told = _Told(kind=kind, id=entry_id, name=name, trashed=now, mark=mark)
        try:
            folder = self._new_folder(entry_id, now)
            write_atomically(folder / _ENTRY, json.dumps(asdict(told), ensure_ascii=False).encode())
            file.rename(folder / _FILE)
            if belongings is not None and belongings.is_dir():
                belongings.rename(folder / _BELONGINGS)
        except OSError as error:
            raise StoreError(f"{name} cannot be moved to the trash: {error.strerror}") from error
        return _entry(told, folder)

    def lay_aside(self, belongings: Path) -> None:
        """Move a folder that an interruption left without its card out of the way."""
        try:
            belongings.rename(self._new_folder(belongings.name, self._clock()) / _BELONGINGS)
        except OSError as error:
            raise StoreError(f"{belongings.name} cannot be moved to the trash: {error.strerror}") from error

    def entries(self) -> list[TrashEntry]:
        """Return what lies in the trash, the latest first. What is damaged there is passed over."""
        found = [_entry(told, folder) for folder in self._folders() if (told := _read(folder)) is not None]
        return sorted(found, key=lambda entry: entry.trashed, reverse=True)

    def bring_back(self, entry: TrashEntry, *, file: Path, belongings: Path | None = None) -> Mark:
        """Move everything of an entry out of the trash, the file last, and return what was marked."""
        told = _read(entry.folder)
        if told is None:
            raise StoreError(f"{entry.name} is no longer in the trash")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if belongings is not None and (entry.folder / _BELONGINGS).is_dir():
                belongings.parent.mkdir(parents=True, exist_ok=True)
                (entry.folder / _BELONGINGS).rename(belongings)
            (entry.folder / _FILE).rename(file)
            (entry.folder / _ENTRY).unlink()
            entry.folder.rmdir()
        except OSError as error:
            raise StoreError(f"{entry.name} cannot be brought back: {error.strerror}") from error
        return told.mark

    def _new_folder(self, entry_id: str, now: float) -> Path:
        taken = [folder.name for folder in self._folders()]
        folder = self._folder / unique(f"{int(now)}-{entry_id}", taken)
        folder.mkdir(parents=True)
        return folder

    def _folders(self) -> list[Path]:
        try:
            return [path for path in self._folder.iterdir() if path.is_dir()] if self._folder.is_dir() else []
        except OSError as error:
            raise StoreError(f"The trash cannot be read: {error.strerror}") from error


def _read(folder: Path) -> _Told | None:
    """Return what an entry says of itself; None if there is nothing in it to bring back."""
    if not (folder / _FILE).is_file():
        return None
    try:
        data = load_json(read_bytes(folder / _ENTRY, limit=1 << 20), name=_ENTRY)
        return parse(_Told, data, name=_ENTRY)
    except FileError:
        return None


def _entry(told: _Told, folder: Path) -> TrashEntry:
    return TrashEntry(kind=told.kind, id=told.id, name=told.name, trashed=told.trashed, folder=folder)
