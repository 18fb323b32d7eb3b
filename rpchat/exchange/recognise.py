"""What a file is, by what it holds: the one place where that is decided. Its name only helps to talk about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Set
from dataclasses import fields

from rpchat.exchange.card_reading import kind_of
from rpchat.exchange.chats import chat_dialect, is_tavern_chat, is_transcript
from rpchat.exchange.extras import is_group, is_personas, is_quick_replies, is_scripts
from rpchat.exchange.kinds import Kind
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.lorebooks import is_lorebook
from rpchat.exchange.presets import is_preset
from rpchat.exchange.tavern_reading import dialect_of
from rpchat.store.reading import JSON_LIMIT, decode, load_json
from rpchat.story.persona import Persona

HEAD = 1 << 16
"""Bytes at the beginning of a file that tell when it is to be taken in, and what it is where it is very large."""

_FIELD = re.compile(rb"^([A-Za-z_]\w*)[ \t]*:", re.MULTILINE)
_CARD_FIELDS = frozenset({b"name", b"char_name", b"spec", b"description"})
_PERSONA_FIELDS = frozenset(field.name.encode() for field in fields(Persona))
_OWN_WORDS = frozenset({b"sheet", b"language", b"summary"})
"""Fields that only files of ours have: with nothing but a name and a description, a file is anybody's card."""
_GROUP_MARKS = (b'"activation_strategy"', b'"allow_self_responses"', b'"chat_id"', b'"chats"', b'"generation_mode"')
_CHAT_MARKS = (
    b'"internal"', b'"visible"', b'"gamestarted"', b'"histories"', b'"data_visible"', b'"messages"', b'"message"',
)  # fmt: skip
_LONGEST_NAME = 300


def recognise(data: bytes, *, name: str) -> Kind:
    """Return what a file with the content `data` is; `card` if it is nothing we know, whose reader says why.

    Raises FileError naming `name` for JSON or text that cannot be read.
    """
    match kind_of(data):
        case "png" | "charx":
            return "card"
        case "json":
            return "chat" if is_tavern_chat(data) else _in_json(data, name=name)
        case "yaml":
            return _in_text(data, name=name)


def place_in_order(head: bytes) -> int:
    """Return when a file with these first bytes is taken in: 0 first; 1 groups, which name cards; 2 chats, which are
    spoken by cards. A guess: what is taken in too early may only not find its cards."""
    if kind_of(head) in ("png", "charx"):
        return 0
    if b'"members"' in head and any(mark in head for mark in _GROUP_MARKS):
        return 1
    if is_tavern_chat(head) or (kind_of(head) == "json" and any(mark in head for mark in _CHAT_MARKS)):
        return 2
    return 2 if kind_of(head) == "yaml" and not _CARD_FIELDS & set(_FIELD.findall(head)) else 0


def main_chat(head: bytes) -> str:
    """Return the title of the chat that the one with these first bytes branched off from; empty if there is none."""
    try:
        value = json.loads(head.lstrip().partition(b"\n")[0])
    except (ValueError, RecursionError):
        return ""
    metadata = value.get("chat_metadata") if is_mapping(value) else None
    title = metadata.get("main_chat") if is_mapping(metadata) else None
    return title if isinstance(title, str) and len(title) <= _LONGEST_NAME else ""


def _in_json(data: bytes, *, name: str) -> Kind:
    if len(data) > JSON_LIMIT:  # too large for anything else
        return "lorebook" if b'"entries"' in data[:HEAD] else "chat"
    value = load_json(data, name=name)
    if is_mapping(value) and value.get("spec") == "lorebook_v3":
        return "lorebook"
    if is_mapping(value) and dialect_of(value) is not None:
        return "card"
    return next((kind for kind, fits in _SHAPES if fits(value)), "card")


_SHAPES: tuple[tuple[Kind, Callable[[object], bool]], ...] = (
    ("personas", is_personas),
    ("personas", lambda value: is_mapping(value) and is_personas(value.get("power_user"))),
    ("group", is_group),
    ("regex scripts", is_scripts),
    ("quick replies", is_quick_replies),
    ("lorebook", is_lorebook),
    ("chat", lambda value: chat_dialect(value) is not None),
    ("preset", is_preset),
)


def _in_text(data: bytes, *, name: str) -> Kind:
    """Return what YAML or plain text is. Only field names are looked at: reading YAML twice would take too long."""
    found = set(_FIELD.findall(data))
    if b"name" in found and b"adapter" in found:
        return "preset"
    if b"name" in found and b"cast" in found:
        return "plan"
    if _is_persona(found):
        return "personas"
    if found & _CARD_FIELDS or b"\0" in data[:HEAD]:
        return "card"
    return "chat" if is_transcript(decode(data, name=name)) else "card"


def _is_persona(found: Set[bytes]) -> bool:
    """Whether these fields are those of a persona in our own words. All of them are fields of a card, too: a card of
    ours that has no others is written with one (`yaml_cards`)."""
    described = b"sheet" in found or b"description" in found
    return b"name" in found and described and found <= _PERSONA_FIELDS and bool(found & _OWN_WORDS)
