"""Models that do not remember as transformers do: what cannot be used again is read again, and nothing else differs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Piece, Reading, Request
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import control, text
from rpchat.session import Session
from rpchat.session.book import Book
from rpchat.store.scenes import SceneStore
from rpchat.store.thread import OneThread
from rpchat.story.preset import Preset, Sampling
from rpchat.story.scene import SceneSettings
from rpchat.story.turn import Turn
from tests.engine.helpers import Reply, ask, loaded, reply
from tests.session.helpers import MIRA, ROBIN, finished, told
from tests.small_models import WINDOW, write_recurrent, write_windowed

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = EngineSettings(n_ctx=1024, n_threads=1, n_batch=32, swa_full=False)
PLENTY = 1 << 40
SAME = 6
"""So many tokens are compared: read in other batches the last bits differ, and further on a near tie may fall the
other way."""


@dataclass(slots=True)
class Pair:
    """Two engines with one model: one that plays, and one that is asked everything cold."""

    playing: ChildEngine
    cold: ChildEngine
    model: Path

    async def fresh(self, request: Request) -> tuple[int, ...]:
        """Return how a reply begins where nothing was read before."""
        await loaded(self.cold, self.model, SETTINGS)
        return (await reply(self.cold, request)).ids[:SAME]


async def paired(folder: Path, machine: Path, make: Callable[[Path], Path]) -> AsyncIterator[Pair]:
    engines = [ChildEngine(log=folder / f"{name}.log", machine=machine) for name in ("playing", "cold")]
    pair = Pair(*engines, make(folder / "small.gguf"))
    await loaded(pair.playing, pair.model, SETTINGS)
    yield pair
    for engine in engines:
        await engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recurrent(tmp_path_factory: pytest.TempPathFactory, machine: Path) -> AsyncIterator[Pair]:
    async for pair in paired(tmp_path_factory.mktemp("recurrent"), machine, write_recurrent):
        yield pair


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def windowed(tmp_path_factory: pytest.TempPathFactory, machine: Path) -> AsyncIterator[Pair]:
    async for pair in paired(tmp_path_factory.mktemp("windowed"), machine, write_windowed):
        yield pair


def tale(name: str, *, max_tokens: int = 40, continue_ids: tuple[int, ...] = (), length: int = 300) -> Request:
    """Return a prompt of about `length` tokens, much longer than the window, that has little in common with others."""
    words = (f"{name} went on, and the rain went on with {name}. " * 20)[:length]
    segments = (control("<s>"), text(words))
    return ask(segments, max_tokens=max_tokens, forbid_end=max_tokens, continue_ids=continue_ids)


def wholly(answer: Reply) -> bool:
    """Return whether the whole prompt was read."""
    return answer.end.prefilled_tokens == answer.end.prompt_tokens


async def test_what_kind_it_is_is_told(recurrent: Pair, windowed: Pair) -> None:
    for pair, kind in ((recurrent, "recurrent"), (windowed, "window")):
        model = pair.playing.model
        assert model is not None
        assert (model.memory, model.can_shift) == (kind, False)


async def test_a_recurrent_model_reads_a_swipe_again(recurrent: Pair) -> None:
    first = await reply(recurrent.playing, tale("Ann"))
    again = await reply(recurrent.playing, tale("Ann"))
    assert wholly(first)
    assert wholly(again)
    assert first.ids[:SAME] == again.ids[:SAME] == await recurrent.fresh(tale("Ann"))


async def test_a_recurrent_model_goes_on_without_reading(recurrent: Pair) -> None:
    begun = await reply(recurrent.playing, tale("Bo", max_tokens=12))
    further = tale("Bo", continue_ids=(*begun.ids, 40, 41))
    onward = await reply(recurrent.playing, further)
    assert onward.end.prefilled_tokens == 3
    assert onward.ids[:SAME] == await recurrent.fresh(further)


async def test_a_recurrent_model_reads_ahead(recurrent: Pair) -> None:
    begun = await reply(recurrent.playing, tale("Cy", max_tokens=12))
    ahead = (*begun.ids, 40, 41, 42)
    assert await recurrent.playing.read_ahead(tale("Cy").segments, continue_ids=ahead)
    further = tale("Cy", continue_ids=(*ahead, 43))
    onward = await reply(recurrent.playing, further)
    assert onward.end.prefilled_tokens == 1
    assert onward.ids[:SAME] == await recurrent.fresh(further)
    # Back in front of what was read ahead: as if that had never been.
    back = await reply(recurrent.playing, tale("Cy"))
    assert back.ids[:SAME] == await recurrent.fresh(tale("Cy"))


async def test_a_recurrent_state_is_kept_and_brought_back(recurrent: Pair, tmp_path: Path) -> None:
    begun = await reply(recurrent.playing, tale("Di", max_tokens=12))
    assert await recurrent.playing.save_state(tmp_path / "kv", limit=PLENTY)
    further = tale("Di", continue_ids=(*begun.ids, 40))
    expected, swiped = await recurrent.fresh(further), await recurrent.fresh(tale("Di"))
    for request, ids, read in ((further, expected, 2), (tale("Di"), swiped, None)):
        await loaded(recurrent.cold, recurrent.model, SETTINGS)
        assert await recurrent.cold.restore_state(tmp_path / "kv") == begun.end.prompt_tokens + 11
        onward = await reply(recurrent.cold, request)
        assert onward.ids[:SAME] == ids
        assert onward.end.prefilled_tokens == (read or onward.end.prompt_tokens)


async def test_a_recurrent_model_stopped_in_mid_prompt_reads_it_right_the_next_time(recurrent: Pair) -> None:
    async with aclosing(recurrent.playing.stream(tale("Ed", length=650))) as events:
        async for event in events:
            if isinstance(event, Reading) and event.done:
                break
    whole = await reply(recurrent.playing, tale("Ed", length=650))
    assert whole.ids[:SAME] == await recurrent.fresh(tale("Ed", length=650))


async def test_a_recurrent_model_writes_versions_together(recurrent: Pair) -> None:
    request = replace(tale("Flo", max_tokens=10), sampling=Sampling(temperature=1.0), seed=5)
    ids: dict[int, list[int]] = {0: [], 1: [], 2: []}
    async with aclosing(recurrent.playing.stream_many(request, 3, wanted=lambda _: True)) as events:
        async for version, event in events:
            if isinstance(event, Piece):
                ids[version].append(event.id)
    for version, written in ids.items():
        assert tuple(written[:SAME]) == await recurrent.fresh(replace(request, seed=5 + version))


async def test_a_scene_on_a_recurrent_model(recurrent: Pair, tmp_path: Path) -> None:
    store, thread = SceneStore.open(tmp_path / "rpchat.db"), OneThread()
    scene = store.create(title="A scene", cast=(MIRA,), persona=ROBIN, settings=SceneSettings(), now=1.0)
    # Chance weights write no letters by themselves.
    letters = Sampling(temperature=1.0, grammar='root ::= [a-z]+ " " root')
    preset = Preset(name="plain", adapter="alpaca", max_tokens=16, sampling=letters)
    session = Session(Book(scene, store, thread, clock=lambda: 2.0), recurrent.playing, preset)
    try:
        await session.say("Hello.")
        first = await written(session, "reply")
        await written(session, "swipe")
        assert await written(session, "continue")
        assert await session.read_ahead()
        cautions = (await session.inspect("And now?")).cautions
        assert any("a swipe reads the prompt again" in caution for caution in cautions)
        assert first.record["prefilled_tokens"] == first.record["prompt_tokens"]
    finally:
        await thread.run(store.close)
        thread.close()


async def written(session: Session, action: str) -> Turn:
    stream = {"reply": session.reply, "swipe": session.regenerate, "continue": session.continue_}[action]
    return finished(await told(stream(seed=3))).turn


async def test_a_swipe_right_behind_a_restored_window_is_right(windowed: Pair, tmp_path: Path) -> None:
    begun = await reply(windowed.playing, tale("Gus"))
    assert begun.end.reply_tokens > WINDOW
    assert await windowed.playing.save_state(tmp_path / "kv", limit=PLENTY)
    further = tale("Gus", continue_ids=(*begun.ids, 40))
    expected, swiped = await windowed.fresh(further), await windowed.fresh(tale("Gus"))
    await loaded(windowed.cold, windowed.model, SETTINGS)
    assert await windowed.cold.restore_state(tmp_path / "kv") == begun.end.prompt_tokens + 39
    again = await reply(windowed.cold, tale("Gus"))
    # Of the layers with a window only that came back: the prompt's end is not among it any more.
    assert wholly(again)
    assert again.ids[:SAME] == swiped
    await loaded(windowed.cold, windowed.model, SETTINGS)
    await windowed.cold.restore_state(tmp_path / "kv")
    onward = await reply(windowed.cold, further)
    assert onward.end.prefilled_tokens == 2
    assert onward.ids[:SAME] == expected


async def test_a_window_is_gone_back_in_as_far_as_it_reaches(windowed: Pair) -> None:
    await reply(windowed.playing, tale("Hal", max_tokens=200, length=600))
    for length in (590, 400, 100):
        again = await reply(windowed.playing, tale("Hal", length=length))
        assert again.ids[:SAME] == await windowed.fresh(tale("Hal", length=length)), length


async def test_a_window_of_many_prompts_stays_right(windowed: Pair) -> None:
    names = ("Ida", "Joe", "Kit", "Lee", "Mo")
    for name in names:
        await reply(windowed.playing, tale(name))
    for name in names:
        assert (await reply(windowed.playing, tale(name))).ids[:SAME] == await windowed.fresh(tale(name)), name
