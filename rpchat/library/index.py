"""What the user marked in the library, and which files have been taken in: one small file.

The marks live nowhere else, so a file that cannot be read is laid aside and never written over. Which files were taken
in is made anew for cards where it is missing, from the bytes that are kept of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rpchat.errors import FileError, StoreError
from rpchat.store.files import write_atomically
from rpchat.store.parsing import parse
from rpchat.store.reading import load_json, read_bytes
from rpchat.story.text import fold

_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the library knows of a card beside its file."""

    added: float = 0.0
    favourite: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """What was made of a file that was taken in."""

    kind: str
    id: str
    file: str = ""
    """The stem of the file's name, by which chats call their card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """The file."""

    cards: Mapping[str, Mark] = field(default_factory=dict)
    files: Mapping[str, Arrival] = field(default_factory=dict)
    """By the SHA-256 of their bytes."""


class Index:
    """The marks and arrivals of one home. Changes are on disk after `save`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._marks: dict[str, Mark] = {}
        self._arrivals: dict[str, Arrival] = {}
        self._loaded = False
        self._broken = False
        self._changed = False

    def mark(self, card_id: str) -> Mark:
        """Return what is known of a card."""
        self._load()
        return self._marks.get(card_id, Mark())

    def put(self, card_id: str, mark: Mark) -> None:
        """Note what is known of a card from now on."""
        if self.mark(card_id) != mark:
            self._marks[card_id] = mark
            self._changed = True

    def drop(self, card_id: str) -> Mark:
        """Forget a card, and return what was known of it."""
        mark = self.mark(card_id)
        if self._marks.pop(card_id, None) is not None:
            self._changed = True
        return mark

    def arrival(self, digest: str) -> Arrival | None:
        """Return what was made of a file with these bytes; None if it never came."""
        self._load()
        return self._arrivals.get(digest)

    def card_of(self, file: str) -> list[str]:
        """Return the ids of the cards that came as files with that stem, in any case, the latest first."""
        self._load()
        wanted = fold(file)
        found = [one.id for one in self._arrivals.values() if one.kind == "card" and fold(one.file) == wanted]
        return found[::-1]

    def arrived(self, digest: str, arrival: Arrival) -> None:
        """Note what was made of a file."""
        self._load()
        self._arrivals[digest] = arrival
        self._changed = True

    def save(self) -> None:
        """Bring the changes to disk, if there are any. Raises StoreError."""
        if not self._changed:
            return
        content = _Content(cards=self._marks, files=self._arrivals)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._broken:
                self._path.replace(self._path.with_suffix(".broken.json"))
        except OSError as error:
            raise StoreError(f"The library's index cannot be written: {error.strerror}") from error
        write_atomically(self._path, json.dumps(_plain(content), ensure_ascii=False).encode())
        self._broken = self._changed = False

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        if not self._path.exists():
            return
        try:
            data = load_json(read_bytes(self._path, limit=_LIMIT), name=self._path.name, limit=_LIMIT)
            content = parse(_Content, data, name=self._path.name)
        except FileError:
            self._broken = True  # laid aside, not written over, by the next save
            return
        self._marks, self._arrivals = dict(content.cards), dict(content.files)


def _plain(content: _Content) -> dict[str, object]:
    kept = {card_id: mark for card_id, mark in content.cards.items() if mark != Mark()}
    return {
        "cards": {card_id: asdict(mark) for card_id, mark in sorted(kept.items())},
        "files": {digest: asdict(arrival) for digest, arrival in content.files.items()},
    }
