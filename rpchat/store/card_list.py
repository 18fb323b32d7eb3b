"""Every card as a list shows it, without reading every file every time.

What a list needs of a card is kept in one small file of the home, by path, change time and size. It is a convenience:
made anew when it is missing or broken, and never the only place of anything.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rpchat.errors import FileError, StoreError
from rpchat.store.files import write_atomically
from rpchat.store.reading import load_json, read_bytes
from rpchat.store.shelf import Entry, Shelf
from rpchat.story.card import Card
from rpchat.story.text import fold, one_line

_LIMIT = 32 * 1024 * 1024
_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEntry:
    """A card as a list shows it; `error` is its one line when the file is broken."""

    id: str
    name: str
    summary: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    shipped: bool = False
    error: str = ""
    path: str = ""
    """Where its file lies."""

    @property
    def searched(self) -> str:
        """What a search looks through."""
        return fold(" ".join([self.id, self.name, self.summary, *self.tags]))


class CardList:
    """The cards of a shelf in short. `cache` is the file in which that is kept; with `read_only` it is not written."""

    def __init__(self, shelf: Shelf[Card], cache: Path, *, read_only: bool = False) -> None:
        self._shelf = shelf
        self._cache = cache
        self._read_only = read_only
        self._known: dict[str, CardEntry] | None = None

    def entries(self) -> list[CardEntry]:
        """Return every card by id; a file that has not changed since it was last listed is not opened."""
        before = self._known if self._known is not None else _read(self._cache)
        now: dict[str, CardEntry] = {}
        for found in self._shelf.entries():
            key = _key(found)
            now[key] = before[key] if key in before else _entry(found.load())
        if now != before and not self._read_only:
            self._write(now)
        self._known = now
        return list(now.values())

    def _write(self, known: dict[str, CardEntry]) -> None:
        content = {"version": _VERSION, "cards": {key: asdict(entry) for key, entry in known.items()}}
        try:
            write_atomically(self._cache, json.dumps(content, ensure_ascii=False).encode())
        except StoreError:
            # Only the next start is slower for it.
            return


def _key(entry: Entry[Card]) -> str:
    """A name for the file as it is now; a file that has just gone keeps none that could be found again."""
    try:
        state = entry.path.stat()
    except OSError:
        return f"{entry.path}|gone"
    return f"{entry.path}|{state.st_mtime_ns}|{state.st_size}"


def _read(cache: Path) -> dict[str, CardEntry]:
    try:
        content = load_json(read_bytes(cache, limit=_LIMIT), name=cache.name, limit=_LIMIT)
        if not isinstance(content, dict) or content.get("version") != _VERSION:
            return {}
        return {key: CardEntry(**{**told, "tags": tuple(told["tags"])}) for key, told in content["cards"].items()}
    except (FileError, KeyError, TypeError, AttributeError):
        # Not there yet, damaged, or of another version: the files themselves are read then.
        return {}


def _entry(found: Entry[Card]) -> CardEntry:
    card = found.value
    if card is None:
        error = str(found.error)
        return CardEntry(id=found.id, name=one_line(found.id), shipped=found.shipped, error=error, path=str(found.path))
    return CardEntry(
        id=found.id,
        name=one_line(card.name),
        summary=one_line(card.summary or card.description, 200),
        language=card.language,
        tags=card.tags,
        shipped=found.shipped,
        path=str(found.path),
    )
