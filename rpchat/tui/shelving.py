"""What the library shows: which of its three shelves, in which order, narrowed by which search and tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from rpchat.library import LibraryCard, LibraryPersona, Order, TrashEntry
from rpchat.program import Program
from rpchat.story.text import fold, one_line
from rpchat.tui.finding import found
from rpchat.tui.shelf_row import FAVOURITE, KINDS, Kind, ShelfRow, count_line, tags_of

ORDERS: tuple[Order, ...] = get_args(Order)

_IN_WORDS: Mapping[Order, str] = {
    "name": "by name",
    "recent": "last played first",
    "added": "last added first",
    "favourites": f"{FAVOURITE} first",
}
_EMPTY: Mapping[Kind, str] = {
    "cards": "no cards yet · i takes them in from files, n writes a new one",
    "personas": "no personas yet · n writes one",
    "trash": "the trash is empty",
}


class Shelving:
    """Holds the rows of one shelf of `program`'s library and what they are narrowed by. `load` reads them again."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._all: Sequence[ShelfRow] = ()
        self._trashed: Mapping[str, TrashEntry] = {}
        self._cards: Mapping[str, LibraryCard] = {}
        self.kind: Kind = "cards"
        self.order: Order = "name"
        self.search = ""
        self.tag = ""
        self.picked: list[str] = []
        """Ids of the cards of a group that is being put together, in the order in which they were picked."""

    async def load(self) -> None:
        """Read the rows of the shelf. Raises StoreError."""
        library = self._program.library
        if self.kind == "cards":
            cards = await library.entries(order=self.order)
            self._cards = {card.id: card for card in cards}
            self._all = [_card_row(card) for card in cards]
            self.picked = [card_id for card_id in self.picked if card_id in self._cards]
        elif self.kind == "personas":
            in_use = fold(self._program.config.persona)
            self._all = [_persona_row(persona, in_use=in_use) for persona in await library.personas()]
        else:
            entries = await library.trashed()
            self._trashed = {entry.folder.name: entry for entry in entries}
            self._all = [_trash_row(entry) for entry in entries]

    @property
    def rows(self) -> list[ShelfRow]:
        """The rows that the search and the tag leave, the best first where something is searched."""
        rows = [row for row in self._all if not self.tag or self.tag in row.tags]
        return found(rows, self.search)

    @property
    def is_narrowed(self) -> bool:
        """Whether some rows may be left out."""
        return bool(self.search.strip() or self.tag)

    def trashed(self, row: ShelfRow) -> TrashEntry:
        """Return what a row of the trash stands for."""
        return self._trashed[row.id]

    def own_tags(self, card_id: str) -> tuple[str, ...]:
        """Return the tags the user gave a card."""
        return self._cards[card_id].own_tags

    def next_kind(self) -> None:
        """Go to the next shelf, with nothing searched."""
        self.kind = KINDS[(KINDS.index(self.kind) + 1) % len(KINDS)]
        self.widen()

    def next_order(self) -> None:
        """Take the next order."""
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]

    def next_tag(self) -> None:
        """Narrow by the next tag, the most frequent first; behind the last one by none."""
        tags = ["", *tags_of(self._all)]
        self.tag = tags[(tags.index(self.tag) + 1) % len(tags)] if self.tag in tags else ""

    def pick(self, card_id: str) -> None:
        """Pick a card for a group, or leave it out again."""
        if card_id in self.picked:
            self.picked.remove(card_id)
        else:
            self.picked.append(card_id)

    def widen(self) -> bool:
        """Narrow by nothing any more; return whether something was narrowed."""
        was = self.is_narrowed
        self.search = self.tag = ""
        return was

    def title(self) -> str:
        """Return what is shown, in words: the shelf, how much of it, in which order."""
        rows = self.rows
        parts = [count_line(len(rows), len(self._all), kind=self.kind, search=self.search or self.tag)]
        if self.tag:
            parts.append(f"#{one_line(self.tag, 30)}")
        if self.kind == "cards":
            parts.append(_IN_WORDS[self.order])
        if self.picked:
            parts.append(f"group of {len(self.picked)}")
        return " · ".join(parts)

    def nothing(self) -> str:
        """Return what is said where no row is shown; empty where there are rows."""
        if self.rows:
            return ""
        return "nothing here has that in it · Esc shows all again" if self.is_narrowed else _EMPTY[self.kind]


def _card_row(card: LibraryCard) -> ShelfRow:
    return ShelfRow(
        kind="cards",
        id=card.id,
        name=card.name,
        summary=card.summary,
        tags=card.tags,
        favourite=card.favourite,
        shipped=card.shipped,
        avatar=card.avatar,
        error=str(card.error or ""),
    )


def _persona_row(persona: LibraryPersona, *, in_use: str) -> ShelfRow:
    return ShelfRow(
        kind="personas",
        id=persona.id,
        name=persona.name,
        summary=persona.summary,
        in_use=fold(persona.id) == in_use,
        shipped=persona.shipped,
        error=str(persona.error or ""),
    )


def _trash_row(entry: TrashEntry) -> ShelfRow:
    return ShelfRow(kind="trash", id=entry.folder.name, name=entry.name, summary=entry.kind)
