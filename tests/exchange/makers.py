"""Cards, values and files for the tests of exchange: drawn, or put together byte by byte."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from rpchat.exchange.archive import write_archive
from rpchat.exchange.png import SIGNATURE
from rpchat.story.card import Card
from rpchat.story.text import clean

texts = st.text(max_size=30).map(clean)
names = texts.filter(lambda text: bool(text.strip()))
keys = texts.filter(lambda text: text not in ("chat", "json_data", "avatar", "<<"))
scalars = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
bytes_of_assets = st.dictionaries(st.sampled_from(["0", "a.png", "assets/other/code/x.lua"]), st.binary(max_size=40))

parcels = st.fixed_dictionaries(
    {},
    optional={
        "file": st.dictionaries(keys, values, min_size=1, max_size=2),
        "data": st.dictionaries(keys | st.sampled_from(["character_book", "assets", "source"]), values, min_size=1),
        "extensions": st.fixed_dictionaries({"tavern": values}) | st.dictionaries(keys, values, min_size=1, max_size=1),
        "fields": st.dictionaries(st.sampled_from(["language", "sheet", "summary", "description"]), values),
    },
)
"""What could be taken for one of our own parcels, and often is none."""

extensions = st.dictionaries(keys, values, max_size=3).flatmap(
    lambda plain: st.fixed_dictionaries(
        {}, optional={"tavern": parcels | values, "rpchat": parcels | values, "talkativeness": values}
    ).map(lambda ours: {**plain, **ours})
)

cards = st.builds(
    Card,
    name=names,
    nickname=texts,
    language=texts,
    summary=texts,
    tags=st.lists(texts, max_size=3).map(tuple),
    sheet=st.dictionaries(texts, texts | st.lists(texts, max_size=3).map(tuple), max_size=3),
    description=texts,
    personality=texts,
    scenario=texts,
    first_message=texts,
    alternate_greetings=st.lists(texts, max_size=3).map(tuple),
    example_dialogue=texts,
    system_prompt=texts,
    post_history=texts,
    talkativeness=st.floats(0, 1),
    creator=texts,
    version=texts,
    creator_notes=texts,
    extensions=extensions,
)

V1_CARD: dict[str, Any] = {
    "name": "Mio",
    "description": "{{char}} keeps a lighthouse.",
    "personality": "calm",
    "scenario": "A storm.",
    "first_mes": "「こんばんは」",
    "mes_example": "<START>\n{{user}}: Hi\n{{char}}: …",
}


def v2_card(**data: Any) -> dict[str, Any]:
    """Return a V2 card with more in its `data`."""
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": {**V1_CARD, **data}}


def v3_card(**data: Any) -> dict[str, Any]:
    """Return a V3 card with more in its `data`."""
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": {**V1_CARD, "group_only_greetings": [], **data}}


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def chunk(kind: bytes, content: bytes, *, checksum: int | None = None) -> bytes:
    right = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", right)


def text_chunk(keyword: str, value: object) -> bytes:
    """Return a text chunk with `value`, bytes as they are and anything else as JSON, in base64."""
    content = value if isinstance(value, bytes) else as_json(value)
    return chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + base64.b64encode(content))


def header(width: int = 1, height: int = 1) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


PIXEL = chunk(b"IDAT", zlib.compress(b"\0\xff\x80\x00"))
END = chunk(b"IEND", b"")
PICTURE = SIGNATURE + header() + PIXEL + END


def png(*chunks: bytes, end: bytes = END) -> bytes:
    """Return a picture of one pixel with `chunks` before its end."""
    return b"".join([SIGNATURE, header(), PIXEL, *chunks, end])


def charx(card: object, files: Mapping[str, bytes] | None = None) -> bytes:
    return write_archive({"card.json": as_json(card), **(files or {})})
