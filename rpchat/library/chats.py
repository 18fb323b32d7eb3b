"""Chats of other programs as scenes: each with its branches, played by the cards that are here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from rpchat.errors import StoreError
from rpchat.exchange.chats import ImportedChat, join_chats
from rpchat.library.cards import Cards
from rpchat.library.index import Arrival, Index
from rpchat.library.looking import Found
from rpchat.library.personas import Personas
from rpchat.library.shelving import Placed
from rpchat.store.scenes import SceneStore
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.text import fold


class Chats:
    """Makes scenes of chats. To be used by one thread."""

    def __init__(
        self, scenes: SceneStore, cards: Cards, personas: Personas, index: Index, *, clock: Callable[[], float]
    ) -> None:
        self._scenes = scenes
        self._cards = cards
        self._personas = personas
        self._index = index
        self._clock = clock

    def take(self, found: Mapping[Path, Found]) -> dict[Path, Placed]:
        """Store a chat, and behind it the chats that branched off from it, as one scene; return what became of each
        file. Raises RpchatError; then nothing is stored."""
        placed: dict[Path, Placed] = {}
        new: dict[Path, ImportedChat] = {}
        for path, one in found.items():
            scene_id = self._arrived(_digest(one))
            if scene_id:
                placed[path] = _placed(scene_id, known=True)
            elif isinstance(one.content, ImportedChat):
                new[path] = one.content
        if new:
            scene_id = self._store(next(iter(new)), join_chats(list(new.values())))
            for path in new:
                self._index.arrived(_digest(found[path]), Arrival("chat", scene_id))
                placed[path] = _placed(scene_id)
            self._index.save()  # nothing else knows which file a scene came as
        return placed

    def _store(self, path: Path, chat: ImportedChat) -> str:
        cards: dict[str, tuple[str, Card]] = {}
        characters = [speaker for speaker in chat.speakers if not speaker.voice]
        for speaker in characters:
            # A chat with one character lies in a folder that is called like the character's card.
            file = speaker.card_file or (path.parent.name if len(characters) == 1 else "")
            card = self._cards.called(file=file, name=speaker.name)
            if card is not None:
                cards[speaker.key] = card
        scene = chat.scene(cards, persona=self._persona(chat.persona))
        return str(self._scenes.add_whole(scene, now=self._clock()).id)

    def _persona(self, name: str) -> Persona | None:
        """Return the user's persona of that name, the first if there are several."""
        for entry in self._personas.shelf.entries() if name else ():
            persona = entry.load().value
            if persona is not None and fold(persona.name) == fold(name):
                return persona
        return None

    def _arrived(self, digest: str) -> str:
        """Return the id of the scene that came as a file of that SHA-256; empty if there is none any more."""
        arrival = self._index.arrival(digest)
        if arrival is None or arrival.kind != "chat":
            return ""
        try:
            self._scenes.load(int(arrival.id))
        except StoreError:
            return ""
        return arrival.id


def _digest(found: Found) -> str:
    return sha256(found.data).hexdigest()


def _placed(scene_id: str, *, known: bool = False) -> Placed:
    return Placed(id=scene_id, where=f"scene {scene_id}", known=known)
