"""Every card as a list shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rpchat.store.kept_list import KeptList, ListEntry
from rpchat.store.shelf import Entry, Shelf
from rpchat.story.card import Card
from rpchat.story.text import fold, one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEntry(ListEntry):
    """A card as a list shows it."""

    spoken_name: str = ""
    """What the character answers to; empty where its file is broken."""
    tags: tuple[str, ...] = ()

    @property
    def searched(self) -> str:
        """What a search looks through."""
        return fold(" ".join([self.id, self.name, self.spoken_name, self.summary, *self.tags]))


class CardList(KeptList[Card, CardEntry]):
    """The cards of a shelf in short; `cache` and `read_only` as in `KeptList`."""

    def __init__(self, shelf: Shelf[Card], cache: Path, *, read_only: bool = False) -> None:
        super().__init__(shelf, cache, kind=CardEntry, told=_entry, read_only=read_only)


def _entry(found: Entry[Card]) -> CardEntry:
    card = found.value
    if card is None:
        error = str(found.error)
        return CardEntry(id=found.id, name=one_line(found.id), shipped=found.shipped, error=error, path=str(found.path))
    return CardEntry(
        id=found.id,
        name=one_line(card.name),
        spoken_name=one_line(card.spoken_name),
        summary=one_line(card.summary or card.description, 200),
        language=card.language,
        tags=card.tags,
        shipped=found.shipped,
        path=str(found.path),
    )
