"""Exact replies: every stream case, whole and re-split. Test ids are case ids.

Reads `tests/data/streams/*.json` and, if the environment variable RPCHAT_CASES names a folder, its `streams.json`.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from rpchat.prompt.conversation import Character, Conversation
from rpchat.prompt.formats import ADAPTERS
from rpchat.reply.manners import Manners
from rpchat.reply.reader import End, Reply, ReplyReader
from tests.test_goldens import FORMATS


def stream_cases() -> list[dict[str, Any]]:
    """Return every case there is, the last one of an id."""
    files = sorted((Path(__file__).parent / "data" / "streams").glob("*.json"))
    if folder := os.environ.get("RPCHAT_CASES"):
        files.append(Path(folder) / "streams.json")
    cases = {case["id"]: case for file in files for case in json.loads(file.read_text("utf-8"))["cases"]}
    return list(cases.values())


def bytes_and_end(case: dict[str, Any]) -> tuple[bytes, End]:
    """Return the bytes up to the first control token, and why no more come."""
    data = b""
    for piece in case["pieces"]:
        if isinstance(piece, str):
            data += piece.encode()
        elif "hex" in piece:
            data += bytes.fromhex(piece["hex"])
        else:
            return data, "eos" if piece.get("eog") else "stop"
    ends: dict[str, End] = {"eog": "eos", "max_tokens": "max_tokens", "cancel": "cancelled"}
    return data, ends[case["end"]]


def reader_of(case: dict[str, Any]) -> ReplyReader:
    """Return a reader with the stops of the case's format, its names and its manners."""
    conversation = Conversation(
        user=Character(name=case["user"]),
        chars=tuple(Character(name=name) for name in case["chars"]),
        speaker=case["speaker"],
    )
    return ReplyReader(
        stops=ADAPTERS[FORMATS.get(case["format"], case["format"])].stops(conversation),
        user=case["user"],
        speaker=case["speaker"],
        others=conversation.others(),
        prefill=case.get("prefill", ""),
        manners=Manners(out_of_character=case.get("ooc", "cut")),
    )


def _read(case: dict[str, Any], chunks: list[bytes], end: End) -> Reply:
    reader = reader_of(case)
    shown = reader.text
    for chunk in chunks:
        shown += reader.feed(chunk)
        assert shown == reader.text
    reply = reader.finish(end)
    if reply.finish not in ("length", "loop", "empty"):
        assert reply.text.startswith(shown) or shown.startswith(reply.text + "\n")
    return reply


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in stream_cases()])
def test_stream(case: dict[str, Any]) -> None:
    data, end = bytes_and_end(case)
    rng = random.Random(case["id"])
    splits = [[data], [data[i : i + 1] for i in range(len(data))]]
    for _ in range(6):
        places = sorted(rng.sample(range(len(data) + 1), k=min(len(data), rng.randint(1, 8))))
        splits.append([data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)])
    for chunks in splits:
        reply = _read(case, chunks, end)
        got = {"visible": reply.text, "finish": reply.finish, "cause": reply.cause}
        assert got == case["expected"], chunks
