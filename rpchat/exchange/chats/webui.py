"""Histories of text-generation-webui: rows of what the user and the character said; the newer ones know versions."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from rpchat.exchange.chats.dates import date_in, read_date
from rpchat.exchange.chats.growing import character, chat_of, check_length
from rpchat.exchange.chats.values import USER_NAME, ImportedChat, Message, Speaker, Version
from rpchat.exchange.loose import is_mapping, text_of

Values = Mapping[str, object]

_GREETING = "<|BEGIN-VISIBLE-CHAT|>"
_ROWS = (("internal", "visible"), ("data", "data_visible"))
"""The rows as the model read them, and as they were shown, escaped for a page; old files have other names."""
_PERSISTENT = re.compile(r"(.+?)[_ -]persistent$", re.IGNORECASE)


def is_webui(file: Values) -> bool:
    """Whether an object is a history of text-generation-webui's."""
    if isinstance(file.get("internal"), list) and isinstance(file.get("visible"), list):
        return True
    rows, _ = _rows(file)
    return bool(rows) and _is_exchange(rows[0])


def read_webui(file: Values, *, title: str) -> ImportedChat:
    """Return the chat in a history. Raises FileError if nothing is said in it.

    A history does not name the character; the file's name may do so.
    """
    rows, escaped = _rows(file)
    check_length(2 * len(rows), 0, title=title)
    metadata = file.get("metadata")
    about = metadata if is_mapping(metadata) else {}
    called = _PERSISTENT.fullmatch(title)
    speaker = character(called[1] if called else "")
    odd = sum(not _is_exchange(row) for row in rows)
    messages = (
        message
        for number, row in enumerate(rows)
        if _is_exchange(row)
        for message in _said_in_row(row, number, speaker, about, escaped=escaped)
    )
    return chat_of(
        list(messages),
        dialect="text-generation-webui",
        title=title,
        notes=[f"{odd:,} rows are no exchanges: they are left out"] if odd else [],
    )


def _is_exchange(row: object) -> TypeGuard[list[object]]:
    """Whether a row is what the user and the character said."""
    return isinstance(row, list) and len(row) == 2


def _rows(file: Values) -> tuple[list[object], bool]:
    """Return the rows, and whether they are escaped for a page."""
    for plain, shown in _ROWS:
        for key, escaped in ((plain, False), (shown, True)):
            rows = file.get(key)
            if isinstance(rows, list) and rows:
                return rows, escaped
    return [], False


def _said_in_row(
    row: list[object], number: int, speaker: Speaker, metadata: Values, *, escaped: bool
) -> Iterator[Message]:
    for side, by, value in (("user", None, row[0]), ("assistant", speaker, row[1])):
        text = text_of(value) or ""
        if escaped:
            text = html.unescape(text)
        if text.strip() and text != _GREETING:
            about = metadata.get(f"{side}_{number}")
            versions, told = _versions(text, about if is_mapping(about) else {})
            yield Message(speaker=by, name=by.name if by else USER_NAME, versions=versions, told=told)


def _versions(text: str, about: Values) -> tuple[tuple[Version, ...], int]:
    """Return all versions of what a row says; what the row itself says counts."""
    listed = about.get("versions")
    versions = [_version(value) for value in listed] if isinstance(listed, list) else []
    known = [version for version in versions if version is not None]
    told = about.get("current_version_index")
    created = read_date(about.get("timestamp"))
    if isinstance(told, int) and 0 <= told < len(known) and known[told].text == text:
        return tuple(known), int(told)
    same = next((at for at, version in enumerate(known) if version.text == text), None)
    if same is not None:
        return tuple(known), same
    return (*known, Version(text=text, created=created)), len(known)


def _version(value: object) -> Version | None:
    text = text_of(value.get("content", value.get("visible_content")) if is_mapping(value) else value)
    return Version(text=text, created=date_in(value, "timestamp")) if text is not None else None
