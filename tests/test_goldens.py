"""Exact prompts: every golden case through its adapter. Test ids are case ids.

Reads `tests/data/goldens/*.json` and, if the environment variable RPCHAT_CASES names a folder, its `goldens.json`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.conversation import Character, Conversation, Line
from rpchat.prompt.formats import ADAPTERS
from rpchat.prompt.segment import Segment, Vocabulary, joined
from tests import vocabularies

FORMATS = {"antler": "mistral", "limarp": "alpaca", "shori": "blockml"}
CHATML_MARKS = frozenset({"<|im_start|>", "<|im_end|>"})


def _cases() -> list[Any]:
    files = sorted((Path(__file__).parent / "data" / "goldens").glob("*.json"))
    if folder := os.environ.get("RPCHAT_CASES"):
        files.append(Path(folder) / "goldens.json")
    cases = {case["id"]: case for file in files for case in json.loads(file.read_text("utf-8"))["cases"]}
    return [pytest.param(case, id=name) for name, case in cases.items()]


def conversation_of(told: dict[str, Any]) -> Conversation:
    def character(one: dict[str, str]) -> Character:
        return Character(name=one["name"], description=one.get("description") or one.get("persona") or "")

    following = told["next"]
    return Conversation(
        user=character(told["user"]),
        chars=tuple(character(char) for char in told["chars"]),
        lines=tuple(
            Line(side=line["side"], by=line["by"] or "", text=line["text"], length=line.get("length", ""))
            for line in told["messages"]
        ),
        speaker=following.get("speaker") or "",
        prefill=following.get("prefill", ""),
        length=following.get("length", ""),
        length_in_history=told.get("length_in_history", False),
        system=told.get("system", ""),
        instruction=told.get("instruction", ""),
        title=told.get("title", ""),
        tags=tuple(told.get("tags", ())),
        lore=tuple(told.get("lore", ())),
        scenario=told.get("scenario", ""),
        names=told.get("names", False),
    )


def pairs(segments: tuple[Segment, ...]) -> list[list[str]]:
    return [list(pair) for pair in joined(segments)]


@pytest.mark.parametrize("case", _cases())
def test_prompt(case: dict[str, Any]) -> None:
    adapter = ADAPTERS[FORMATS.get(case["format"], case["format"])]
    conversation = conversation_of(case["conversation"])
    vocabulary = Vocabulary(bos="<s>" if case["bos"] else None, controls=frozenset(adapter.controls) | CHATML_MARKS)
    assert pairs(adapter.render(conversation, vocabulary)) == case["segments"]
    stops = adapter.stops(conversation)
    assert {"control": list(stops.control), "any": list(stops.any), "line": list(stops.line)} == case["stops"]
    if "segments_text_mode" in case:
        as_text = Vocabulary(bos="<s>" if case["bos"] else None)
        assert pairs(adapter.render(conversation, as_text)) == case["segments_text_mode"]


@pytest.mark.parametrize("name", vocabularies.NAMES)
async def test_token_ids(name: str, tmp_path: Path) -> None:
    """Every case's ids, by the real llama.cpp on the real vocabulary."""
    cases = [param.values[0] for param in _cases() if name in param.values[0]["token_ids"]]
    if not cases:
        pytest.skip("no case is for this vocabulary")
    path = tmp_path / f"{name}.gguf"
    vocabularies.write_gguf(name, path)
    engine = ChildEngine(log=tmp_path / "engine.log", machine=tmp_path / "machine.json")
    try:
        async for _ in engine.load(path, EngineSettings(n_ctx=1024)):
            pass
        for case in cases:
            as_text = name == "nemo" and "segments_text_mode" in case
            pairs = case["segments_text_mode" if as_text else "segments"]
            ids = await engine.tokenize([Segment(kind, text) for kind, text in pairs])
            assert ids == case["token_ids"][name], case["id"]
    finally:
        await engine.close()
