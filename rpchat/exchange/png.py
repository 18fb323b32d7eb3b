"""PNG files chunk by chunk: the card texts and assets in them, and the picture without anything else.

Nothing here decodes pixels, so no picture is too large to be walked. A file that ends early or lacks its end is read as
far as it goes.
"""

from __future__ import annotations

import binascii
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rpchat.errors import FileError
from rpchat.story.text import clean

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MAX_CHUNKS = 50_000
_MAX_TEXT = 16 << 20
_ASSET = "chara-ext-asset_"
_LONGEST_KEYWORD = 79
_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))

# What shows the picture. All else may tell where and how it was made: prompts, folders, camera and place.
_SHOWN = frozenset(
    b"IHDR PLTE IDAT tRNS gAMA cHRM sRGB cICP iCCP sBIT bKGD pHYs acTL fcTL fdAT".split(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PngCard:
    """What a PNG holds. The texts are still base64, as they stand in the file."""

    ccv3: bytes | None = None
    chara: bytes | None = None
    picture: bytes | None = None
    assets: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One chunk: its kind, its content, and all of it with length and checksum."""

    kind: bytes
    content: memoryview
    whole: memoryview

    def is_sound(self) -> bool:
        """Whether the checksum is right."""
        return zlib.crc32(self.content, zlib.crc32(self.kind)) == int.from_bytes(self.whole[-4:], "big")


def read_png(data: bytes, *, name: str) -> PngCard:
    """Return what the PNG `data` holds; the first text of a name counts. Raises FileError naming `name`."""
    texts: dict[str, bytes] = {}
    assets: dict[str, bytes] = {}
    shown: list[_Chunk] = []
    notes: list[str] = []
    ended = False
    for chunk in _chunks(data, name=name):
        ended = chunk.kind == b"IEND"
        if chunk.kind in _SHOWN:
            shown.append(chunk)
        elif chunk.kind == b"tEXt":
            _keep_text(chunk, texts, assets, notes, name=name)
    if not ended:
        notes.append("The picture is cut short")
    return PngCard(
        ccv3=texts.get("ccv3"), chara=texts.get("chara"), picture=_picture(shown), assets=assets, notes=tuple(notes)
    )


def picture_of(data: bytes) -> bytes | None:
    """Return the PNG `data` with nothing in it but the picture; None if there is none. Idempotent."""
    try:
        chunks = [chunk for chunk in _chunks(data, name="the picture") if chunk.kind in _SHOWN]
    except FileError:  # no picture, which is what None says
        return None
    return _picture(chunks)


def write_png(picture: bytes, *, texts: Mapping[str, bytes], assets: Mapping[str, bytes]) -> bytes:
    """Return the PNG `picture` (one that `picture_of` returned) with texts and assets, base64, before its end."""
    pairs = [*((f"{_ASSET}:{path}", content) for path, content in assets.items()), *texts.items()]
    added = [
        chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + binascii.b2a_base64(content, newline=False))
        for keyword, content in pairs
    ]
    return b"".join([picture.removesuffix(_END), *added, _END])


def fits_in_png(path: str) -> bool:
    """Whether an asset of that path can stand in a PNG, whose names are short and Latin."""
    keyword = f"{_ASSET}:{path}"
    return len(keyword) <= _LONGEST_KEYWORD and bool(path) and all("\x20" <= one <= "\x7e" for one in path)


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk as it stands in a file: length, kind, content, checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))


def from_base64(text: bytes | memoryview) -> bytes | None:
    """Return what base64 of either alphabet stands for, padded or not, in lines or not; None if it is none."""
    letters = bytes(text).translate(bytes.maketrans(b"-_", b"+/"), b" \t\r\n=")
    try:
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:
        return None


def _chunks(data: bytes, *, name: str) -> Iterator[_Chunk]:
    """Walk the chunks up to the end chunk, or as far as they are whole."""
    if not data.startswith(SIGNATURE):
        raise FileError(f"{name} is not a PNG")
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            return
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 12 + length
        if end > len(data):
            return
        found = _Chunk(bytes(view[at + 4 : at + 8]), view[at + 8 : end - 4], view[at:end])
        yield found
        if found.kind == b"IEND":
            return
        at = end
    raise FileError(f"{name} is a PNG of more than {_MAX_CHUNKS} chunks, which no picture needs")


def _keep_text(
    chunk: _Chunk, texts: dict[str, bytes], assets: dict[str, bytes], notes: list[str], *, name: str
) -> None:
    """Add what a text chunk says to `texts` or `assets`, if it is of a card."""
    head = bytes(chunk.content[: _LONGEST_KEYWORD + 1]).partition(b"\0")
    keyword = head[0].decode("latin-1")
    if not head[1]:
        return
    content = chunk.content[len(head[0]) + 1 :]
    kind = keyword.lower()
    if kind in ("chara", "ccv3"):
        if len(content) > _MAX_TEXT:
            raise FileError(f"{name} holds a card text that is too large: at most {_MAX_TEXT >> 20} MB is read")
        if kind in texts:
            notes.append(f"The file holds more than one `{kind}`; the first one is read")
            return
        texts[kind] = bytes(content)
        if not chunk.is_sound():
            notes.append(f"The checksum of `{kind}` is wrong")
    elif kind.startswith(_ASSET):
        path = clean(keyword[len(_ASSET) :].removeprefix(":"))
        decoded = from_base64(content)
        if path and path not in assets and decoded is not None:
            assets[path] = decoded
        else:
            notes.append("An asset that cannot be read is left out")


def _picture(chunks: Sequence[_Chunk]) -> bytes | None:
    if not chunks or chunks[0].kind != b"IHDR" or len(chunks[0].content) != 13:
        return None
    if not any(chunk.kind == b"IDAT" for chunk in chunks):
        return None
    return b"".join([SIGNATURE, *(chunk.whole for chunk in chunks), _END])
