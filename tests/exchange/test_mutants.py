"""Whatever is done to a card file, reading it gives a card or our own error. RPCHAT_MUTANTS sets how many are made."""

from __future__ import annotations

import os
import random
import struct
import zlib

import pytest

from rpchat.errors import FileError
from rpchat.exchange.card_reading import read_card
from rpchat.exchange.card_writing import write_card
from rpchat.exchange.png import SIGNATURE
from rpchat.story.card import Card
from tests.exchange.makers import PICTURE, as_json, charx, png, text_chunk, v2_card, v3_card

MUTANTS = int(os.environ.get("RPCHAT_MUTANTS", "400"))

CARD = Card(
    name="Mio",
    sheet={"Age": "24", "Likes": ("tea", "rain")},
    first_message="「こんばんは」\n*waves*",
    tags=("a", "b"),
    extensions={"world": "W", "tavern": {"data": {"character_book": {"entries": [{"keys": ["x"]}]}}}},
)
ASSETS = {"assets/icon/images/1.png": PICTURE, "module.risum": bytes(range(40))}
SEEDS = {
    "png": (
        write_card(CARD, "png", avatar=PICTURE, assets=ASSETS).data,
        png(text_chunk("chara", v2_card()), text_chunk("chara-ext-asset_:0", b"abc")),
    ),
    "charx": (
        write_card(CARD, "charx", avatar=PICTURE, assets=ASSETS).data,
        b"\xff\xd8\xff\xe0 picture \xff\xd9"
        + charx(v3_card(assets=[{"type": "icon", "uri": "embeded://a"}]), {"a": b"b"}),
    ),
    "json": (write_card(CARD, "json-v2").data, as_json(v3_card(extensions={"talkativeness": "0.5", "rpchat": {}}))),
    "yaml": (
        write_card(CARD, "yaml").data,
        b"name: W\ncontext: |\n  Long.\ngreeting: &g hi\nx: [*g, 1.0, {<<: {a: b}}]\n",
    ),
}
WORDS = (
    *(b"null", b"{}", b"[]", b'"', b"\\ud800", b"1e999", b"true", b"-1", b"name", b"data", b"../"),
    *(b"&a", b"*a", b"!!x", b"<<: ", b"\n", b"- ", b"\x00", b"\xff", b"\xff\xff\xff\xff"),
    *(b"PK\x05\x06", b"PK\x01\x02", b"ccv3\0", b"IEND"),
)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return `data` with a few bytes changed, cut out, doubled, or replaced by something that means something."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(changed) + 1)
        span = chance.choice((1, 4, 40))
        match chance.randrange(6):
            case 0 if at < len(changed):
                changed[at] = chance.randrange(256)
            case 1 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                del changed[at : at + span]
            case 3:
                changed[at:at] = changed[at : at + span]
            case 4:
                word = chance.choice(WORDS)
                changed[at : at + chance.choice((0, len(word)))] = word
            case _:
                other = chance.randrange(len(changed) + 1)
                changed[at : at + span] = changed[other : other + span]
    return bytes(changed[: chance.randrange(len(changed) + 1)] if chance.random() < 0.05 else changed)


def with_right_checksums(data: bytes) -> bytes:
    """Return a PNG's chunks, as far as they are whole, with the checksums that they should have."""
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8 + length]
        out.append(data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body)))
        at += 12 + length
    return b"".join(out)


@pytest.mark.parametrize("kind", SEEDS)
def test_a_mutant_is_a_card_or_refused(kind: str) -> None:
    outcomes = {"card": 0, "refused": 0}
    for number in range(MUTANTS):
        chance = random.Random(f"{kind} {number}")
        data = mutated(chance.choice(SEEDS[kind]), chance)
        if kind == "png" and data.startswith(SIGNATURE):
            data = with_right_checksums(data)
        try:
            read = read_card(data, name="mutant")
        except FileError:
            outcomes["refused"] += 1
        else:
            outcomes["card"] += 1
            assert read.card.name.strip()
    assert min(outcomes.values()) > MUTANTS // 50, outcomes


@pytest.mark.parametrize("kind", ["png", "charx"])
def test_a_card_inside_is_mutated_too(kind: str) -> None:
    (seed, _), made = SEEDS["json"], 0
    for number in range(MUTANTS // 4):
        chance = random.Random(f"{kind} inside {number}")
        text = mutated(seed, chance)
        data = png(text_chunk("ccv3", text)) if kind == "png" else charx(v3_card(), {"x": text})
        try:
            read_card(data, name="mutant")
        except FileError:
            continue
        made += 1
    assert made > 0
