"""The user's cards, each a YAML file and what belongs to it: taken in, read, saved, deleted, brought back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from rpchat.errors import FileError, StoreError
from rpchat.exchange.values import NO_ASSETS
from rpchat.library.belongings import BelongingsFolder, split
from rpchat.library.index import Arrival, Index, Mark
from rpchat.library.trash import Trash
from rpchat.library.values import TrashEntry
from rpchat.store.card_list import CardList
from rpchat.store.files import write_atomically
from rpchat.store.folders import Folders
from rpchat.store.shelf import Entry, Shelf
from rpchat.story.card import Card
from rpchat.story.text import fold, one_line

if TYPE_CHECKING:
    from rpchat.library.ready import ReadyCard


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeCard:
    """A card with everything that belongs to it."""

    card: Card
    avatar: bytes | None
    assets: Mapping[str, bytes]


class Cards:
    """The cards of one home. To be used by one thread; changes of `index` are on disk when it is saved."""

    def __init__(
        self,
        folders: Folders,
        shelf: Shelf[Card],
        card_list: CardList,
        index: Index,
        trash: Trash,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.belongings = BelongingsFolder(folders.library)
        self._shelf = shelf
        self._list = card_list
        self._index = index
        self._trash = trash
        self._clock = clock
        self._recalled = False

    def take(self, ready: ReadyCard) -> str:
        """Put a card that was read from a file into the library, under an id of its own, and return that.

        Raises StoreError; then nothing has changed.
        """
        card_id = self._shelf.new_id(ready.name)
        self._clear(card_id)
        self.belongings.place(card_id, ready.belongings)
        try:
            write_atomically(self._shelf.own_path(card_id), ready.file)
        except StoreError:
            self.belongings.remove(card_id)
            raise
        self._index.put(card_id, Mark(added=self._clock()))
        digest = sha256(ready.belongings.original).hexdigest()
        self._index.arrived(digest, Arrival("card", card_id, ready.came_as))
        return card_id

    def read(self, card_id: str) -> Card:
        """Return a card with all its extensions. Raises FileError."""
        found_id, card = self._shelf.find(card_id)
        carried = self.belongings.carried(found_id)
        return replace(card, extensions={**carried, **card.extensions}) if carried else card

    def whole(self, card_id: str) -> WholeCard:
        """Return a card with its picture and its assets. Raises FileError."""
        from rpchat.exchange.card_reading import read_card  # opening the program reads no foreign files

        card_id = self._entry(card_id).id
        card = self.read(card_id)
        path = self.belongings.avatar(card_id)
        original = self.belongings.original(card_id)
        assets = read_card(original, name=card_id).assets if original is not None else NO_ASSETS
        return WholeCard(card=card, avatar=path.read_bytes() if path is not None else None, assets=assets)

    def save(self, card_id: str, card: Card) -> str:
        """Write a card to the user's file of that id, or a new one with an empty id; return the id.

        A shipped card is copied into the user's folder. Extensions stay where they stood. Raises FileError, StoreError.
        """
        if not card_id:
            card_id = self._shelf.new_id(card.name)
            self._clear(card_id)
            self._index.put(card_id, Mark(added=self._clock()))
        known = self._known(card_id)
        in_file = known.extensions.keys() if known is not None else set()
        others = {key: value for key, value in card.extensions.items() if key not in in_file}
        carried, left = split(others, name=one_line(card.name))
        kept = {key: value for key, value in card.extensions.items() if key in in_file}
        self.belongings.carry(card_id, carried)
        return self._shelf.save(card_id, replace(card, extensions={**kept, **left})).stem

    def delete(self, card_id: str) -> TrashEntry:
        """Move a card into the trash. Raises FileError if it is not there or came with the program, StoreError."""
        entry = self._entry(card_id)
        if entry.shipped:
            raise FileError(f"{shown_name(entry)} came with the program and cannot be deleted")
        mark = self._index.drop(entry.id)
        return self._trash.put(
            entry.path,
            kind="card",
            entry_id=entry.id,
            name=shown_name(entry),
            mark=mark,
            belongings=self.belongings.path(entry.id),
        )

    def bring_back(self, entry: TrashEntry) -> str:
        """Bring a card back from the trash; return its id, which is another if its own was taken meanwhile."""
        card_id = self._shelf.new_id(entry.id)
        self._clear(card_id)
        mark = self._trash.bring_back(
            entry, file=self._shelf.own_path(card_id), belongings=self.belongings.path(card_id)
        )
        self._index.put(card_id, mark)
        self._recall(card_id)
        return card_id

    def arrived(self, digest: str) -> str | None:
        """Return the id of the card that came as a file of that SHA-256; None if there is none any more."""
        if not self._recalled:
            self._recalled = True
            for card_id in self.belongings.ids():
                if self._index.mark(card_id) == Mark():
                    self._recall(card_id)
        arrival = self._index.arrival(digest)
        return arrival.id if arrival is not None and arrival.kind == "card" and self._is_there(arrival.id) else None

    def id_of(self, name: str) -> str:
        """Return the id of the card of that id, or else of that name. Raises FileError, saying what there is."""
        try:
            return self._entry(name).id
        except FileError:
            found = self.called(file="", name=name)
            if found is None:
                raise
            return found[0]

    def called(self, *, file: str, name: str) -> tuple[str, Card] | None:
        """Return the card that came as a file with that stem, else the one of that name, a user's own before a
        shipped one, else one with that stem for its id; None if there is neither, or it cannot be read."""
        entries = sorted(self._list.entries(), key=lambda entry: entry.shipped)
        own = {entry.id for entry in entries if not entry.shipped}
        wanted = [card_id for card_id in self._index.card_of(file) if file and card_id in own]
        wanted += [entry.id for entry in entries if fold(entry.name) == fold(one_line(name))]
        wanted += [entry.id for entry in entries if file and fold(entry.id) == fold(file)]
        for card_id in wanted:
            with suppress(FileError):
                return self._shelf.find(card_id)
        return None

    def mark(self, card_id: str) -> Mark:
        """Return what the user marked. Raises FileError if there is no such card."""
        return self._index.mark(self._entry(card_id).id)

    def set_mark(self, card_id: str, mark: Mark) -> None:
        """Note what the user marked. Raises FileError if there is no such card."""
        self._index.put(self._entry(card_id).id, mark)

    def _recall(self, card_id: str) -> None:
        """Note again which file a card came as."""
        original = self.belongings.original(card_id)
        if original is not None and self._is_there(card_id):
            digest = sha256(original).hexdigest()
            before = self._index.arrival(digest)
            self._index.arrived(digest, Arrival("card", card_id, before.file if before else ""))
            if self._index.mark(card_id) == Mark():
                self._index.put(card_id, Mark(added=self._shelf.own_path(card_id).stat().st_mtime))

    def _is_there(self, card_id: str) -> bool:
        return any(entry.id == card_id and not entry.shipped for entry in self._shelf.entries())

    def _entry(self, card_id: str) -> Entry[Card]:
        for entry in self._shelf.entries():
            if fold(entry.id) == fold(card_id):
                return entry
        self._shelf.find(card_id)  # says what there is instead
        raise FileError(f"There is no card named {one_line(card_id)} in the library")

    def _known(self, card_id: str) -> Card | None:
        """Return the card as its file alone has it; None if there is none yet."""
        return self._shelf.find(card_id)[1] if any(one.id == card_id for one in self._shelf.entries()) else None

    def _clear(self, card_id: str) -> None:
        """Make room for the belongings of a card that is not there yet."""
        if self.belongings.path(card_id).exists():
            self._trash.lay_aside(self.belongings.path(card_id))


def shown_name(entry: Entry[Card]) -> str:
    """Return what a card is called, in one line; its id if it cannot be read."""
    loaded = entry.load().value
    return one_line(loaded.name if loaded is not None else entry.id)
