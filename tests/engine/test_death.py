"""The worker dies, or the parent does: what is said, what goes on, what is left behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.death import death_of
from rpchat.engine.port import Piece, Reading, Request
from rpchat.engine.process import WorkerDiedError
from rpchat.errors import EngineError, ModelError
from rpchat.prompt.segment import text
from tests.engine.helpers import STORY, ask, drain, load_events, loaded, question, quick, reply, until
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = quick()
DOUBLES = Path(__file__).with_name("doubles.py")


def double(behaviour: str, record: Path) -> tuple[str, ...]:
    """Return the command of a worker that misbehaves and writes its starts to `record`."""
    return (sys.executable, str(DOUBLES), behaviour, str(record))


async def kill_during(engine: ChildEngine, request: Request, kind: type) -> None:
    """Kill the worker when the stream brings an event of a kind."""
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            if isinstance(event, kind) and engine.worker_pid is not None:
                os.kill(engine.worker_pid, signal.SIGKILL)


@pytest.mark.parametrize("kind", [Reading, Piece])
async def test_killed_at_work_it_says_so_and_the_next_call_works(own_engine: ChildEngine, kind: type) -> None:
    await loaded(own_engine, smollm2_path(), SETTINGS)
    segments = (text(STORY),) if kind is Reading else question("Tell a long story.")
    with pytest.raises(EngineError) as caught:
        await kill_during(own_engine, ask(segments, max_tokens=100, forbid_end=100), kind)
    assert caught.value.message == "the engine died: it was killed, most likely because memory ran out"
    assert (await reply(own_engine, ask(question("Hello?"), max_tokens=2))).end.reply_tokens > 0


async def test_killed_while_idle_the_next_call_works(own_engine: ChildEngine) -> None:
    await loaded(own_engine, smollm2_path(), SETTINGS)
    pid = own_engine.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: own_engine.worker_pid is None)
    assert await own_engine.tokenize((text("hello"),))
    assert own_engine.worker_pid not in (None, pid)


async def test_ten_restarts_leave_no_process(own_engine: ChildEngine) -> None:
    before = {child.pid for child in psutil.Process().children()}
    await loaded(own_engine, smollm2_path(), SETTINGS)
    for _ in range(10):
        with pytest.raises(EngineError, match="killed"):
            await kill_during(own_engine, ask(question("Hi."), max_tokens=50, forbid_end=50), Reading)
        await own_engine.tokenize((text("again"),))
    assert {child.pid for child in psutil.Process().children()} == before | {own_engine.worker_pid}
    await own_engine.close()
    await own_engine.close()
    assert {child.pid for child in psutil.Process().children()} == before


async def test_closing_in_the_middle_of_a_stream(own_engine: ChildEngine) -> None:
    await loaded(own_engine, smollm2_path(), SETTINGS)
    events = own_engine.stream(ask((text(STORY),)))
    await anext(events)
    pid = own_engine.worker_pid
    await own_engine.close()
    with pytest.raises(EngineError, match="closed"):
        await drain(events, [])
    assert pid is not None
    assert not psutil.pid_exists(pid)
    with pytest.raises(EngineError, match="closed"):
        await own_engine.tokenize((text("x"),))


async def test_a_parent_killed_leaves_no_child(tmp_path: Path, machine: Path) -> None:
    command = (sys.executable, str(DOUBLES), "parent", str(tmp_path), str(machine), str(smollm2_path()))
    parent = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    await parent.wait()
    await until(lambda: _gone(pid), seconds=3)


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_loading_closed_early_ends_the_worker(own_engine: ChildEngine) -> None:
    async with aclosing(own_engine.load(smollm2_path(), SETTINGS)) as events:
        await anext(events)
        assert own_engine.worker_pid is not None
    assert own_engine.worker_pid is None
    assert own_engine.model is None
    await loaded(own_engine, smollm2_path(), SETTINGS)


@pytest.mark.parametrize("behaviour", ["illegal", "crashes-warming"])
async def test_a_build_that_dies_here_goes_on_in_safe_mode(tmp_path: Path, behaviour: str) -> None:
    memory, record = tmp_path / "machine.json", tmp_path / "starts"
    engine = ChildEngine(log=tmp_path / "log", machine=memory, command=double(behaviour, record))
    try:
        model = await loaded(engine, smollm2_path(), SETTINGS)
        assert model.safe_mode
        assert (await reply(engine, ask(question("Hi."), max_tokens=2))).end.reply_tokens > 0
    finally:
        await engine.close()
    assert record.read_text().split() == ["fast", "safe"]
    other = ChildEngine(log=tmp_path / "log", machine=memory, command=double(behaviour, record))
    try:
        assert (await loaded(other, smollm2_path(), SETTINGS)).safe_mode
    finally:
        await other.close()
    assert record.read_text().split() == ["fast", "safe", "safe"]


async def test_a_fine_build_is_warmed_up_once(tmp_path: Path) -> None:
    record = tmp_path / "starts"
    for _ in range(2):
        engine = ChildEngine(log=tmp_path / "log", machine=tmp_path / "machine.json", command=double("fine", record))
        try:
            assert not (await loaded(engine, smollm2_path(), SETTINGS)).safe_mode
        finally:
            await engine.close()
    assert record.read_text().split() == ["fast", "warmed", "fast"]


async def test_an_illegal_instruction_at_work_leads_to_safe_mode(tmp_path: Path) -> None:
    record = tmp_path / "starts"
    command = double("illegal-at-work", record)
    engine = ChildEngine(log=tmp_path / "log", machine=tmp_path / "machine.json", command=command)
    try:
        await loaded(engine, smollm2_path(), SETTINGS)
        with pytest.raises(EngineError, match=r"SIGILL.*safe mode"):
            await reply(engine, ask(question("Hi.")))
        assert (await reply(engine, ask(question("Hi."), max_tokens=2))).end.reply_tokens > 0
        assert engine.model is not None
        assert engine.model.safe_mode
    finally:
        await engine.close()


async def test_without_a_writable_memory_it_goes_on(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    engine = ChildEngine(
        log=blocked / "log", machine=blocked / "machine.json", command=double("illegal", tmp_path / "starts")
    )
    try:
        assert (await loaded(engine, smollm2_path(), SETTINGS)).safe_mode
        assert await engine.tokenize((text("x"),))
    finally:
        await engine.close()


async def test_a_build_that_dies_in_safe_mode_too_is_one_line(tmp_path: Path) -> None:
    record = tmp_path / "starts"
    engine = ChildEngine(log=tmp_path / "log", machine=tmp_path / "m.json", command=double("hopeless", record))
    try:
        with pytest.raises(ModelError, match="SIGILL") as caught:
            await load_events(engine, smollm2_path(), SETTINGS)
        assert "GGML_NATIVE=OFF" in caught.value.hint
        assert "\n" not in str(caught.value)
    finally:
        await engine.close()
    assert not (tmp_path / "m.json").exists()


async def test_a_library_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    engine = ChildEngine(
        log=tmp_path / "log", machine=tmp_path / "m.json", command=double("no-library", tmp_path / "starts")
    )
    try:
        with pytest.raises(ModelError, match=r"llama-cpp-python cannot be loaded: .*llama_cpp"):
            await load_events(engine, smollm2_path(), SETTINGS)
    finally:
        await engine.close()


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (-signal.SIGILL, "", "an instruction this CPU does not have"),
        (-signal.SIGKILL, "", "memory ran out"),
        (-signal.SIGABRT, "x\nGGML_ASSERT(a > b) failed\ny", r"crashed \(SIGABRT\): GGML_ASSERT\(a > b\) failed"),
        (-signal.SIGABRT, "what():  std::bad_alloc", "memory ran out"),
        (-signal.SIGABRT, "Failed to connect to 10.0.0.7:50052", r"RPC server 10\.0\.0\.7:50052 does not answer"),
        (-signal.SIGABRT, "Remote RPC server crashed or returned malformed response", "an RPC server is gone"),
        (-signal.SIGTERM, "", "ended by SIGTERM"),
        (3, "", "exit code 3"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="exit codes are signals elsewhere")
async def test_reasons_are_in_the_users_words(code: int, log: str, words: str) -> None:
    assert re.search(words, death_of(WorkerDiedError(code, log)).reason)
