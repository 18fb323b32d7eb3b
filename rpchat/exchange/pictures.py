"""Avatars: which kind of picture it is, a plain one where there is none, and any of them as a PNG."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Mapping

from rpchat.exchange.png import SIGNATURE, chunk, picture_of
from rpchat.story.text import fold

_MARKS: Mapping[bytes, str] = {
    SIGNATURE: "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF8": "gif",
}
_MAX_PIXELS = 16 << 20
_WIDTH, _HEIGHT = 400, 600
_FORMATS = ("JPEG", "WEBP", "GIF")


def picture_kind(data: bytes) -> str:
    """Return the usual ending of a picture's file name, told by its first bytes; "" for what we do not know."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for mark, kind in _MARKS.items() if data.startswith(mark)), "")


def plain_portrait(name: str) -> bytes:
    """Return a PNG in one calm colour that is always the same for a name; 400 by 600 pixels."""
    colour = bytes(64 + value // 2 for value in hashlib.sha256(fold(name).encode("utf-8", "replace")).digest()[:3])
    rows = (b"\0" + bytes(_WIDTH)) * _HEIGHT  # every pixel the first colour of the palette
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", colour), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(kind, content) for kind, content in parts)


def as_png(data: bytes) -> bytes | None:
    """Return a picture as a PNG with nothing in it but the picture: a PNG by its chunks, others by their pixels.

    None if it is damaged, of a kind we do not know, or larger than 16 million pixels.
    """
    kind = picture_kind(data)
    if kind == "png":
        return picture_of(data)
    return picture_of(_converted(data)) if kind else None


def _converted(data: bytes) -> bytes:
    """Return the first image of a JPEG, WebP or GIF as a PNG; nothing if that cannot be done."""
    from PIL import Image  # takes longer to import than the home screen to open

    out = io.BytesIO()
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            warnings.simplefilter("ignore")  # what is odd in a picture is not for the terminal
            if image.width * image.height > _MAX_PIXELS:
                return b""
            image.convert("RGBA" if image.has_transparency_data else "RGB").save(out, "PNG")
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError):
        return b""  # damaged; the caller says so
    return out.getvalue()
