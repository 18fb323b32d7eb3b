"""What goes in and out of this room: a chat as it was understood, and the files a scene is written as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rpchat.store.slugs import slug, unique
from rpchat.story.card import Card
from rpchat.story.persona import ANONYMOUS, Persona
from rpchat.story.scene import NEVER, Member, Scene, SceneSettings
from rpchat.story.turn import ROOT, Turn

ChatDialect = Literal[
    "SillyTavern", "KoboldAI Lite", "text-generation-webui", "RisuAI", "CAI Tools", "Agnai", "transcript"
]
"""Whose chat it is; a `transcript` is text with `Name: ` in front of each line that is said."""

ChatTarget = Literal["tavern", "markdown", "text"]
"""What a scene can be written as: SillyTavern's JSON lines with all versions and branches; or the told line alone."""

CHAT_LIMIT = 64 << 20
"""Bytes of the largest chat file that is read."""
MESSAGE_LIMIT = 200_000
TURN_LIMIT = 400_000
"""How many versions all messages of a chat may have together."""

USER_NAME = ANONYMOUS.name
CHARACTER_NAME = "Character"
"""What people are called where a chat does not name them."""

CARRIED_KEY = "carried"
"""Where `Turn.record` keeps what another program knows of a message and we have no place for."""
TAVERN_KEY = "tavern"
"""Where `Scene.carried` keeps the header of a SillyTavern chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Somebody who speaks in a chat and is not the user."""

    key: str
    """What the chat's turns call the speaker in `Turn.member`."""
    name: str
    card_file: str = ""
    """The stem of the card file the chat names, such as `Seraphina`; empty where it names none."""
    voice: bool = False
    """Whether it is no character but a narrator or a comment: it has no card and never speaks by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One wording of a message. `created` is in seconds since the epoch, 0 where that is unknown."""

    text: str
    created: float = 0.0
    record: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a chat, in all its wordings."""

    speaker: Speaker | None = None
    """None is the user."""
    name: str
    """The name on the line."""
    versions: tuple[Version, ...]
    told: int = 0
    """Which of the versions is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedChat:
    """A chat as it was understood. Nothing has been stored yet.

    Turn ids count from 1, a parent's below its children's; `Turn.member` is the key of a speaker.
    """

    dialect: ChatDialect
    title: str
    persona: str = ""
    """The name the user played under; empty where the user said nothing."""
    speakers: tuple[Speaker, ...] = ()
    """In the order in which they first speak."""
    turns: Mapping[int, Turn] = field(default_factory=dict)
    chosen: Mapping[int, int] = field(default_factory=dict)
    """Parent id to the child that is told, as in a scene."""
    settings: SceneSettings = field(default_factory=SceneSettings)
    carried: Mapping[str, object] = field(default_factory=dict)
    """What the file knows of the chat as a whole and we have no place for; see `Scene.carried`."""
    branch_of: str = ""
    """The title of the chat this one branched off from."""
    notes: tuple[str, ...] = ()
    """What was odd and how it was taken, a line each."""

    def line(self) -> tuple[Turn, ...]:
        """Return the told turns, oldest first."""
        line: list[Turn] = []
        turn_id = self.chosen.get(ROOT, 0)
        while turn_id:
            line.append(self.turns[turn_id])
            turn_id = self.chosen.get(turn_id, 0)
        return tuple(line)

    def scene(self, cards: Mapping[str, tuple[str, Card]], *, persona: Persona | None = None) -> Scene:
        """Return the chat as a scene that is not stored yet (its id is 0).

        `cards` are card ids and cards by the speakers' keys. Who has none is played by a card with nothing but a name;
        voices are kept with the scene as members who never came.
        """
        members = self._members(cards)
        turns = {
            turn.id: replace(turn, member=members[turn.member].card_id) if turn.side == "member" else turn
            for turn in self.turns.values()
        }
        cast = list({member.card_id: member for member in members.values()}.values())
        if not any(member.here for member in cast):
            card_id = unique(slug(self.title), [member.card_id for member in cast])
            cast.insert(0, Member(card_id, Card(name=self.title.strip() or CHARACTER_NAME)))
        return Scene(
            id=0,
            title=self.title,
            cast=tuple(cast),
            persona=persona or (Persona(name=self.persona) if self.persona else ANONYMOUS),
            settings=self.settings,
            turns=turns,
            chosen=self.chosen,
            carried=self.carried,
        )

    def _members(self, cards: Mapping[str, tuple[str, Card]]) -> dict[str, Member]:
        """The members by their speakers' keys; nobody without a card gets the id of one."""
        taken = {card_id for card_id, _ in cards.values()}
        members: dict[str, Member] = {}
        for speaker in self.speakers:
            if speaker.key in cards:
                card_id, card = cards[speaker.key]
            else:
                card_id, card = unique(slug(speaker.card_file or speaker.name), taken), Card(name=speaker.name)
            taken.add(card_id)
            left = NEVER if speaker.voice else ROOT
            members[speaker.key] = Member(card_id, card, muted=speaker.voice, left=left)
        return members


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """One of the files that a scene is written as."""

    name: str
    """A file name that every system takes, with its ending; of several files the first is the told line."""
    data: bytes
    report: tuple[str, ...] = ()
    """What the file cannot hold, a line each."""
