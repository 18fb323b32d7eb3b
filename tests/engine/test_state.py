"""A sequence's state goes to disk and comes back: it says what a fresh one says, and what is wrong with a file costs
nothing but the reading."""

from __future__ import annotations

import asyncio
import os
import stat
import struct
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.child import ChildEngine
from rpchat.engine.settings import EngineSettings
from rpchat.engine.worker.state_file import KEY_BYTES, MAGIC, VERSION
from rpchat.errors import EngineError
from rpchat.prompt.segment import Segment, text
from tests.engine.helpers import STORY, ask, loaded, question, reply, until
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = EngineSettings(n_ctx=256, n_threads=1, n_batch=256, cache_ram=0)
FRONT = 8
"""Tokens that all prompts here may have in common."""
PLENTY = 1 << 40
LONG = (text(f"Long ago. {STORY} So it was told. {STORY[:200]}"),)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writer(tmp_path_factory: pytest.TempPathFactory, machine: Path) -> AsyncIterator[ChildEngine]:
    """The engine that reads and keeps."""
    child = ChildEngine(log=tmp_path_factory.mktemp("writer") / "engine.log", machine=machine)
    await loaded(child, smollm2_path(), SETTINGS)
    yield child
    await child.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reader(tmp_path_factory: pytest.TempPathFactory, machine: Path) -> AsyncIterator[ChildEngine]:
    """The engine of a later day, in another process."""
    child = ChildEngine(log=tmp_path_factory.mktemp("reader") / "engine.log", machine=machine)
    await loaded(child, smollm2_path(), SETTINGS)
    yield child
    await child.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kept(writer: ChildEngine, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole state of the prompt and a reply to it."""
    await reply(writer, ask(tale("Kept"), max_tokens=12, forbid_end=12))
    path = tmp_path_factory.mktemp("kept") / "scene-1.kv"
    assert await writer.save_state(path, limit=PLENTY)
    return path.read_bytes()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tale(name: str) -> tuple[Segment, ...]:
    """Return a prompt no other test has read, but for the first few tokens."""
    return question(f"{name}! {STORY[:200]} Who counted the gulls?")


async def test_a_restored_state_says_what_a_fresh_one_says(
    writer: ChildEngine, reader: ChildEngine, tmp_path: Path
) -> None:
    fresh = await reply(writer, ask(tale("Fresh"), max_tokens=20, forbid_end=20))
    assert fresh.end.prefilled_tokens > fresh.end.prompt_tokens - FRONT
    assert await writer.save_state(tmp_path / "kv", limit=PLENTY)
    assert await reader.restore_state(tmp_path / "kv") == fresh.end.prompt_tokens + 20
    again = await reply(reader, ask(tale("Fresh"), max_tokens=20, forbid_end=20))
    assert (again.ids, again.end.prefilled_tokens) == (fresh.ids, 1)


async def test_it_goes_on_behind_a_restored_reply(writer: ChildEngine, reader: ChildEngine, tmp_path: Path) -> None:
    told = await reply(writer, ask(tale("Onward"), max_tokens=12, forbid_end=12))
    assert await writer.save_state(tmp_path / "kv", limit=PLENTY)
    assert await reader.restore_state(tmp_path / "kv") == told.end.prompt_tokens + 12
    further = ask(tale("Onward"), max_tokens=6, continue_ids=(*told.ids, 11, 12))
    onward = await reply(reader, further)
    assert onward.end.prefilled_tokens == 2
    assert (await reply(writer, further)).ids == onward.ids


async def test_what_was_read_ahead_is_in_it(writer: ChildEngine, reader: ChildEngine, tmp_path: Path) -> None:
    told = await reply(writer, ask(tale("Ahead"), max_tokens=8, forbid_end=8))
    ahead = (*told.ids, 11, 12, 13)
    assert await writer.read_ahead(tale("Ahead"), continue_ids=ahead)
    assert await writer.save_state(tmp_path / "kv", limit=PLENTY)
    await reader.restore_state(tmp_path / "kv")
    onward = await reply(reader, ask(tale("Ahead"), max_tokens=2, continue_ids=(*ahead, 14)))
    assert onward.end.prefilled_tokens == 1


async def test_the_prompts_of_all_members_come_back(tmp_path: Path, machine: Path) -> None:
    settings = replace(SETTINGS, cache_ram=64)
    first, second = (ChildEngine(log=tmp_path / name, machine=machine) for name in ("first.log", "second.log"))
    prompts = [tale(name) for name in ("Bo", "Mio")]
    try:
        await loaded(first, smollm2_path(), settings)
        for prompt in prompts:
            told = await reply(first, ask(prompt, max_tokens=4, forbid_end=4))
            await reply(first, ask(prompt, max_tokens=4, forbid_end=4))  # another version is no prompt of its own
        assert await first.save_state(tmp_path / "kv", limit=PLENTY)
        await loaded(second, smollm2_path(), settings)
        assert await second.restore_state(tmp_path / "kv") == told.end.prompt_tokens + 4
        for prompt in prompts:
            assert (await reply(second, ask(prompt, max_tokens=2))).end.prefilled_tokens == 1
        most = (tmp_path / "kv").stat().st_size - 1
        assert await first.save_state(tmp_path / "less", limit=most)
        assert (tmp_path / "less").stat().st_size < most * 2 / 3
    finally:
        await first.close()
        await second.close()


async def test_two_scenes_have_room_beside_each_other(writer: ChildEngine, reader: ChildEngine, tmp_path: Path) -> None:
    for name in ("One", "Other"):
        await reply(writer, ask(tale(name), max_tokens=4, forbid_end=4))
        assert await writer.save_state(tmp_path / name, limit=PLENTY)
    for name in ("One", "Other"):
        assert await reader.restore_state(tmp_path / name)
    for name in ("One", "Other"):
        assert (await reply(reader, ask(tale(name), max_tokens=2))).end.prefilled_tokens == 1


async def test_what_is_there_is_not_loaded_again(writer: ChildEngine, reader: ChildEngine, tmp_path: Path) -> None:
    told = await reply(writer, ask(tale("There"), max_tokens=4, forbid_end=4))
    path = tmp_path / "kv"
    assert await writer.save_state(path, limit=PLENTY)
    # The payload is damaged; where it is not needed, nobody looks at it.
    path.write_bytes(flipped(path.read_bytes(), -1))
    assert await writer.restore_state(path) == told.end.prompt_tokens + 4
    assert await reader.restore_state(path) == 0


def flipped(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 0x10
    return bytes(changed)


def with_version(content: bytes, version: int) -> bytes:
    return content[: len(MAGIC)] + struct.pack("<I", version) + content[len(MAGIC) + 4 :]


_KEY_AT = len(MAGIC) + 8
_COUNT_AT = _KEY_AT + KEY_BYTES
_LENGTH_AT = _COUNT_AT + 8
_IDS_AT = _LENGTH_AT + 8

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "only the magic": lambda content: content[: len(MAGIC)],
    "only the head": lambda content: content[:_IDS_AT],
    "half of the ids": lambda content: content[: _IDS_AT + 6],
    "one byte short": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "one byte long": lambda content: content + b"\0",
    "another magic": lambda content: flipped(content, 0),
    "another version": lambda content: with_version(content, VERSION + 1),
    "another key": lambda content: flipped(content, _KEY_AT + 3),
    "another checksum": lambda content: flipped(content, _KEY_AT - 2),
    "more tokens": lambda content: flipped(content, _COUNT_AT),
    "millions of tokens": lambda content: flipped(content, _COUNT_AT + 3),
    "another prompt": lambda content: flipped(content, _COUNT_AT + 4),
    "a longer payload": lambda content: flipped(content, _LENGTH_AT + 1),
    "a payload without end": lambda content: flipped(content, _LENGTH_AT + 7),
    "another token": lambda content: flipped(content, _IDS_AT),
    "no such token": lambda content: flipped(content, _IDS_AT + 3),
    "a bit early": lambda content: flipped(content, _IDS_AT + 4000),
    "a bit in the middle": lambda content: flipped(content, len(content) // 2),
    "the last bit": lambda content: flipped(content, len(content) - 1),
    "something else": lambda content: os.urandom(4096),
}


async def test_a_damaged_file_is_passed_over(reader: ChildEngine, kept: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scene-1.kv"
    worker = reader.worker_pid
    for name, damage in DAMAGE.items():
        content = damage(kept)
        assert content != kept, name
        path.write_bytes(content)
        assert await reader.restore_state(path) == 0, name
    assert await reader.reusable(tale("Kept")) < FRONT
    assert reader.worker_pid == worker
    path.write_bytes(kept)
    assert await reader.restore_state(path) > 0


async def test_only_a_file_of_ours_is_read(reader: ChildEngine, kept: bytes, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(kept)
    folder, link, pipe = tmp_path / "folder", tmp_path / "link", tmp_path / "pipe"
    folder.mkdir()
    link.symlink_to(whole)
    os.mkfifo(pipe)
    for path in (folder, link, pipe, tmp_path / "nothing"):
        assert await reader.restore_state(path) == 0
    assert await reader.restore_state(whole) > FRONT


@pytest.mark.parametrize(
    "settings",
    [
        replace(SETTINGS, n_ctx=288),
        replace(SETTINGS, type_k="q8_0"),
        replace(SETTINGS, flash_attn="on"),
        replace(SETTINGS, n_spare=64),
    ],
)
async def test_another_context_passes_it_over(
    own_engine: ChildEngine, kept: bytes, tmp_path: Path, settings: EngineSettings
) -> None:
    path = tmp_path / "scene-1.kv"
    path.write_bytes(kept)
    await loaded(own_engine, smollm2_path(), settings)
    assert await own_engine.restore_state(path) == 0


async def test_another_file_of_the_same_model_passes_it_over(
    own_engine: ChildEngine, kept: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "scene-1.kv"
    path.write_bytes(kept)
    model = tmp_path / "model.gguf"
    model.symlink_to(smollm2_path())
    await loaded(own_engine, model, SETTINGS)
    assert await own_engine.restore_state(path) == 0


async def test_a_file_is_its_owners_and_there_is_never_half_of_one(writer: ChildEngine, tmp_path: Path) -> None:
    await reply(writer, ask(tale("File"), max_tokens=2))
    path = tmp_path / "kv"
    path.write_bytes(b"what was there")
    assert not await writer.save_state(path, limit=1000)
    assert path.read_bytes() == b"what was there"
    assert await writer.save_state(path, limit=PLENTY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not await writer.save_state(path, limit=path.stat().st_size - 1)
    assert await writer.save_state(path, limit=path.stat().st_size)
    assert names(tmp_path) == ["kv"]


async def test_where_nothing_can_be_written_nothing_is(writer: ChildEngine, tmp_path: Path) -> None:
    await reply(writer, ask(tale("File"), max_tokens=2))
    folder = tmp_path / "kv"
    folder.mkdir()
    for path in (tmp_path / "nowhere" / "kv", folder):
        assert not await writer.save_state(path, limit=PLENTY)
    assert names(tmp_path) == ["kv"]


async def test_there_may_be_nothing_to_keep(own_engine: ChildEngine, tmp_path: Path) -> None:
    assert not await own_engine.save_state(tmp_path / "kv", limit=PLENTY)
    assert own_engine.worker_pid is None
    with pytest.raises(EngineError, match="no model is loaded"):
        await own_engine.restore_state(tmp_path / "kv")
    await loaded(own_engine, smollm2_path(), SETTINGS)
    assert not await own_engine.save_state(tmp_path / "kv", limit=PLENTY)
    assert "kv" not in names(tmp_path)


async def test_real_work_does_not_wait_for_it(writer: ChildEngine, tmp_path: Path) -> None:
    reading = asyncio.create_task(writer.read_ahead(LONG))
    await until(lambda: writer._orders._ahead > 0)
    saving = asyncio.create_task(writer.save_state(tmp_path / "kv", limit=PLENTY))
    await asyncio.sleep(0)
    begun = time.monotonic()
    told = await reply(writer, ask(question("Hi."), max_tokens=1))
    assert (told.end.reply_tokens, time.monotonic() - begun < 5) == (1, True)
    assert await asyncio.gather(reading, saving) == [False, False]
    assert names(tmp_path) == []


async def test_cancelled_it_leaves_the_worker_idle(writer: ChildEngine, kept: bytes, tmp_path: Path) -> None:
    path = tmp_path / "kv"
    path.write_bytes(kept)
    worker = writer.worker_pid
    for work in (writer.restore_state(path), writer.save_state(path, limit=PLENTY)):
        task = asyncio.ensure_future(work)
        # A task's first step sends the order and stops at the answer: whoever looked later might find it answered.
        await asyncio.sleep(0)
        assert writer._orders._lock.locked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await reply(writer, ask(question("Hi."), max_tokens=1))).end.reply_tokens == 1
    assert writer.worker_pid == worker
    assert names(tmp_path) == ["kv"]
