"""The library as everything else uses it: asynchronous, one thing after the other on the thread of the store."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rpchat.errors import StoreError
from rpchat.library.cards import Cards
from rpchat.library.exporting import Exports, export_card
from rpchat.library.index import Index
from rpchat.library.kept import KeptFiles
from rpchat.library.listing import chosen, library_cards, library_personas
from rpchat.library.personas import Personas
from rpchat.library.trash import Trash
from rpchat.library.values import (
    Importing,
    ImportStep,
    LibraryCard,
    LibraryPersona,
    Order,
    TrashEntry,
)
from rpchat.library.walking import files_in
from rpchat.store.card_list import CardList
from rpchat.store.folders import Folders
from rpchat.store.scenes import SceneStore
from rpchat.store.shelf import Shelf
from rpchat.store.thread import OneThread, to_its_end
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.plan import ScenePlan
from rpchat.story.preset import Preset
from rpchat.story.text import one_line

if TYPE_CHECKING:
    from rpchat.exchange.values import Target
    from rpchat.library.taking import Taking

R = TypeVar("R")


class Library:
    """The cards and personas of one home, and the way in and out for everything else.

    Cancelling a call stops the waiting; what has begun is done to its end. What changes something raises StoreError
    where another program has the home (`read_only`).
    """

    def __init__(
        self,
        folders: Folders,
        *,
        thread: OneThread,
        scenes: SceneStore,
        cards: Shelf[Card],
        card_list: CardList,
        personas: Shelf[Persona],
        plans: Shelf[ScenePlan],
        presets: Shelf[Preset],
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folders = folders
        self._thread = thread
        self._scenes = scenes
        self._card_list = card_list
        self._read_only = read_only
        self._index = Index(folders.library_index)
        self._trash = Trash(folders.trash, clock=clock)
        self._cards = Cards(folders, cards, card_list, self._index, self._trash, clock=clock)
        self._personas = Personas(personas, self._trash)
        self._plans = plans
        self._presets = presets
        self._clock = clock
        self.exports = Exports(self._cards, presets, scenes, folders, thread)
        """The way out for everything that is not a card."""

    # Cards

    async def entries(self, *, search: str = "", tag: str = "", order: Order = "name") -> list[LibraryCard]:
        """Return the cards, shipped ones too, that hold every word of `search` and have the tag, sorted."""
        return await self._thread.run(self._entries, search, tag, order)

    async def card(self, card_id: str) -> Card:
        """Return a card with all that other programs keep in it. Raises FileError."""
        return await self._thread.run(self._cards.read, card_id)

    async def save_card(self, card_id: str, card: Card) -> str:
        """Save a card and return its id; an empty one makes a new card, a shipped card is copied to the user's.

        Comments and order of a file that is there stay. Raises FileError, StoreError.
        """
        return await self._change(lambda: self._cards.save(card_id, card))

    async def set_favourite(self, card_id: str, favourite: bool) -> None:
        """Mark a card as a favourite, or no longer. Raises FileError if there is none, StoreError."""
        await self._change(
            lambda: self._cards.set_mark(card_id, replace(self._cards.mark(card_id), favourite=favourite))
        )

    async def set_tags(self, card_id: str, tags: Sequence[str]) -> None:
        """Give a card the user's own tags instead of those they gave it before; its file is not touched."""
        own = tuple(dict.fromkeys(kept for tag in tags if (kept := one_line(tag))))
        await self._change(lambda: self._cards.set_mark(card_id, replace(self._cards.mark(card_id), tags=own)))

    # Personas

    async def personas(self) -> list[LibraryPersona]:
        """Return every persona by id, shipped ones too."""
        return await self._thread.run(library_personas, self._personas.shelf)

    async def persona(self, persona_id: str) -> Persona:
        """Return a persona. Raises FileError."""
        return await self._thread.run(self._personas.read, persona_id)

    async def save_persona(self, persona_id: str, persona: Persona) -> str:
        """Save a persona and return its id, as `save_card` does."""
        return await self._change(lambda: self._personas.save(persona_id, persona))

    # The trash

    async def trash(self, card_id: str) -> TrashEntry:
        """Move a card into the trash. Raises FileError for one that is not there or came with the program."""
        return await self._change(lambda: self._cards.delete(card_id))

    async def trash_persona(self, persona_id: str) -> TrashEntry:
        """Move a persona into the trash, as `trash` does."""
        return await self._change(lambda: self._personas.delete(persona_id))

    async def restore(self, entry: TrashEntry) -> str:
        """Bring something back from the trash; return its id, another one if its own has been taken. StoreError."""
        keeper = self._cards if entry.kind == "card" else self._personas
        return await self._change(lambda: keeper.bring_back(entry))

    async def trashed(self) -> list[TrashEntry]:
        """Return what lies in the trash, the latest first."""
        return await self._thread.run(self._trash.entries)

    # In and out

    async def import_files(self, paths: Sequence[Path]) -> AsyncGenerator[ImportStep, None]:
        """Take files in, and what is in folders: for each file `Importing`, then `TakenIn` or `Refused`.

        A refused file changes nothing; a file that came before is told as known and not taken in again; nothing is
        ever overwritten. Closing the generator stops between two files. Raises StoreError where nothing may be written.
        """
        self._writable()
        from rpchat.library.ordering import in_order  # what reads files is loaded when the first one comes

        taking = self._taking()
        groups = await self._thread.run(lambda: in_order(files_in(paths)))
        total, done = sum(map(len, groups)), 0
        try:
            for group in groups:
                yield Importing(done, total, group[0].name)
                for number, outcome in enumerate(await self._thread.run(taking.take, group)):
                    if number:
                        yield Importing(done, total, group[number].name)
                    yield outcome
                    done += 1
        finally:
            await self._change(lambda: None)

    async def export(
        self, card_id: str, to: Path, *, target: Target | None = None, overwrite: bool = False
    ) -> tuple[str, ...]:
        """Write a card to a file, as `target` or as the name's ending says; return what the file cannot hold.

        Raises FileError, also where the file is there and may not be overwritten; StoreError.
        """
        return await self._thread.run(
            lambda: export_card(self._cards.whole(card_id), to, target=target, overwrite=overwrite)
        )

    def _taking(self) -> Taking:
        from rpchat.library.chats import Chats
        from rpchat.library.shelving import Shelving
        from rpchat.library.taking import Taking

        chats = Chats(self._scenes, self._cards, self._personas, self._index, clock=self._clock)
        shelving = Shelving(self._cards, self._personas, self._plans, self._presets)
        lorebooks, scripts = KeptFiles(self._folders.lorebooks), KeptFiles(self._folders.scripts)
        return Taking(shelving, chats, lorebooks=lorebooks, scripts=scripts)

    def _entries(self, search: str, tag: str, order: Order) -> list[LibraryCard]:
        cards = library_cards(
            self._card_list.entries(),
            self._index,
            avatars=self._cards.belongings.avatars(),
            played=self._scenes.last_played(),
        )
        return chosen(cards, search=search, tag=tag, order=order)

    @to_its_end
    async def _change(self, work: Callable[[], R]) -> R:
        """Change something on the thread, and bring the index to disk."""
        self._writable()

        def whole() -> R:
            try:
                return work()
            finally:
                self._index.save()

        return await self._thread.run(whole)

    def _writable(self) -> None:
        if self._read_only:
            raise StoreError(
                "another rpchat is using this home, so nothing can be changed", "Close it, then try again."
            )
