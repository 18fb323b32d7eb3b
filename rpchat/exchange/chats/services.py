"""Chats that were saved from services: CAI Tools and Agnai."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rpchat.errors import FileError
from rpchat.exchange.chats.dates import date_in
from rpchat.exchange.chats.growing import character, chat_of, check_length, named, said
from rpchat.exchange.chats.notes import Notes
from rpchat.exchange.chats.tavern_reading import is_true
from rpchat.exchange.chats.values import ChatDialect, ImportedChat, Message
from rpchat.exchange.loose import is_mapping, text_of
from rpchat.story.scene import SceneSettings

Values = Mapping[str, object]


def is_cai(file: Values) -> bool:
    """Whether an object is what CAI Tools saves: one conversation with a character, or all."""
    return bool(_histories(file))


def read_cai(file: Values, *, title: str) -> tuple[ImportedChat, ...]:
    """Return the conversations in which something is said. Raises FileError if there are none."""
    info = file.get("info")
    about = info.get("character") if is_mapping(info) else None
    name = text_of(about.get("name")) if is_mapping(about) else None
    histories = _histories(file)
    chats = []
    for number, history in enumerate(histories, 1):
        listed = _list(history.get("msgs"))
        check_length(len(listed), 0, title=title)
        messages, notes = _taken(listed, "text", lambda raw: _cai_message(raw, name or ""))
        if messages:
            own = title if len(histories) == 1 else f"{title} {number}"
            chats.append(_chat(messages, "CAI Tools", title=own, notes=notes))
    if not chats:
        raise FileError(f"{title} holds no messages")
    return tuple(chats)


def is_agnai(file: Values) -> bool:
    """Whether an object is a chat of Agnai's."""
    return any(is_mapping(raw) and "msg" in raw for raw in _list(file.get("messages")))


def read_agnai(file: Values, *, title: str) -> ImportedChat:
    """Return the chat. Raises FileError if nothing is said in it."""
    listed = _list(file.get("messages"))
    check_length(len(listed), 0, title=title)
    messages, notes = _taken(listed, "msg", _agnai_message)
    settings = SceneSettings(scenario=text_of(file.get("scenario")) or "")
    return _chat(messages, "Agnai", title=text_of(file.get("name")) or title, notes=notes, settings=settings)


def _chat(
    messages: list[Message], dialect: ChatDialect, *, title: str, notes: Notes, settings: SceneSettings | None = None
) -> ImportedChat:
    return chat_of(messages, dialect=dialect, title=title, notes=notes.lines, settings=settings or SceneSettings())


def _taken(raws: Iterable[object], key: str, message: Callable[[Values], Message]) -> tuple[list[Message], Notes]:
    """Return the messages among `raws`, those with a text under `key`, and notes of the others."""
    messages, notes = [], Notes()
    for number, raw in enumerate(raws, 1):
        if is_mapping(raw) and text_of(raw.get(key)) is not None and key in raw:
            messages.append(message(raw))
        else:
            notes.add(f"Message {number} says nothing: it is left out")
    return messages, notes


def _cai_message(raw: Values, name: str) -> Message:
    source = raw.get("src")
    by = source if is_mapping(source) else {}
    shown = (text_of(by.get("name")) or "").strip()
    speaker = None if is_true(by.get("is_human")) else character(shown or name)
    return said(text_of(raw.get("text")) or "", by=speaker, name=shown, created=date_in(raw, "created"))


def _agnai_message(raw: Values) -> Message:
    name = (text_of(raw.get("handle")) or text_of(raw.get("name")) or "").strip()
    text = text_of(raw.get("msg")) or ""
    speaker = None if raw.get("userId") else named(name) if name else character("")
    return said(text, by=speaker, name=name, created=date_in(raw, "createdAt"))


def _histories(file: Values) -> list[Values]:
    """The conversations in a file; the list of them lies in an object of the same name."""
    inner = file.get("histories")
    listed = _list(inner.get("histories")) if is_mapping(inner) else _list(inner)
    return [history for history in [*listed, file] if is_mapping(history) and _list(history.get("msgs"))]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
