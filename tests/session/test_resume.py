"""What the engine has read of a scene is kept and brought back, and nothing a reader sees depends on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.scripted import ScriptedEngine
from rpchat.engine.settings import EngineSettings
from rpchat.errors import EngineError
from rpchat.session import resume
from rpchat.session.events import Status
from rpchat.session.resume import REST_SECONDS, Resume
from rpchat.store.kv_files import KvFiles
from rpchat.store.thread import OneThread

FIRST, SECOND = Status(context_used=10), Status(context_used=20)


class Engine(ScriptedEngine):
    """A scripted engine that has read something, and can be made to fail."""

    def __init__(self) -> None:
        super().__init__()
        self._read = [1, 2, 3]
        self.error: EngineError | None = None
        self.stuck = False

    async def restore_state(self, path: Path) -> int:
        await self._fail()
        return await super().restore_state(path)

    async def save_state(self, path: Path, *, limit: int) -> bool:
        await self._fail()
        return await super().save_state(path, limit=limit)

    async def _fail(self) -> None:
        if self.error is not None:
            raise self.error
        if self.stuck:
            await asyncio.Event().wait()


@dataclass(slots=True)
class Desk:
    folder: Path
    thread: OneThread = field(default_factory=OneThread)
    now: float = 0.0

    def of(self, engine: Engine, scene_id: int = 1, *, quota: int = 1000) -> Resume:
        files = KvFiles(self.folder, quota=quota)
        return Resume(engine, files, self.thread, scene_id=scene_id, clock=lambda: self.now)

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    one = Desk(tmp_path / "kv")
    yield one
    one.thread.close()


async def test_kept_once_and_brought_back_once(desk: Desk) -> None:
    engine = Engine()
    one = desk.of(engine)
    assert await one.save(FIRST)
    assert not await one.save(FIRST)
    assert await one.save(SECOND)
    assert len(engine.saved) == 2
    later = desk.of(engine)
    assert await later.restore() == 3
    assert await later.restore() == 0
    assert await desk.of(engine, 2).restore() == 0
    assert len(engine.restored) == 1


async def test_brought_back_again_when_the_model_was_loaded_again(desk: Desk) -> None:
    engine = Engine()
    one = desk.of(engine)
    await one.save(FIRST)
    assert await one.restore() == 3
    async for _ in engine.load(Path("other.gguf"), EngineSettings()):
        pass
    assert await one.restore() == 3


async def test_before_a_reply_nothing_is_kept(desk: Desk) -> None:
    assert not await desk.of(Engine()).save(Status())
    assert desk.names == []


async def test_while_the_scene_goes_on_once_in_a_while_is_enough(desk: Desk) -> None:
    one = desk.of(Engine())
    assert await one.save(FIRST, resting=True)
    desk.now = REST_SECONDS - 1
    assert not await one.save(SECOND, resting=True)
    desk.now = REST_SECONDS
    assert await one.save(SECOND, resting=True)
    assert await one.save(FIRST)


async def test_two_scenes_share_a_quota(desk: Desk) -> None:
    engine = Engine()
    for scene_id in (1, 2, 3):
        assert await desk.of(engine, scene_id, quota=30).save(FIRST)
    assert desk.names == ["scene-2.kv", "scene-3.kv"]
    assert not await desk.of(engine, 4, quota=8).save(FIRST)
    assert not await desk.of(engine, 4, quota=0).save(FIRST)


@pytest.mark.parametrize("content", [b"", b"xyz"])
async def test_a_file_of_no_use_is_removed(desk: Desk, content: bytes) -> None:
    engine = Engine()
    assert await desk.of(engine).save(FIRST)
    (desk.folder / "scene-1.kv").write_bytes(content)
    assert await desk.of(engine).restore() == 0
    assert desk.names == []


async def test_what_the_engine_dies_of_is_removed(desk: Desk) -> None:
    engine = Engine()
    await desk.of(engine).save(FIRST)
    engine.error = EngineError("the engine died")
    assert not await desk.of(engine).save(SECOND)
    assert desk.names == ["scene-1.kv"]
    assert await desk.of(engine).restore() == 0
    assert desk.names == []


async def test_nobody_waits_for_a_slow_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    await desk.of(engine).save(FIRST)
    monkeypatch.setattr(resume, "SAVE_SECONDS", 0.01)
    monkeypatch.setattr(resume, "RESTORE_SECONDS", 0.01)
    engine.stuck = True
    assert not await desk.of(engine).save(SECOND)
    assert await desk.of(engine).restore() == 0
    assert desk.names == ["scene-1.kv"]
