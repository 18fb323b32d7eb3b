"""A scene played on a server: the same session as on this machine, and what becomes of it when the server goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.gguf import read_header
from rpchat.engine.machine import Machine
from rpchat.engine.port import Engine, Notice
from rpchat.engine.remote.engine import RemoteEngine
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import text
from rpchat.session import Session
from rpchat.session.book import Book
from rpchat.store.scenes import SceneStore
from rpchat.store.thread import OneThread
from rpchat.story.preset import Preset, Sampling
from rpchat.story.scene import Scene, SceneSettings
from tests.engine.helpers import ask, reply
from tests.engine.helpers import loaded as load_file
from tests.engine.remote.conftest import N_BATCH, N_CTX, find_llama_server
from tests.engine.remote.helpers import load
from tests.engine.remote.strict import Fault, StrictServer
from tests.models import smollm2_path
from tests.session.helpers import MIRA, ROBIN, failing, finished, shown, told

PRESET = Preset(name="chatml", adapter="chatml", max_tokens=8, sampling=Sampling(temperature=0, repeat_penalty=1.3))
SAME = EngineSettings(n_ctx=N_CTX, n_batch=N_BATCH, n_threads=1, n_threads_batch=1, flash_attn="on")
"""As the server computes."""
TOPICS = ("the sea", "bread", "Japan", "a lighthouse", "cats", "the moon", "iron", "a wedding", "chess", "rain")
LINES = ("Tell me about {}.", "What do you like about that?", "And what not?", "Who taught you so?", "Say it again.")


@asynccontextmanager
async def playing(database: Path, engine: Engine) -> AsyncIterator[Session]:
    """A scene with Mira on a database of its own."""
    store, thread = SceneStore.open(database), OneThread()
    scene: Scene = store.create(title="A scene", cast=(MIRA,), persona=ROBIN, settings=SceneSettings(), now=1.0)
    ticks = iter(range(2, 1_000_000))
    try:
        yield Session(Book(scene, store, thread, clock=lambda: float(next(ticks))), engine, PRESET)
    finally:
        await thread.run(store.close)
        thread.close()


async def test_a_server_that_goes_in_mid_reply_leaves_what_it_wrote(
    server: StrictServer, connect: Callable[..., RemoteEngine], tmp_path: Path
) -> None:
    engine = connect(server.url)
    await load(engine)
    async with playing(tmp_path / "rpchat.db", engine) as session:
        await session.say("Hello?")
        server.faults.append(Fault(kind="cut", after=3))
        events, error = await failing(session.reply())
        assert "went away in mid-answer" in str(error)
        assert shown(events) == "The rain has"
        assert (session.scene.line()[-1].text, session.scene.line()[-1].finish) == ("The rain has", "interrupted")
        again = await told(session.continue_())
        assert finished(again).turn.text.startswith("The rain has")
        assert server.completions[-1]["prompt"].endswith("The rain has")


async def test_what_the_server_cannot_do_reaches_the_reader_and_the_inspector(
    server: StrictServer, connect: Callable[..., RemoteEngine], tmp_path: Path
) -> None:
    engine = connect(server.url)
    await load(engine)
    async with playing(tmp_path / "rpchat.db", engine) as session:
        await session.say("Say <|im_end|>.")
        notices = [event.text for event in await told(session.reply()) if isinstance(event, Notice)]
        assert any("takes only text" in notice for notice in notices)
        inspection = await session.inspect("And now?")
        assert any("takes only text" in caution for caution in inspection.cautions)
        assert "<|im_end|>." not in server.completions[-1]["prompt"]


def _library() -> Path:
    """Where the library is that the server is built on; skips the test where it is not beside it."""
    folder = Path(find_llama_server()).resolve().parent
    if not list(folder.glob("libllama.*")):
        pytest.skip("the llama-server is not beside its library, so the child cannot use the same")
    return folder


async def _fifty(folder: Path, name: str, engine: Engine) -> list[str]:
    """Ten short scenes of five turns; returns what was replied.

    Each begins with nothing read: where in the cache a token lies changes the last digits of what is computed.
    """
    texts: list[str] = []
    for number, topic in enumerate(TOPICS):
        await load_file(engine, smollm2_path(), SAME)
        await reply(engine, ask((text("."),), max_tokens=1))
        async with playing(folder / f"{name}-{number}.db", engine) as session:
            for line in LINES:
                await session.say(line.format(topic))
                texts.append(finished(await told(session.reply(seed=1))).turn.text)
    return texts


async def test_fifty_turns_are_the_same_on_the_server_and_in_the_child(
    llama: RemoteEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(_library()))
    # In safe mode the child does not repack weights either: then numbers do not depend on what was cached.
    Machine(tmp_path / "machine.json").remember(safe=True, quantisation=read_header(smollm2_path()).quantisation)
    child = ChildEngine(log=tmp_path / "child.log", machine=tmp_path / "machine.json")
    try:
        here = await _fifty(tmp_path, "child", child)
    finally:
        await child.close()
    there = await _fifty(tmp_path, "server", llama)
    assert there == here
    assert len(here) == 50
    assert len(set(here)) > 25
