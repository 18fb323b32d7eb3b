from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rpchat.errors import StoreError
from rpchat.store.lock import HomeLock
from rpchat.store.thread import OneThread

HOLD = """
import sys
from pathlib import Path
from rpchat.store.lock import HomeLock
lock = HomeLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_one_home_has_one_writer_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "rpchat.lock"
    with holder(path) as process, HomeLock(path) as lock:
        assert not lock.acquire()
        assert not lock.acquire(wait=0.05)
        process.kill()
        assert lock.acquire(wait=10)


def test_a_released_lock_is_free(tmp_path: Path) -> None:
    with HomeLock(tmp_path / "l") as first:
        assert first.acquire()
        with HomeLock(tmp_path / "l") as second:
            assert not second.acquire()
            first.release()
            assert second.acquire()


def test_a_lock_taken_in_one_thread_is_released_in_another(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path / "l")
    taking = threading.Thread(target=lock.acquire)
    taking.start()
    taking.join()
    lock.release()
    with HomeLock(tmp_path / "l") as other:
        assert other.acquire()


def test_a_home_that_cannot_be_locked_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be locked"):
        HomeLock(tmp_path / "file" / "l").acquire()


async def test_work_is_done_in_order_on_one_other_thread() -> None:
    thread = OneThread()
    seen: list[tuple[int, int]] = []

    def note(number: int, *, twice: bool = False) -> int:
        seen.append((number, threading.get_ident()))
        return number * 2 if twice else number

    assert await asyncio.gather(*(thread.run(note, number, twice=True) for number in range(20))) == list(
        range(0, 40, 2)
    )
    assert [number for number, _ in seen] == list(range(20))
    assert {ident for _, ident in seen} != {threading.get_ident()}
    assert len({ident for _, ident in seen}) == 1
    thread.close()
    thread.close()


async def test_an_error_arrives_and_the_thread_goes_on() -> None:
    thread = OneThread()
    with pytest.raises(ZeroDivisionError):
        await thread.run(divmod, 1, 0)
    assert await thread.run(divmod, 7, 2) == (3, 1)
    thread.close()


async def test_a_cancelled_call_is_still_carried_out_before_the_next() -> None:
    thread = OneThread()
    loop, begun, gate = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    seen: list[str] = []

    def slow() -> None:
        loop.call_soon_threadsafe(begun.set)
        gate.wait(10)
        seen.append("slow")

    task = asyncio.create_task(thread.run(slow))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    await thread.run(seen.append, "next")
    assert seen == ["slow", "next"]
    thread.close()
