"""JSON lines within limits: a line that cannot be read is a note, and the others are read all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpchat.errors import FileError
from rpchat.exchange.chats.notes import Notes
from rpchat.exchange.chats.values import CHAT_LIMIT, MESSAGE_LIMIT
from rpchat.exchange.loose import is_mapping
from rpchat.store.reading import load_json

_VALUES = 4_000_000
"""Values in all lines together; each but the first stands behind one of these marks."""
_MARKS = (b",", b"[", b"{")
_MOST_LINES = MESSAGE_LIMIT + 50_000
_HOPELESS = 1_000
"""So many lines without a single one that can be read, and nothing better is to be expected."""

_BLANK = b" \t\r\n\xef\xbb\xbf"


def read_lines(data: bytes, *, name: str, notes: Notes) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield each object of a JSON lines file with the number of its line, and note the lines that are left out.

    Raises FileError that calls the file `name`: too long, or no line can be read.
    """
    if data.count(b"\n") > _MOST_LINES or sum(data.count(mark) for mark in _MARKS) > _VALUES:
        raise FileError(f"{name} is too long: at most {MESSAGE_LIMIT:,} messages are read")
    found = left_out = 0
    for number, line in numbered(data):
        try:
            value = load_json(line, name=f"Line {number}", limit=CHAT_LIMIT)
        except FileError as error:
            value, why = None, error.message.replace(", line 1: ", ": ", 1)
        else:
            why = f"Line {number} is no message"
        if is_mapping(value):
            found += 1
            yield number, value
        else:
            left_out += 1
            notes.add(f"{why}: it is left out")
        if not found and left_out >= _HOPELESS:
            break
    if not found:
        raise FileError(f"{name} holds no chat: no line of it can be read")


def numbered(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines in which something stands, with their numbers from 1, one at a time."""
    start, number = 0, 1
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = data[start:end].strip(_BLANK)
        if line:
            yield number, line
        start, number = end + 1, number + 1
