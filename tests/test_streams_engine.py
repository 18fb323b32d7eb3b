"""Every stream case once more, token by token through the real llama.cpp with the real vocabularies.

The tokens are forced (`tests/forced_worker.py`); byte tokens, the space in front of SentencePiece words, control ids
and the end of the reply are llama.cpp's own. Llama-2's vocabulary is not at hand: the cases of its format are read
with Mistral's, which is of the same kind.
"""

from __future__ import annotations

import json
import sys
from contextlib import aclosing
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Ended, Piece, Request
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import control, text
from rpchat.reply.reader import End, Reply
from rpchat.story.preset import Sampling
from tests import forced_worker, vocabularies
from tests.test_streams import bytes_and_end, reader_of, stream_cases

VOCABULARIES = {"party": "nemo-party", "chatml": "nemo-chatml"}
SENTENCEPIECE = "mistral-v1"
FIRST_ORDINARY = 1300
"""Byte tokens have smaller ids than this in every one of these vocabularies."""


class Desk:
    """An engine whose replies are dictated."""

    def __init__(self, name: str, folder: Path) -> None:
        self._script = folder / "script.json"
        command = (sys.executable, str(Path(forced_worker.__file__)), str(self._script))
        self.engine = ChildEngine(log=folder / "engine.log", machine=folder / "machine.json", command=command)
        self._spaced = name == SENTENCEPIECE
        self._bytes: dict[bytes, int] = {}

    async def open(self, path: Path) -> None:
        async for _ in self.engine.load(path, EngineSettings(n_ctx=512, n_threads=1)):
            pass
        pieces = await self.engine.pieces(range(FIRST_ORDINARY))
        self._bytes = {piece: at for at, piece in enumerate(pieces) if len(piece) == 1}

    async def ids(self, case: dict[str, Any]) -> list[int]:
        """The tokens a model would have written for the case's pieces, up to its end."""
        ids: list[int] = []
        for kind, group in groupby(
            case["pieces"], key=lambda piece: "" if isinstance(piece, str) else next(iter(piece))
        ):
            pieces = list(group)
            if kind == "ctl":
                ids += await self.engine.tokenize([control(piece["ctl"]) for piece in pieces])
            elif kind == "hex":
                data = b"".join(bytes.fromhex(piece["hex"]) for piece in pieces)
                ids += [self._bytes[data[at : at + 1]] for at in range(len(data))]
            else:
                ids += await self._text_ids("".join(pieces))
        if case["end"] == "eog" and not any("ctl" in piece for piece in case["pieces"] if isinstance(piece, dict)):
            ids += await self.engine.tokenize([control("</s>")])
        return ids

    async def _text_ids(self, words: str) -> list[int]:
        """The tokens of text in the middle of a reply: SentencePiece's own space in front is left off."""
        if not self._spaced:
            return await self.engine.tokenize([text(words)])
        mark = await self.engine.tokenize([text("\n")])
        ids = await self.engine.tokenize([text("\n" + words)])
        assert ids[: len(mark)] == mark
        return ids[len(mark) :]

    async def dictate(self, case: dict[str, Any]) -> tuple[Reply, bytes, End]:
        """Return the reply, the bytes that came, and what ended them."""
        ids = await self.ids(case)
        self._script.write_text(json.dumps(ids), "utf-8")
        cancelled = case["end"] == "cancel"
        reader = reader_of(case)
        request = Request(
            segments=(text("Once"),),
            sampling=Sampling(),
            seed=1,
            max_tokens=len(ids) + 64 * cancelled,
            stop_controls=tuple(name.removesuffix("?") for name in reader.stops.control),
        )
        data, count, end = b"", 0, None
        async with aclosing(self.engine.stream(request)) as events:
            async for event in events:
                if isinstance(event, Ended):
                    end = event.reason
                elif isinstance(event, Piece):
                    assert event.id == ids[count]
                    data, count = data + event.data, count + 1
                    reader.feed(event.data)
                    if cancelled and count == len(ids):
                        break
        told: End = end or "cancelled"
        return reader.finish(told), data, told


def vocabulary_of(case: dict[str, Any]) -> str:
    return VOCABULARIES.get(case["format"], SENTENCEPIECE)


@pytest.mark.parametrize("name", [SENTENCEPIECE, *VOCABULARIES.values()])
async def test_the_same_replies(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.gguf"
    vocabularies.write_gguf(name, path)
    desk = Desk(name, tmp_path)
    cases = [case for case in stream_cases() if vocabulary_of(case) == name]
    assert cases
    try:
        await desk.open(path)
        for case in cases:
            reply, data, end = await desk.dictate(case)
            assert (data, end) == bytes_and_end(case), case["id"]
            got = {"visible": reply.text, "finish": reply.finish, "cause": reply.cause}
            assert got == case["expected"], case["id"]
    finally:
        await desk.engine.close()
