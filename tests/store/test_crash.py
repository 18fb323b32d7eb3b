"""What is left when a write fails, the disk is full, or the process dies."""

from __future__ import annotations

import gc
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from rpchat.errors import StoreError
from rpchat.store.scenes import SceneStore
from rpchat.story.scene import Scene
from tests.store.scenery import all_texts, begin, reply, say, texts


class FailingDisk(apsw.VFS):
    """The real file system, until `writes_left` writes or syncs are done; then it is full."""

    def __init__(self) -> None:
        self.writes_left: int | None = None
        self.real = apsw.vfs_names()[0]
        super().__init__("failing", self.real, makedefault=True)

    def spend(self) -> None:
        if self.writes_left is None:
            return
        if self.writes_left == 0:
            raise apsw.FullError("no room")
        self.writes_left -= 1

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return FailingFile(self, name, flags)


class FailingFile(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self.disk = disk
        super().__init__(disk.real, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self.disk.spend()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self.disk.spend()
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    yield disk
    gc.collect()
    disk.unregister()


def play(store: SceneStore, scene: Scene, done: list[Scene]) -> None:
    """Do a bit of everything; `done` holds the scene after each call that returned."""
    for number in range(2):
        scene, _ = say(store, scene, f"said {number} " + "長い" * 600)
        done.append(scene)
        scene, turn = reply(store, scene, f"reply {number}")
        done.append(scene)
        scene = store.commit(scene, scene.hiding(turn.id), action="delete", now=1.0)
        done.append(scene)
        undone = store.undo(scene)
        assert undone is not None
        scene, _ = undone
        done.append(scene)


def what_fails(disk: FailingDisk, allowed: int, store: SceneStore, done: list[Scene]) -> StoreError | None:
    disk.writes_left = allowed
    try:
        play(store, done[0], done)
    except StoreError as error:
        return error
    finally:
        disk.writes_left = None
    return None


def test_whichever_write_fails_what_was_committed_stays(tmp_path: Path, disk: FailingDisk) -> None:
    failures = 0
    for allowed in range(400):
        path = tmp_path / f"{allowed}.db"
        store = SceneStore.open(path)
        done = [begin(store)]
        failure = what_fails(disk, allowed, store, done)
        if failure is None:
            store.close()
            break
        failures += 1
        assert "disk is full" in str(failure)
        assert store.load(done[0].id) == done[-1]
        say(store, done[-1], "there is room again")
        store.close()
        store = SceneStore.open(path)
        assert store.check()
        assert texts(store.load(done[0].id)) == [*texts(done[-1]), "there is room again"]
        store.close()
    else:
        pytest.fail("the play never came to its end")
    assert failures > 20


def test_a_database_half_made_is_made_anew(tmp_path: Path, disk: FailingDisk) -> None:
    for allowed in range(200):
        path = tmp_path / f"{allowed}.db"
        disk.writes_left = allowed
        try:
            SceneStore.open(path).close()
        except StoreError:
            disk.writes_left = None
            store = SceneStore.open(path)
            begin(store)
            assert store.check()
            store.close()
        else:
            break
    assert allowed > 3


def test_kill_at_any_moment_loses_nothing_that_was_told(database: Path) -> None:
    moments = random.Random(20)
    told: dict[int, str] = {}
    for _ in range(6):
        command = [sys.executable, "-m", "tests.store.writing_scene", str(database)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
            assert process.stdout is not None
            for _ in range(moments.randrange(1, 60)):
                turn_id, text = process.stdout.readline().rstrip("\n").split(" ", 1)
                told[int(turn_id)] = text
            process.kill()
            for line in process.stdout:
                if line.endswith("\n"):
                    turn_id, text = line.rstrip("\n").split(" ", 1)
                    told[int(turn_id)] = text
        store = SceneStore.open(database)
        assert store.check()
        latest = store.latest_of(["sakura"])
        assert latest is not None
        store.settle()
        turns = store.load(latest).turns
        for turn_id, text in told.items():
            assert turns[turn_id].text.startswith(text)
        assert not [turn for turn in turns.values() if turn.finish == "open"]
        store.close()


def test_two_processes_write_one_after_the_other(database: Path) -> None:
    store = SceneStore.open(database)
    scene, _ = say(store, begin(store), "first")
    other = SceneStore.open(database)
    say(other, other.load(scene.id), "second")
    assert all_texts(store, scene.id) == {"first", "second"}
    other.close()
    store.close()
