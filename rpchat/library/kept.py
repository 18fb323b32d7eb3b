"""Files that are kept as they came, because they are read again whenever they are needed: lorebooks and scripts."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from rpchat.errors import FileError, StoreError
from rpchat.exchange.values import CARD_LIMIT
from rpchat.store.files import write_atomically
from rpchat.store.reading import read_bytes, shown
from rpchat.store.slugs import slug, unique
from rpchat.story.text import fold

_ENDING = ".json"


class KeptFiles:
    """The JSON files of one folder; an id is a file's name without its ending."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ids(self) -> list[str]:
        """Return the ids of all files, sorted. Raises StoreError if the folder cannot be listed."""
        try:
            names = sorted(path.name for path in self._folder.iterdir()) if self._folder.is_dir() else []
        except OSError as error:
            raise StoreError(f"The folder {self._folder} cannot be read: {error.strerror}") from error
        return [name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING) and name[0] != "."]

    def add(self, data: bytes, *, name: str) -> tuple[str, bool]:
        """Keep a file under an id made of `name`; return the id, and whether just this file was there already."""
        ids = self.ids()
        for entry_id in ids:
            path = self._folder / f"{entry_id}{_ENDING}"
            if path.stat().st_size == len(data) and path.read_bytes() == data:
                return entry_id, True
        entry_id = unique(slug(name), ids)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The folder {self._folder} cannot be made: {error.strerror}") from error
        write_atomically(self._folder / f"{entry_id}{_ENDING}", data)
        return entry_id, False

    def find(self, name: str, *, what: str) -> tuple[str, bytes]:
        """Return the id and the content of the file of that id, in any case. Raises FileError, saying what there is."""
        by_id = {fold(entry_id): entry_id for entry_id in self.ids()}
        entry_id = by_id.get(fold(name)) or by_id.get(fold(slug(name)))
        if entry_id is None:
            near = get_close_matches(fold(name), by_id, n=3, cutoff=0.5) or list(by_id)[:8]
            hint = f"There are {', '.join(by_id[one] for one in near)}" if near else ""
            raise FileError(f"There is no {what} named {shown(name)}", hint)
        return entry_id, read_bytes(self._folder / f"{entry_id}{_ENDING}", limit=CARD_LIMIT)
