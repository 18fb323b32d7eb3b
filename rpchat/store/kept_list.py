"""What lists show of the files on a shelf, without reading every file every time.

What a list needs of a file is kept in one small file of the home, by path, change time and size. It is a convenience:
made anew when it is missing or broken, and never the only place of anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

from rpchat.errors import FileError, StoreError
from rpchat.store.files import write_atomically
from rpchat.store.reading import load_json, read_bytes
from rpchat.store.shelf import Entry, Shelf
from rpchat.story.card import Card
from rpchat.story.plan import ScenePlan

_LIMIT = 32 * 1024 * 1024
_VERSION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """A file of a shelf as a list shows it; `error` is its one line when the file is broken."""

    id: str
    name: str
    summary: str = ""
    language: str = ""
    shipped: bool = False
    error: str = ""
    path: str = ""
    """Where its file lies."""


V = TypeVar("V", Card, ScenePlan)
E = TypeVar("E", bound=ListEntry)


class KeptList(Generic[V, E]):
    """The files of a shelf in short.

    `told` makes the entry of a file that was read, of the class `kind`, whose sequences are tuples. `cache` is the file
    in which entries are kept; with `read_only` it is not written.
    """

    def __init__(
        self,
        shelf: Shelf[V],
        cache: Path,
        *,
        kind: type[E],
        told: Callable[[Entry[V]], E],
        read_only: bool = False,
    ) -> None:
        self._shelf: Shelf[V] = shelf
        self._cache = cache
        self._kind: type[E] = kind
        self._told: Callable[[Entry[V]], E] = told
        self._read_only = read_only
        self._known: dict[str, E] | None = None

    def entries(self) -> list[E]:
        """Return every file by id; one that has not changed since it was last listed is not opened."""
        before = self._known if self._known is not None else self._read()
        now: dict[str, E] = {}
        for found in self._shelf.entries():
            key = _key(found)
            now[key] = before[key] if key in before else self._told(found.load())
        if now != before and not self._read_only:
            self._write(now)
        self._known = now
        return list(now.values())

    def _write(self, known: dict[str, E]) -> None:
        content = {"version": _VERSION, "entries": {key: asdict(entry) for key, entry in known.items()}}
        try:
            write_atomically(self._cache, json.dumps(content, ensure_ascii=False).encode())
        except StoreError:
            # Only the next start is slower for it.
            return

    def _read(self) -> dict[str, E]:
        try:
            content = load_json(read_bytes(self._cache, limit=_LIMIT), name=self._cache.name, limit=_LIMIT)
            if not isinstance(content, dict) or content.get("version") != _VERSION:
                return {}
            return {key: self._recalled(told) for key, told in content["entries"].items()}
        except (FileError, KeyError, TypeError, AttributeError):
            # Not there yet, damaged, or of another version: the files themselves are read then.
            return {}

    def _recalled(self, told: dict[str, object]) -> E:
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
        return self._kind(**values)  # type: ignore[arg-type]  # what does not fit is another version's


def _key(entry: Entry[V]) -> str:
    """A name for the file as it is now; a file that has just gone keeps none that could be found again."""
    try:
        state = entry.path.stat()
    except OSError:
        return f"{entry.path}|gone"
    return f"{entry.path}|{state.st_mtime_ns}|{state.st_size}"
