"""What was written in an editor and not saved: one small file each, kept until it is saved or dropped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rpchat.errors import FileError, StoreError
from rpchat.store.files import write_atomically
from rpchat.store.reading import load_json, read_bytes
from rpchat.store.slugs import slug

_LIMIT = 64 << 20


class Drafts:
    """The drafts in `folder`, by a name each. With `read_only` none is written or dropped."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._folder = folder
        self._read_only = read_only

    def find(self, name: str) -> Mapping[str, object] | None:
        """Return the draft of that name; None if there is none, or it cannot be read."""
        path = self._path(name)
        if not path.exists():
            return None
        try:
            found = load_json(read_bytes(path, limit=_LIMIT), name=path.name, limit=_LIMIT)
        except FileError:
            # What it is a draft of is there all the same; the file stays where it is.
            return None
        return found if isinstance(found, dict) else None

    def keep(self, name: str, draft: Mapping[str, object]) -> None:
        """Keep a draft instead of the one before it. Raises StoreError."""
        if self._read_only:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The folder {self._folder} cannot be made: {error.strerror}") from error
        write_atomically(self._path(name), json.dumps(draft, ensure_ascii=False).encode())

    def drop(self, name: str) -> None:
        """Forget a draft. Raises StoreError."""
        if self._read_only:
            return
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"The draft {name} cannot be removed: {error.strerror}") from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{slug(name)}.json"
