"""The file the KV states of some sequences are kept in: how it is written, and what is checked before it is believed.

    magic, version, checksum of all that follows, key, tokens, asked, payload's length | token ids | payload

One such record for each, one behind the other. All little-endian. llama.cpp aborts the process on a state that was cut
short, so nothing of a payload is handed on before its length and its checksum are right.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = b"rpchatKV"
VERSION = 1
KEY_BYTES = 32

_FRONT = struct.Struct("<8sII")
_REST = struct.Struct(f"<{KEY_BYTES}sIIQ")
_HEAD_BYTES = _FRONT.size + _REST.size
_CHUNK = 4 * 1024 * 1024
_ID_BYTES = 4

Check = Callable[[], None]
"""Called every few megabytes; what it raises ends the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a record says before its payload. `checksum` and `payload_at` are 0 before it is in a file."""

    key: bytes
    """What the payload fits: `KEY_BYTES` bytes."""
    ids: tuple[int, ...]
    """The tokens whose state it is."""
    asked: int
    """How many of them were the prompt of the latest reply."""
    payload_bytes: int
    checksum: int = 0
    payload_at: int = 0
    """Where in the file the payload begins."""

    def fixed(self) -> bytes:
        """Return the part of fixed length that the checksum counts."""
        return _REST.pack(self.key, len(self.ids), self.asked, self.payload_bytes)

    def spelt_ids(self) -> bytes:
        """Return the token ids as they stand in the file."""
        return struct.pack(f"<{len(self.ids)}i", *self.ids)

    def begun(self) -> int:
        """Return the checksum of everything in front of the payload."""
        return zlib.crc32(self.spelt_ids(), zlib.crc32(self.fixed()))


def file_bytes(tokens: int, payload_bytes: int) -> int:
    """Return how long the record of a state is."""
    return _HEAD_BYTES + tokens * _ID_BYTES + payload_bytes


def write_states(path: Path, states: Iterable[tuple[Head, bytearray]], *, check: Check) -> None:
    """Put states at `path` in one step, readable by its owner only. Raises OSError, and what `check` or the states
    raise; then there is at `path` what was there before."""
    part = path.with_name(f"{path.name}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(part, flags, 0o600), "wb", buffering=0) as file:
            for head, payload in states:
                _write(file, head, payload, check)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def open_state(path: Path) -> BinaryIO:
    """Open a state to be read. Raises OSError, also for what is no file of this user's own."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb", buffering=0)
    state = os.fstat(file.fileno())
    if not stat.S_ISREG(state.st_mode) or (hasattr(os, "getuid") and state.st_uid != os.getuid()):
        file.close()
        raise PermissionError(f"{path.name} is no file of ours")
    return file


def read_heads(file: BinaryIO, *, most_tokens: int) -> list[Head]:
    """Return the heads of the states in an open file; none if one of them is no head, of another version, not as long
    as it says, or of more than `most_tokens` tokens."""
    size, end = os.fstat(file.fileno()).st_size, 0
    heads: list[Head] = []
    while end < size:
        file.seek(end)
        head = _read_head(file, most_tokens=most_tokens)
        if head is None or head.payload_at + head.payload_bytes > size:
            return []
        heads.append(head)
        end = head.payload_at + head.payload_bytes
    return heads


def _read_head(file: BinaryIO, *, most_tokens: int) -> Head | None:
    start = file.read(_HEAD_BYTES)
    if len(start) < _HEAD_BYTES:
        return None
    magic, version, checksum = _FRONT.unpack_from(start)
    if (magic, version) != (MAGIC, VERSION):
        return None
    key, tokens, asked, payload_bytes = _REST.unpack_from(start, _FRONT.size)
    if not asked <= tokens <= most_tokens or not payload_bytes:
        return None
    ids = file.read(tokens * _ID_BYTES)
    if len(ids) < tokens * _ID_BYTES:
        return None
    return Head(
        key=key,
        ids=struct.unpack(f"<{tokens}i", ids),
        asked=asked,
        payload_bytes=payload_bytes,
        checksum=checksum,
        payload_at=file.tell(),
    )


def read_payload(file: BinaryIO, head: Head, *, check: Check) -> bytearray | None:
    """Return the payload of a head that was read; None if it is not what was written."""
    file.seek(head.payload_at)
    payload = bytearray(head.payload_bytes)
    checksum = head.begun()
    view = memoryview(payload)
    for start in range(0, len(payload), _CHUNK):
        check()
        chunk = view[start : start + _CHUNK]
        if file.readinto(chunk) != len(chunk):  # type: ignore[attr-defined]
            return None
        checksum = zlib.crc32(chunk, checksum)
    return payload if checksum == head.checksum else None


def _write(file: BinaryIO, head: Head, payload: bytearray, check: Check) -> None:
    begun = file.tell()
    file.seek(begun + _HEAD_BYTES)
    _write_all(file, head.spelt_ids())
    checksum = head.begun()
    view = memoryview(payload)
    for start in range(0, len(payload), _CHUNK):
        check()
        chunk = view[start : start + _CHUNK]
        checksum = zlib.crc32(chunk, checksum)
        _write_all(file, chunk)
    file.seek(begun)
    _write_all(file, _FRONT.pack(MAGIC, VERSION, checksum) + head.fixed())
    file.seek(0, os.SEEK_END)


def _write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write it whole: a file without a buffer may take less than it is given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
