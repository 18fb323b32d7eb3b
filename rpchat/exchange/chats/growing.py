"""From messages in their order to a chat with its tree of turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from rpchat.errors import FileError
from rpchat.exchange.chats.values import (
    CHARACTER_NAME,
    MESSAGE_LIMIT,
    TURN_LIMIT,
    USER_NAME,
    ChatDialect,
    ImportedChat,
    Message,
    Speaker,
    Version,
)
from rpchat.story.scene import SceneSettings
from rpchat.story.turn import ROOT, Turn

NO_SETTINGS = SceneSettings()


def chat_of(
    messages: Sequence[Message],
    *,
    dialect: ChatDialect,
    title: str,
    settings: SceneSettings = NO_SETTINGS,
    carried: Mapping[str, object] | None = None,
    branch_of: str = "",
    notes: Iterable[str] = (),
) -> ImportedChat:
    """Return the chat of these messages, oldest first. Raises FileError: none, too many, too many versions."""
    if not messages:
        raise FileError(f"{title} holds no messages")
    check_length(len(messages), sum(len(message.versions) for message in messages), title=title)
    turns, chosen = _tree(messages)
    names = [message.name for message in messages if message.speaker is None]
    return ImportedChat(
        dialect=dialect,
        title=title,
        persona=names[-1] if names else "",
        speakers=tuple({message.speaker.key: message.speaker for message in messages if message.speaker}.values()),
        turns=turns,
        chosen=chosen,
        settings=settings,
        carried=carried or {},
        branch_of=branch_of,
        notes=tuple(notes),
    )


def taken(messages: Iterable[Message], *, title: str) -> list[Message]:
    """Return the messages as a list. Raises FileError as soon as there are too many."""
    found = list(islice(messages, MESSAGE_LIMIT + 1))
    check_length(len(found), len(found), title=title)
    return found


def check_length(messages: int, versions: int, *, title: str) -> None:
    """Raise FileError if a chat has more messages, or more versions of them, than are read."""
    if messages > MESSAGE_LIMIT or versions > TURN_LIMIT:
        raise FileError(
            f"{title} is too long: at most {MESSAGE_LIMIT:,} messages with {TURN_LIMIT:,} versions are read"
        )


def turn_of(message: Message, version: Version, *, turn_id: int, parent: int) -> Turn:
    """Return a version of a message as a turn of the tree."""
    return Turn(
        id=turn_id,
        parent=parent,
        side="member" if message.speaker else "user",
        speaker=message.name,
        member=message.speaker.key if message.speaker else "",
        text=version.text,
        created=version.created,
        record=version.record,
    )


def named(name: str, *, voice: bool = False) -> Speaker:
    """Return a speaker of whom nothing is known but the name."""
    return Speaker(key=name, name=name, voice=voice)


def said(text: str, *, by: Speaker | None, name: str = "", created: float = 0.0, unheard: bool = False) -> Message:
    """Return a message in one wording; with `unheard`, one that no model is told."""
    shown = name or (by.name if by else USER_NAME)
    return Message(
        speaker=by, name=shown, versions=(Version(text=text, created=created, record=marks(unheard=unheard)),)
    )


def marks(*, unheard: bool, narrated: bool = False) -> dict[str, object]:
    """Return what a turn's record says of how the turn is told to a model; nothing where it is told as any other."""
    return {**({"unheard": True} if unheard else {}), **({"narrated": True} if narrated else {})}


def character(name: str) -> Speaker:
    """Return the one character of a chat that may or may not name it."""
    return named(name.strip() or CHARACTER_NAME)


def _tree(messages: Sequence[Message]) -> tuple[dict[int, Turn], dict[int, int]]:
    turns: dict[int, Turn] = {}
    chosen: dict[int, int] = {}
    tip = ROOT
    for message in messages:
        first = len(turns) + 1
        for turn_id, version in enumerate(message.versions, first):
            turns[turn_id] = turn_of(message, version, turn_id=turn_id, parent=tip)
        told = first + message.told
        chosen[tip] = told
        tip = told
    return turns, chosen
