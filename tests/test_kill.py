"""`kill -9` at any moment: nothing committed is lost, what was written is there again, and no process stays.

RPCHAT_KILLS says how often `rpchat say` is killed (6 times unless told), always on one home.
"""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import psutil
import pytest

from rpchat.cli.build import Options, running
from rpchat.store.scenes import SceneStore
from rpchat.story.scene import Scene
from tests.cli.helpers import COMMAND, Terminal, until
from tests.screens import Terminal as Screen

KILLS = int(os.environ.get("RPCHAT_KILLS", "6"))
SCREEN_KILLS = max(3, KILLS // 10)
LOSS = 1.5
"""Seconds of a reply that may be lost: the promised second, and the time a line takes to the screen and back."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What a process had printed when it was killed, and what of it had been printed more than LOSS before."""

    printed: str
    settled: str


def kill(process: Popen[bytes], *, after: float, of_reply: bool) -> Killed:
    """Kill the process's whole group `after` seconds from now, or from the first text of its reply."""
    assert process.stdout is not None
    chunks: list[tuple[float, bytes]] = []
    deadline = time.monotonic() + (60 if of_reply else after)
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            break
        if of_reply and not chunks:
            deadline = time.monotonic() + after
        chunks.append((time.monotonic(), data))
    end = time.monotonic()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=90)
    printed = b"".join(data for _, data in chunks)
    settled = b"".join(data for at, data in chunks if at < end - LOSS)
    return Killed(printed.decode(errors="ignore"), settled.decode(errors="ignore"))


def checked(home: Path) -> dict[int, Scene]:
    """Return every scene of a home whose database is whole."""
    store = SceneStore.open(home / "rpchat.db")
    try:
        assert store.check()
        return {summary.id: store.load(summary.id) for summary in store.recent(limit=1000)}
    finally:
        store.close()


async def reopened(home: Path, scene_id: int) -> Scene:
    """Open a scene as the program does."""
    async with running(Options(home=home)) as program:
        assert not program.read_only
        return (await program.open(scene_id)).scene


async def survived(home: Path, before: Mapping[int, Scene], *, line: str, killed: Killed) -> dict[int, Scene]:
    """Check a home behind a kill; return its scenes."""
    scenes = checked(home)
    assert {number: scenes[number] for number in before} == before
    for number in scenes.keys() - before.keys():
        scene = await reopened(home, number)
        said = [turn.text for turn in scene.turns.values() if turn.side == "user"]
        replies = [turn for turn in scene.turns.values() if turn.finish]
        assert said in ([], [line])
        if killed.printed:
            assert said == [line]
            (reply,) = replies
            assert reply.text.strip()
            assert scene.line()[-1] == reply
            assert reply.text.startswith(killed.settled.strip())
        assert all(turn.finish != "open" for turn in scene.turns.values())
        scenes[number] = checked(home)[number]
        assert scenes[number].turns == scene.turns
    return scenes


async def test_say_killed_at_any_moment(playing: Terminal) -> None:
    chance = random.Random(os.environ.get("RPCHAT_SEED", "rpchat"))
    scenes: dict[int, Scene] = {}
    interrupted = 0
    for number in range(KILLS):
        line, of_reply = f"Tell me story {number}.", number % 3 != 0
        process = playing.start("say", line, "--card", "ann", "--new", "--max-tokens", "300", "--seed", str(number))
        killed = kill(process, after=chance.uniform(0, 1.5 if of_reply else 2.5), of_reply=of_reply)
        until(lambda: not playing.left())
        known = scenes
        scenes = await survived(playing.home, scenes, line=line, killed=killed)
        fresh = [scenes[one] for one in scenes.keys() - known.keys()]
        interrupted += any(turn.finish == "interrupted" for scene in fresh for turn in scene.turns.values())
        assert not killed.printed or len(fresh) == 1
    assert interrupted
    result = playing.run("say", "Are you there?", "--card", "ann", "--max-tokens", "2")
    assert result.code == 0, result.err


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


async def test_the_worker_ends_when_only_its_parent_is_killed(playing: Terminal) -> None:
    process = playing.start("say", "Tell me a story.", "--card", "ann", "--max-tokens", "300")
    assert process.stdout is not None
    assert process.stdout.read(1)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    process.kill()
    process.communicate(timeout=90)
    until(lambda: not playing.left() and not any(map(is_alive, workers)))
    scene = await reopened(playing.home, 1)
    assert scene.line()[-1].finish == "interrupted"


@pytest.mark.parametrize("number", range(SCREEN_KILLS))
async def test_the_screen_killed_while_a_reply_streams(playing: Terminal, number: int) -> None:
    chance = random.Random(number)
    screen = Screen([*COMMAND, "--card", "ann"], folder=playing.folder, environment=playing.environment)
    try:
        screen.until(lambda: "Hello." in screen.text and "Enter send" in screen.text)
        screen.type("Tell me a story.\r")
        screen.until(lambda: _reply_of(screen))
        deadline = time.monotonic() + chance.uniform(0, 1)
        while time.monotonic() < deadline:
            screen.read(0.02)
        seen = _reply_of(screen)
        os.killpg(screen.pid, signal.SIGKILL)
        assert screen.wait() == -signal.SIGKILL
    finally:
        screen.close()
    until(lambda: not playing.left())
    assert len(checked(playing.home)) == 1
    scene = await reopened(playing.home, 1)
    assert [turn.text for turn in scene.line()[:2]] == ["Hello.", "Tell me a story."]
    assert scene.line()[-1].finish in ("interrupted", "eos", "length")
    first_seen, first_kept = seen.split()[0], scene.line()[-1].text.split()[0]
    assert first_seen.startswith(first_kept) or first_kept.startswith(first_seen)

    screen = Screen([*COMMAND, "--card", "ann"], folder=playing.folder, environment=playing.environment)
    try:
        screen.until(lambda: first_kept in _reply_of(screen))
        screen.until(lambda: "Enter send" in screen.text)
        screen.type("\x11")
        assert screen.wait() == 0
    finally:
        screen.close()


def _reply_of(screen: Screen) -> str:
    """What stands on the screen below what the user said, up to the composer."""
    _, _, below = screen.text.partition("Tell me a story.")
    reply, _, _ = below.partition("────")
    _, _, words = reply.partition("Ann")
    return words.strip()
