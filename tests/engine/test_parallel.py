"""Several versions written together: on the real model, against the ones it writes alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Ended, Engine, Piece, Reading, Request, seed_of
from rpchat.engine.settings import EngineSettings
from rpchat.engine.worker.cache import Cache
from rpchat.errors import PromptError
from rpchat.prompt.segment import text
from tests.engine.helpers import GREEDY, STORY, WARM, Reply, ask, loaded, question, quick, reply, until
from tests.engine.reference import Cell, ReferenceMemory, contents
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

N_CTX = 256
TALE = question("Tell me of the storm that took the boats. " + STORY[:200])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wide(tmp_path_factory: pytest.TempPathFactory, machine: Path) -> AsyncIterator[ChildEngine]:
    """An engine with room for four short versions."""
    child = ChildEngine(log=tmp_path_factory.mktemp("many") / "engine.log", machine=machine)
    await loaded(child, smollm2_path(), quick(n_ctx=N_CTX))
    yield child
    await child.close()


async def versions(
    engine: Engine, request: Request, count: int, *, wanted: Callable[[int], bool] = lambda _version: True
) -> list[Reply]:
    """Return everything the versions say."""
    told = [Reply() for _ in range(count)]
    async with aclosing(engine.stream_many(request, count, wanted=wanted)) as events:
        async for version, event in events:
            match event:
                case Reading():
                    told[version].readings.append(event)
                case Piece():
                    told[version].pieces.append(event)
                case Ended():
                    told[version].ended = event
    return told


async def test_the_prompt_is_read_once_and_every_version_ends(wide: ChildEngine) -> None:
    told = await versions(wide, ask(TALE, sampling=WARM, max_tokens=12, forbid_end=12), 4)
    total = len(await wide.tokenize(TALE))
    assert told[0].readings[-1] == Reading(total, total)
    assert [len(one.readings) > 0 for one in told] == [True, False, False, False]
    assert [one.end.prefilled_tokens for one in told] == [total, 1, 1, 1]
    assert [(one.end.reason, one.end.reply_tokens, len(one.pieces)) for one in told] == [("max_tokens", 12, 12)] * 4
    assert len({one.ids for one in told}) == 4


async def test_each_begins_as_it_would_alone(wide: ChildEngine) -> None:
    request = ask(TALE, sampling=WARM, max_tokens=6, forbid_end=6, seed=41)
    told = await versions(wide, request, 3)
    for version, one in enumerate(told):
        alone = await reply(wide, ask(TALE, sampling=WARM, max_tokens=6, forbid_end=6, seed=seed_of(41, version)))
        assert one.ids[:3] == alone.ids[:3]


async def test_greedy_versions_are_one_and_the_same(wide: ChildEngine) -> None:
    told = await versions(wide, ask(TALE, sampling=GREEDY, max_tokens=24), 4)
    assert len({one.ids for one in told}) == 1


async def test_the_first_stays_in_the_cache_and_the_others_do_not(wide: ChildEngine) -> None:
    told = await versions(wide, ask(TALE, sampling=WARM, max_tokens=16, forbid_end=16), 3)
    prompt = await wide.tokenize(TALE)
    assert await wide.reusable(TALE, continue_ids=(*told[1].ids, 9, 9)) <= len(prompt) + 2
    onward = await reply(wide, ask(TALE, max_tokens=2, continue_ids=told[0].ids))
    assert onward.end.prefilled_tokens == 1


async def test_versions_wait_for_room(wide: ChildEngine) -> None:
    long = (text("A long tale. " * 45),)
    total = len(await wide.tokenize(long))
    length = (N_CTX - total) // 2 - 1
    assert 8 < length < 40
    begun: list[int] = []
    ended: list[int] = []
    late: set[int] = set()
    request = ask(long, sampling=WARM, max_tokens=length, forbid_end=length)
    async with aclosing(wide.stream_many(request, 4, wanted=lambda _version: True)) as events:
        async for version, event in events:
            if isinstance(event, Piece) and version not in begun:
                begun.append(version)
                late |= {version} if ended else set()
            elif isinstance(event, Ended):
                ended.append(version)
                assert (event.reason, event.reply_tokens) == ("max_tokens", length)
    assert (begun, sorted(ended), late) == ([0, 1, 2, 3], [0, 1, 2, 3], {2, 3})


async def test_in_a_full_context_they_are_written_one_by_one(wide: ChildEngine) -> None:
    full = (text("A long tale. " * 58),)
    total = len(await wide.tokenize(full))
    told = await versions(wide, ask(full, sampling=WARM, max_tokens=400, forbid_end=400), 3)
    assert [(one.end.reason, one.end.reply_tokens) for one in told] == [("context", N_CTX - total + 1)] * 3


async def test_one_can_leave_and_the_others_go_on(wide: ChildEngine) -> None:
    seen = [0, 0, 0]

    def wanted(version: int) -> bool:
        seen[version] += 1
        return version != 0 or seen[0] < 4

    told = await versions(wide, ask(TALE, sampling=WARM, max_tokens=24, forbid_end=24), 3, wanted=wanted)
    assert (len(told[0].pieces), told[0].ended) == (4, None)
    assert [one.end.reply_tokens for one in told[1:]] == [24, 24]
    onward = await reply(wide, ask(TALE, max_tokens=2, continue_ids=told[0].ids))
    assert onward.end.prefilled_tokens <= 2


async def test_when_all_have_left_it_is_over(wide: ChildEngine) -> None:
    told = await versions(wide, ask(TALE, sampling=WARM, max_tokens=300, forbid_end=300), 2, wanted=lambda _one: False)
    assert [(len(one.pieces), one.ended) for one in told] == [(1, None)] * 2
    assert (await reply(wide, ask(TALE, max_tokens=1))).end.reply_tokens == 1


async def test_closing_cancels_all(wide: ChildEngine) -> None:
    ids: list[int] = []
    events = wide.stream_many(ask(TALE, max_tokens=40, forbid_end=40), 4, wanted=lambda _version: True)
    async with aclosing(events):
        async for version, event in events:
            if isinstance(event, Piece) and version == 0:
                ids.append(event.id)
            if len(ids) == 5:
                break
        begun = time.monotonic()
    assert time.monotonic() - begun < 0.5
    onward = await reply(wide, ask(TALE, max_tokens=2, continue_ids=tuple(ids)))
    assert onward.end.prefilled_tokens <= 2
    assert len((await versions(wide, ask(TALE, max_tokens=3, forbid_end=3), 4))[3].ids) == 3


async def test_in_idle_time_it_gives_way(wide: ChildEngine) -> None:
    told: list[int] = []

    async def idling() -> None:
        request = ask(TALE, max_tokens=50, forbid_end=50)
        async with aclosing(wide.stream_many(request, 3, wanted=lambda _version: True, idle=True)) as events:
            async for version, event in events:
                told.append(version)
                assert not isinstance(event, Ended)

    task = asyncio.create_task(idling())
    await until(lambda: len(told) > 6)
    begun = time.monotonic()
    assert (await reply(wide, ask(question("Hi."), max_tokens=1))).end.reply_tokens == 1
    await task
    assert time.monotonic() - begun < 5


async def test_what_is_written_aside_leaves_the_latest_reply_and_what_was_read_behind_it(wide: ChildEngine) -> None:
    told = await reply(wide, ask(TALE, sampling=WARM, max_tokens=16, forbid_end=16))
    assert await wide.read_ahead(TALE, continue_ids=(*told.ids, 11, 12, 13))
    request = ask(TALE, sampling=WARM, max_tokens=12, forbid_end=12, seed=5)
    async with aclosing(wide.stream_many(request, 3, wanted=lambda _version: True, idle=True)) as events:
        ended = [event async for _, event in events if isinstance(event, Ended)]
    assert [(one.prefilled_tokens, one.reply_tokens) for one in ended] == [(1, 12)] * 3
    onward = await reply(wide, ask(TALE, max_tokens=2, continue_ids=(*told.ids, 11, 12, 13, 14)))
    assert onward.end.prefilled_tokens == 1


async def test_where_there_is_no_room_nothing_is_written_aside(wide: ChildEngine) -> None:
    full = (text("A long tale. " * 50),)
    await reply(wide, ask(full, max_tokens=10, forbid_end=10))
    request = ask(full, max_tokens=60, forbid_end=60)
    async with aclosing(wide.stream_many(request, 2, wanted=lambda _version: True, idle=True)) as events:
        assert [event async for event in events] == []
    assert (await reply(wide, ask(full, max_tokens=10))).end.prefilled_tokens == 1


async def test_its_errors_are_those_of_a_stream(wide: ChildEngine) -> None:
    with pytest.raises(PromptError, match="the context holds"):
        await versions(wide, ask((text(STORY * 6),)), 2)
    assert (await reply(wide, ask(TALE, max_tokens=1))).end.reply_tokens == 1


async def test_more_versions_than_sequences(own_engine: ChildEngine) -> None:
    await loaded(own_engine, smollm2_path(), EngineSettings(n_ctx=256, n_threads=1, n_batch=32))
    told = await versions(own_engine, ask(question("Hi."), sampling=WARM, max_tokens=3, forbid_end=3), 11)
    assert [one.end.reply_tokens for one in told] == [3] * 11


async def test_forks_keep_what_they_hold_whatever_kind_of_memory() -> None:
    for kind in ("full", "recurrent"):
        memory = ReferenceMemory(64, kind=kind)  # type: ignore[arg-type]
        cache = Cache(memory, sequences=3, cells=64)
        prompt = list(range(20))

        def read(ids: list[int], cache: Cache = cache, memory: ReferenceMemory = memory) -> None:
            start = memory.length(cache.active)
            memory.seen[cache.active] += [Cell(token, start + at) for at, token in enumerate(ids)]
            cache.grown(ids)

        read(prompt[cache.prepare(prompt) : -1])
        cache.hold()
        first = cache.active
        assert cache.fork_room(prompt) == 64 - 19 - 1
        assert cache.fork(prompt) == 19
        cache.hold()
        second = cache.active
        for sequence in (first, second):
            cache.active = sequence
            read([19, 50 + sequence])
        kept = cache.fork(prompt)
        assert kept == (19 if kind == "full" else 0)
        read(prompt[kept:-1])
        cache.hold()
        assert not cache.can_fork
        assert [one[:20] for one in contents(cache)] == [tuple(prompt)[: len(one)] for one in contents(cache)]
        cache.release(second, keep=False)
        cache.rejoin()
        assert (cache.active, cache.ids[20:]) == (first, [50 + first])
        assert cache.free == 64 - memory.taken
