"""The file a sequence's KV state is kept in: how it is written, and what is checked before it is believed.

    magic, version, checksum of all that follows, key, tokens, asked, payload's length | token ids | payload

All little-endian. llama.cpp aborts the process on a state that was cut short, so nothing of a payload is handed on
before its length and its checksum are right. The head is written last: a file that was not finished has none.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Callable
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
    """What a file says before its payload. `checksum` is None before there is one."""

    key: bytes
    """What the payload fits: `KEY_BYTES` bytes."""
    ids: tuple[int, ...]
    """The tokens whose state it is."""
    asked: int
    """How many of them were the prompt of the latest reply."""
    payload_bytes: int
    checksum: int | None = None

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
    """Return how long a file is."""
    return _HEAD_BYTES + tokens * _ID_BYTES + payload_bytes


def write_state(path: Path, head: Head, payload: bytearray, *, check: Check) -> None:
    """Put a state at `path` in one step, readable by its owner only. Raises OSError, and what `check` raises; then
    there is at `path` what was there before."""
    part = path.with_name(f"{path.name}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(part, flags, 0o600), "wb", buffering=0) as file:
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


def read_head(file: BinaryIO, *, most_tokens: int) -> Head | None:
    """Return the head of an open file; None if it is no state, of another version, not as long as it says, or of more
    than `most_tokens` tokens."""
    start = file.read(_HEAD_BYTES)
    if len(start) < _HEAD_BYTES:
        return None
    magic, version, checksum = _FRONT.unpack_from(start)
    if (magic, version) != (MAGIC, VERSION):
        return None
    key, tokens, asked, payload_bytes = _REST.unpack_from(start, _FRONT.size)
    if not asked <= tokens <= most_tokens or not payload_bytes:
        return None
    if os.fstat(file.fileno()).st_size != file_bytes(tokens, payload_bytes):
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
    )


def read_payload(file: BinaryIO, head: Head, *, check: Check) -> bytearray | None:
    """Return what stands behind the head that was read; None if it is not what was written."""
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
    file.seek(_HEAD_BYTES)
    _write_all(file, head.spelt_ids())
    checksum = head.begun()
    view = memoryview(payload)
    for start in range(0, len(payload), _CHUNK):
        check()
        chunk = view[start : start + _CHUNK]
        checksum = zlib.crc32(chunk, checksum)
        _write_all(file, chunk)
    file.seek(0)
    _write_all(file, _FRONT.pack(MAGIC, VERSION, checksum) + head.fixed())


def _write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write it whole: a file without a buffer may take less than it is given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
