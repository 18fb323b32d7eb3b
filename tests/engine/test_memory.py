"""Memory that runs out: less and less is asked for until the model plays, and that is told and remembered."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.machine import Machine
from rpchat.engine.port import LoadEvent, Stepping
from rpchat.engine.settings import EngineSettings
from rpchat.engine.shortage import system_kills, tells_shortage
from rpchat.engine.worker.limits import host_memory
from rpchat.errors import EngineError, ModelError
from tests.engine.helpers import ask, load_events, question, quick, reply
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOUBLES = Path(__file__).with_name("doubles.py")
SETTINGS = EngineSettings(n_threads=1)


def double(behaviour: str, record: Path) -> tuple[str, ...]:
    return (sys.executable, str(DOUBLES), behaviour, str(record))


def told(events: list[LoadEvent]) -> list[str]:
    return [event.what for event in events if isinstance(event, Stepping)]


async def plays(engine: ChildEngine) -> bool:
    request = ask(question("Tell me of the sea. " * 20), max_tokens=4, forbid_end=4)
    return (await reply(engine, request)).end.reply_tokens == 4


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
async def test_within_a_limit_it_fits_and_plays(own_engine: ChildEngine, tmp_path: Path) -> None:
    whole = await load_events(own_engine, smollm2_path(), SETTINGS)
    assert told(whole) == []
    pid = own_engine.worker_pid
    assert pid is not None
    taken = psutil.Process(pid).memory_info().vms >> 20
    limited = replace(SETTINGS, memory_limit_mb=taken - 200)
    events = await load_events(own_engine, smollm2_path(), limited)
    assert told(events)
    pid = own_engine.worker_pid
    assert pid is not None
    assert psutil.Process(pid).memory_info().vms >> 20 <= limited.memory_limit_mb
    assert await plays(own_engine)


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
async def test_a_limit_nothing_fits_in_is_one_line(own_engine: ChildEngine) -> None:
    with pytest.raises(ModelError, match=r"memory|allocate") as caught:
        await load_events(own_engine, smollm2_path(), replace(SETTINGS, memory_limit_mb=64))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("behaviour", ["killed-when-large", "refused-when-large"])
async def test_when_memory_runs_out_while_loading_it_steps_down(tmp_path: Path, behaviour: str) -> None:
    record, memory = tmp_path / "starts", tmp_path / "machine.json"
    engine = ChildEngine(log=tmp_path / "log", machine=memory, command=double(behaviour, record))
    try:
        events = await load_events(engine, smollm2_path(), SETTINGS)
        assert told(events) == [
            "memory ran out, trying again with reading 128 tokens at a time",
            "memory ran out, trying again with keeping the KV cache as q8_0",
            "memory ran out, trying again with a context of 4,096 tokens",
        ]
        assert engine.model is not None
        assert engine.model.n_ctx == 4096
        assert await plays(engine)
    finally:
        await engine.close()
    again = ChildEngine(log=tmp_path / "log", machine=memory, command=double(behaviour, record))
    try:
        # What memory did not hold is remembered: no attempt fails, and what is not as usual is told.
        assert not any("ran out" in line for line in told(await load_events(again, smollm2_path(), SETTINGS)))
        other = replace(SETTINGS, n_ctx=1024)
        assert told(await load_events(again, smollm2_path(), other)) == []
    finally:
        await again.close()


async def test_when_nothing_is_left_to_give_up_it_is_one_line(tmp_path: Path) -> None:
    engine = ChildEngine(
        log=tmp_path / "log", machine=tmp_path / "m.json", command=double("always-refused", tmp_path / "starts")
    )
    try:
        with pytest.raises(ModelError, match="a context of 256 tokens cannot be made") as caught:
            await load_events(engine, smollm2_path(), quick())
        assert "\n" not in str(caught.value)
    finally:
        await engine.close()


async def test_when_memory_runs_out_at_work_the_next_start_takes_less(tmp_path: Path) -> None:
    record = tmp_path / "starts"
    engine = ChildEngine(log=tmp_path / "log", machine=tmp_path / "m.json", command=double("short-at-work", record))
    try:
        await load_events(engine, smollm2_path(), SETTINGS)
        with pytest.raises(EngineError, match=r"memory ran out\. From now on: reading 128 tokens at a time"):
            await plays(engine)
        assert await plays(engine)
    finally:
        await engine.close()
    assert any(":steps:" in key for key in json.loads((tmp_path / "m.json").read_text()))


async def test_what_was_remembered_is_forgotten_when_it_is_asked_for_otherwise_or_memory_is_free(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path / "m.json")
    assert machine.steps("a:1", wishes="x", free=1000) == 0
    machine.remember_steps("a:1", wishes="x", free=1000, steps=3)
    fresh = Machine(tmp_path / "m.json")
    assert fresh.steps("a:1", wishes="x", free=1100) == 3
    assert fresh.steps("a:1", wishes="y", free=1000) == 0
    assert fresh.steps("a:1", wishes="x", free=1300) == 0
    assert fresh.steps("b:1", wishes="x", free=1000) == 0
    (tmp_path / "m.json").write_text(json.dumps({f"{machine.key}:steps:a:1": {"steps": "many"}}))
    assert Machine(tmp_path / "m.json").steps("a:1", wishes="x", free=1) == 0


@pytest.mark.parametrize("version", [1, 2])
async def test_the_limit_of_a_control_group_counts(tmp_path: Path, version: int) -> None:
    free, total = host_memory(groups=tmp_path)
    assert 0 < free <= total
    folder = tmp_path if version == 2 else tmp_path / "memory"
    folder.mkdir(exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    for name, number in zip(names, (50_000_000, 30_000_000), strict=True):
        (folder / name).write_text(f"{number}\n")
    assert host_memory(groups=tmp_path) == (20_000_000, 50_000_000)
    (folder / "memory.stat").write_text("anon 5\ninactive_file 10000000\n")
    assert host_memory(groups=tmp_path) == (30_000_000, 50_000_000)
    (folder / names[0]).write_text("max\n")
    assert host_memory(groups=tmp_path)[1] == total


@pytest.mark.parametrize(
    ("words", "short"),
    [
        ("terminate called after throwing an instance of 'std::bad_alloc'", True),
        ("allocating 512.00 MiB on device 0: cudaMalloc failed: out of memory", True),
        ("llama_kv_cache: failed to allocate buffer for kv cache", True),
        ("ggml_aligned_malloc: insufficient memory (attempted to allocate 180.00 MB)", True),
        ("mmap failed: Cannot allocate memory", True),
        ("unable to allocate CPU buffer", True),
        ("GGML_ASSERT(n > 0) failed", False),
        ("unknown model architecture", False),
    ],
)  # fmt: skip
async def test_what_a_library_prints_of_memory(words: str, short: bool) -> None:
    assert tells_shortage(words) is short


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts")
async def test_the_system_counts_whom_it_kills() -> None:
    kills = system_kills()
    assert kills is None or kills >= 0
