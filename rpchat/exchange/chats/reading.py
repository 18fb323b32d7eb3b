"""Any chat file's bytes into chats. What a file is, is told by its bytes; its name only gives the title.

Every input is taken or refused with one FileError. Nothing is stored or fetched here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import islice

from rpchat.errors import FileError
from rpchat.exchange.chats.joining import join_chats
from rpchat.exchange.chats.kobold import is_kobold, read_kobold
from rpchat.exchange.chats.lines import numbered, read_lines
from rpchat.exchange.chats.notes import Notes
from rpchat.exchange.chats.risu import is_risu, read_risu
from rpchat.exchange.chats.services import is_agnai, is_cai, read_agnai, read_cai
from rpchat.exchange.chats.tavern_reading import is_header, is_message, read_tavern
from rpchat.exchange.chats.transcript import is_transcript, read_transcript
from rpchat.exchange.chats.values import CHAT_LIMIT, ChatDialect, ImportedChat
from rpchat.exchange.chats.webui import is_webui, read_webui
from rpchat.exchange.loose import is_mapping
from rpchat.store.reading import decode, load_json, shown
from rpchat.story.text import one_line

_LOOKED_AT = 5
"""Lines at the beginning that may be damaged without the file being taken for something else."""
_LONGEST_HEADER = 1 << 20
_ENDING = re.compile(r"\.(jsonl|json|txt|md)$", re.IGNORECASE)
_BLANK = b"\xef\xbb\xbf \t\r\n"


def read_chat(data: bytes, *, name: str) -> ImportedChat:
    """Return the chat in a file with the content `data`, whoever's it is; of several chats in it, one tree of all.

    Raises FileError that calls the file `name`: too large, damaged, or no chat.
    """
    return join_chats(read_chats(data, name=name))


def read_chats(data: bytes, *, name: str) -> tuple[ImportedChat, ...]:
    """Return every chat in a file, at least one. Raises FileError as `read_chat` does."""
    title, name = _ENDING.sub("", one_line(name, 200)), shown(name)
    if len(data) > CHAT_LIMIT:
        raise FileError(f"{name} is too large: at most {CHAT_LIMIT >> 20} MB is read")
    if is_tavern_chat(data):
        notes = Notes()
        return (read_tavern(read_lines(data, name=name, notes=notes), title=title, notes=notes),)
    if data[:1024].lstrip(_BLANK)[:1] in (b"{", b"["):
        return _read_value(load_json(data, name=name, limit=CHAT_LIMIT), title=title, name=name)
    text = decode(data, name=name)
    if not is_transcript(text):
        raise FileError(f"{name} holds no chat", "A chat in plain text has a name and a colon in front of each line")
    return (read_transcript(text, title=title),)


def is_tavern_chat(data: bytes) -> bool:
    """Whether a file is a chat in JSON lines: one of the first lines is a message, or the header of a chat."""
    if data[:1024].lstrip(_BLANK)[:1] == b"[":
        return False
    for _, line in islice(numbered(data), _LOOKED_AT):
        if not line.startswith(b"{") or len(line) > _LONGEST_HEADER:
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if is_mapping(value) and (is_message(value) or is_header(value)):
            return True
    return False


def chat_dialect(value: object) -> ChatDialect | None:
    """Return whose chat a JSON value is; None if it is none. A file of JSON lines is asked for by `is_tavern_chat`."""
    if isinstance(value, list):
        return "SillyTavern" if any(is_message(one) for one in value[:_LOOKED_AT]) else None
    if not is_mapping(value):
        return None
    if is_message(value):
        return "SillyTavern"
    dialects: Iterable[tuple[ChatDialect, bool]] = (
        ("KoboldAI Lite", is_kobold(value)),
        ("RisuAI", is_risu(value)),
        ("text-generation-webui", is_webui(value)),
        ("CAI Tools", is_cai(value)),
        ("Agnai", is_agnai(value)),
    )
    return next((dialect for dialect, is_it in dialects if is_it), None)


def _read_value(value: object, *, title: str, name: str) -> tuple[ImportedChat, ...]:
    dialect = chat_dialect(value)
    if dialect == "SillyTavern":
        listed = value if isinstance(value, list) else [value]
        objects = ((number, one) for number, one in enumerate(listed, 1) if is_mapping(one))
        return (read_tavern(objects, title=title, notes=Notes()),)
    if dialect is None or not is_mapping(value):
        raise FileError(f"{name} holds no chat of a kind that is known")
    match dialect:
        case "KoboldAI Lite":
            return (read_kobold(value, title=title),)
        case "text-generation-webui":
            return (read_webui(value, title=title),)
        case "RisuAI":
            return read_risu(value, title=title)
        case "CAI Tools":
            return read_cai(value, title=title)
        case _:
            return (read_agnai(value, title=title),)
