"""While the reader reads, the next prompt is read; what goes wrong with that is said once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rpchat.engine.scripted import Script, ScriptedEngine
from rpchat.errors import EngineError
from rpchat.prompt.segment import joined
from tests.tui.helpers import folders_in, on_stage, program_in


async def test_the_next_prompt_is_read_behind_a_reply(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [Script.of("Come in.")], read_ahead=True)
    engine = program.engine
    assert isinstance(engine, ScriptedEngine)

    def read_behind_the_reply() -> bool:
        said = ["".join(content for _, content in joined(ahead)) for ahead in engine.ahead]
        return any(prompt.endswith("Come in.<|im_end|>\n<|im_start|>user\n") for prompt in said)

    async with on_stage(program) as stage:
        await stage.type("Hello?")
        await stage.until(read_behind_the_reply)
        await stage.settled()
        read = len(engine.ahead)
        await stage.pilot.press("x", "backspace")
        await stage.settled()
        assert len(engine.ahead) == read


async def test_what_goes_wrong_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_in(folders_in(tmp_path), [Script.of("Come in.")], read_ahead=True)
    calls = 0

    async def failing(*_: object, **__: object) -> bool:
        nonlocal calls
        calls += 1
        raise EngineError("the engine died")

    monkeypatch.setattr(program.engine, "read_ahead", failing)
    async with on_stage(program) as stage:
        await stage.until(lambda: "the engine died" in stage.below)
        await stage.pilot.press("x", "backspace")
        await stage.settled()
        assert calls == 1


async def test_versions_are_made_ready_for_the_next_swipe(tmp_path: Path) -> None:
    replies = [Script.of(text) for text in ("One.", "Two.", "Three.", "Four.")]
    program = program_in(folders_in(tmp_path), replies, read_ahead=True)
    program.choices.config = replace(program.config, ready_swipes=2)
    engine = program.engine
    assert isinstance(engine, ScriptedEngine)
    async with on_stage(program) as stage:
        assert engine.requests == []
        await stage.type("Hello?")
        await stage.until(lambda: len(engine.requests) == 3)
        await stage.settled()
        assert stage.texts[-1] == "One."
        await stage.pilot.press("right")
        await stage.settled()
        assert stage.texts[-1] == "Two."
