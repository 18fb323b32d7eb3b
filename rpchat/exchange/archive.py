"""Zip archives read from memory by their directory, with limits; written plainly.

The directory is walked here and not by `zipfile`: that one reads a directory of any size before anybody can count its
entries, and offers methods of packing that need more memory than we may spend. Nothing is ever extracted to disk.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from rpchat.errors import FileError
from rpchat.exchange.paths import safe_path

MAX_ENTRIES = 5_000
MAX_UNPACKED = 96 << 20
"""Bytes of all entries together once they are unpacked."""

_END_MARK = b"PK\x05\x06"
_END = struct.Struct("<4s4H2IH")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_LONGEST_COMMENT = 0xFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Archive:
    """What stood in front of the archive in its file, and its entries by path, in their order."""

    front: bytes
    files: Mapping[str, bytes]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    path: str
    method: int
    checksum: int
    packed: int
    unpacked: int
    start: int
    """Where its local header begins in the file."""


def find_end(data: bytes) -> int:
    """Return where the archive's end record stands in `data`; -1 if there is no archive."""
    return data.rfind(_END_MARK, max(0, len(data) - _LONGEST_COMMENT - _END.size))


def read_archive(data: bytes, *, name: str) -> Archive:
    """Return every entry of the archive at the end of `data`, unpacked.

    A damaged entry, or one that would leave the folder it is unpacked in, is left out with a note. Raises FileError
    naming `name`: no archive, encrypted, entries that overlap, more than 5,000 of them or more than 96 MB.
    """
    entries, base = _directory(data, name=name)
    spans = [_span(data, entry, name=name) for entry in entries]
    ordered = sorted(spans)
    if any(end > start for (_, end), (start, _) in pairwise(ordered)):
        raise FileError(f"{name} is an archive whose files overlap, which no honest one does")
    if sum(entry.unpacked for entry in entries) > MAX_UNPACKED:
        raise FileError(f"{name} is too large: at most {MAX_UNPACKED >> 20} MB is unpacked")
    files: dict[str, bytes] = {}
    left_out = 0
    for entry, (start, end) in zip(entries, spans, strict=True):
        if entry.path.endswith("/"):
            continue
        content = _unpacked(memoryview(data)[_content_start(data, start) : end], entry)
        path = safe_path(entry.path)
        if content is None or path is None or path in files:
            left_out += 1
        else:
            files[path] = content
    why = "damaged, there twice, or without a proper path"
    notes = (f"Left out of the archive: {left_out} files that are {why}",) if left_out else ()
    return Archive(data[: ordered[0][0] if ordered else base], files, notes)


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of `files` in their order, which depends on nothing but them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def _directory(data: bytes, *, name: str) -> tuple[list[_Entry], int]:
    """Return the entries in the archive's directory, and where in the file the archive begins."""
    end = find_end(data)
    if end < 0 or end + _END.size > len(data):
        raise FileError(f"{name} is not a whole archive: its directory is missing")
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(data, end)
    if count > MAX_ENTRIES:
        raise FileError(f"{name} is an archive of more than {MAX_ENTRIES} files")
    base = end - size - offset
    if disk or first_disk or here != count or base < 0:
        raise FileError(f"{name} is an archive whose directory is damaged")
    entries, at = [], base + offset
    for _ in range(count):
        if at + _ENTRY.size > end:
            raise FileError(f"{name} is an archive whose directory is damaged")
        entry, at = _entry(data, at, base, name=name)
        entries.append(entry)
    return entries, base


def _entry(data: bytes, at: int, base: int, *, name: str) -> tuple[_Entry, int]:
    """Return the entry of the directory at `at`, and where the next one stands."""
    (mark, _, _, flags, method, _, _, checksum, packed, unpacked, path, extra, comment, _, _, _, start) = (
        _ENTRY.unpack_from(data, at)
    )
    if mark != b"PK\x01\x02":
        raise FileError(f"{name} is an archive whose directory is damaged")
    if flags & _ENCRYPTED:
        raise FileError(f"{name} is encrypted")
    spelled = data[at + _ENTRY.size : at + _ENTRY.size + path]
    entry = _Entry(
        path=spelled.decode("utf-8" if flags & _UTF8 or not spelled.isascii() else "ascii", "replace"),
        method=method,
        checksum=checksum,
        packed=packed,
        unpacked=unpacked,
        start=base + start,
    )
    return entry, at + _ENTRY.size + path + extra + comment


def _span(data: bytes, entry: _Entry, *, name: str) -> tuple[int, int]:
    """Return where in the file an entry lies, from its header to the end of its content."""
    if entry.start + _LOCAL.size > len(data) or data[entry.start : entry.start + 4] != b"PK\x03\x04":
        raise FileError(f"{name} is an archive whose directory is damaged")
    end = _content_start(data, entry.start) + entry.packed
    if end > len(data):
        raise FileError(f"{name} is an archive that is cut short")
    return entry.start, end


def _content_start(data: bytes, start: int) -> int:
    *_, path, extra = _LOCAL.unpack_from(data, start)
    return start + _LOCAL.size + int(path) + int(extra)


def _unpacked(packed: memoryview, entry: _Entry) -> bytes | None:
    """Return what an entry holds; None if it is damaged or packed in a way we do not know."""
    if entry.method == _STORED:
        content = bytes(packed[: entry.unpacked + 1])
    elif entry.method == _DEFLATED:
        try:
            # A limit of 0 would be none, so one byte more than there should be is asked for, and tells of a lie.
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.unpacked + 1)
        except zlib.error:
            return None
    else:
        return None
    sound = len(content) == entry.unpacked and zlib.crc32(content) == entry.checksum
    return content if sound else None
