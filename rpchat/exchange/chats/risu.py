"""Chats of RisuAI, one or all of a character."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rpchat.errors import FileError
from rpchat.exchange.chats.dates import date_in
from rpchat.exchange.chats.growing import character, chat_of, check_length, marks, named
from rpchat.exchange.chats.notes import Notes
from rpchat.exchange.chats.tavern_reading import is_true
from rpchat.exchange.chats.values import CARRIED_KEY, USER_NAME, ImportedChat, Message, Speaker, Version
from rpchat.exchange.loose import is_mapping, text_of
from rpchat.story.scene import SceneSettings

Values = Mapping[str, object]

_FILE_NAME = re.compile(r"(.+)_\d{4}.*_chat", re.DOTALL)
"""RisuAI names a file after the character and the moment."""
_COMMENT = "Comment"
_TOLD = frozenset({"role", "data"})


def is_risu(file: Values) -> bool:
    """Whether an object is a chat of RisuAI's, or all of a character's."""
    return bool(_chats(file))


def read_risu(file: Values, *, title: str) -> tuple[ImportedChat, ...]:
    """Return the chats in which something is said. Raises FileError if there are none."""
    named_after = _FILE_NAME.fullmatch(title)
    speaker = character(named_after[1] if named_after else "")
    chats = _chats(file)
    if not chats:
        raise FileError(f"{title} holds no messages")
    return tuple(_chat(chat, speaker, title=title) for chat in chats)


def _chats(file: Values) -> list[Values]:
    """The objects that hold messages: the file itself, what is in it, or several of that kind."""
    inner = file.get("data")
    found = [file, *(inner if isinstance(inner, list) else [inner])]
    return [chat for chat in found if is_mapping(chat) and _holds_messages(chat)]


def _holds_messages(chat: Values) -> bool:
    messages = chat.get("message")
    return isinstance(messages, list) and any(
        is_mapping(one) and "role" in one and text_of(one.get("data")) is not None for one in messages
    )


def _chat(chat: Values, speaker: Speaker, *, title: str) -> ImportedChat:
    notes = Notes()
    messages: list[Message] = []
    listed = chat.get("message")
    for number, raw in enumerate(listed if isinstance(listed, list) else [], 1):
        check_length(number, 0, title=title)
        if is_mapping(raw) and text_of(raw.get("data")) is not None:
            messages.append(_message(raw, speaker))
        else:
            notes.add(f"Message {number} says nothing: it is left out")
    if "fmIndex" in chat:
        notes.add("RisuAI keeps the greeting in the card, not in the chat: it is not there")
    return chat_of(
        messages,
        dialect="RisuAI",
        title=text_of(chat.get("name")) or title,
        settings=SceneSettings(note=text_of(chat.get("note")) or ""),
        carried={"risu": {key: value for key, value in chat.items() if key != "message"}},
        notes=notes.lines,
    )


def _message(raw: Values, speaker: Speaker) -> Message:
    """A message; a comment is for the reader, and what was switched off is shown, but not told."""
    name = (text_of(raw.get("name")) or "").strip()
    comment = is_true(raw.get("isComment"))
    record: dict[str, object] = marks(unheard=comment or is_true(raw.get("disabled")), narrated=comment)
    rest = {key: value for key, value in raw.items() if key not in _TOLD}
    version = Version(
        text=text_of(raw.get("data")) or "",
        created=date_in(raw, "time"),
        record={**record, **({CARRIED_KEY: {"risu": rest}} if rest else {})},
    )
    by = None if raw.get("role") == "user" else _speaker(raw, speaker, name=name, comment=comment)
    return Message(speaker=by, name=name or (by.name if by else USER_NAME), versions=(version,))


def _speaker(raw: Values, speaker: Speaker, *, name: str, comment: bool) -> Speaker:
    """Who says a message: in a group they are told apart by an id, which says no name."""
    if comment:
        return named(_COMMENT, voice=True)
    key = text_of(raw.get("saying")) or name
    return Speaker(key=key, name=name or speaker.name) if key else speaker
