"""The scripted engine keeps the port's promises, so that what is tested with it holds with the real one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rpchat.engine.port import Ended, Engine, Loaded, Piece, StreamEvent
from rpchat.engine.scripted import FIRST_CONTROL_ID, Gate, Script, ScriptedEngine
from rpchat.engine.settings import EngineSettings
from rpchat.errors import EngineError, PromptError
from rpchat.prompt.segment import control, text
from tests.engine.helpers import ask, drain, load_events, reply


async def test_scripts_are_played_in_their_order() -> None:
    engine: Engine = ScriptedEngine([Script.of("Hi"), Script(pieces=("「", b"\xe3\x81", b"\x82"), end="stop")])
    first, second = [await reply(engine, ask((text("x"),))) for _ in range(2)]
    assert (first.data, first.end.reason) == (b"Hi", "eos")
    assert (second.data.decode(), second.end.reason) == ("「あ", "stop")
    with pytest.raises(AssertionError, match="no script left"):
        await reply(engine, ask((text("x"),)))


async def test_without_scripts_it_always_answers() -> None:
    engine = ScriptedEngine()
    replies = [await reply(engine, ask((text("x"),))) for _ in range(2)]
    assert replies[0].data == replies[1].data != b""


async def test_it_keeps_the_requests_and_reads_the_prompt() -> None:
    engine = ScriptedEngine([Script.of("ok")])
    request = ask((control("<s>"), text("a" * 100)), continue_ids=(1, 2))
    result = await reply(engine, request)
    assert engine.requests == [request]
    assert (result.readings[0].done, result.readings[-1].done, result.end.prompt_tokens) == (0, 103, 103)


async def test_ids_are_characters_and_controls() -> None:
    ids = await ScriptedEngine().tokenize((control("<s>"), text("a"), text("b"), control("</s>"), control("<s>")))
    assert ids == [FIRST_CONTROL_ID, ord("a"), ord("b"), FIRST_CONTROL_ID + 1, FIRST_CONTROL_ID]


async def test_the_length_limit_holds() -> None:
    result = await reply(ScriptedEngine([Script.of("abcdef")]), ask((text("x"),), max_tokens=3))
    assert (result.data, result.end.reason) == (b"abc", "max_tokens")


async def test_an_error_comes_after_its_pieces() -> None:
    engine = ScriptedEngine([Script(pieces=("a", "b", "c"), error=EngineError("the engine died"), fail_after=2)])
    told: list[StreamEvent] = []
    with pytest.raises(EngineError, match="died"):
        await drain(engine.stream(ask((text("x"),))), told)
    assert [event.data for event in told if isinstance(event, Piece)] == [b"a", b"b"]


async def test_a_gate_holds_the_stream_and_closing_cancels() -> None:
    gate = Gate(at=2)
    engine = ScriptedEngine([Script(pieces=("a", "b", "c"), gate=gate)])
    told: list[StreamEvent] = []
    task = asyncio.create_task(drain(engine.stream(ask((text("x"),))), told))
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert [event.data for event in told if isinstance(event, Piece)] == [b"a", b"b"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.cancelled == 1
    assert not any(isinstance(event, Ended) for event in told)


async def test_one_stream_at_a_time() -> None:
    gate = Gate(at=0)
    engine = ScriptedEngine([Script(pieces=("a",), gate=gate), Script.of("b")])
    first, second = (asyncio.create_task(reply(engine, ask((text("x"),)))) for _ in range(2))
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert len(engine.requests) == 1
    gate.opened.set()
    assert [(await first).data, (await second).data] == [b"a", b"b"]


async def test_a_prompt_that_does_not_fit() -> None:
    with pytest.raises(PromptError, match="9000 tokens, the context holds 8192"):
        await reply(ScriptedEngine(), ask((text("x" * 9000),)))


async def test_loading_gives_the_model() -> None:
    engine = ScriptedEngine(loaded=False)
    assert engine.model is None
    last = (await load_events(engine, Path("some.gguf"), EngineSettings(n_ctx=100)))[-1]
    assert isinstance(last, Loaded)
    assert (last.model.n_ctx, last.model.path) == (100, Path("some.gguf"))
    assert engine.model == last.model
    assert "assistant:" in await engine.render_template(({"role": "user", "content": "hi"},))
    await engine.close()
    assert engine.closed
