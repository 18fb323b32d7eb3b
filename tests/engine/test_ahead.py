"""Reading ahead: it saves the reading, gives way to everything, and takes nothing away."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.errors import EngineError, PromptError
from rpchat.prompt.segment import text
from tests.engine.helpers import STORY, ask, loaded, question, quick, reply, until
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

N_CTX = 768
LONG = (text(STORY * 4),)


async def begin(engine: ChildEngine) -> asyncio.Task[bool]:
    """Begin to read ahead something that takes a while, and wait until the worker is at it."""
    task = asyncio.create_task(engine.read_ahead(LONG))
    await until(lambda: engine._orders._ahead > 0)
    return task


async def ready(engine: ChildEngine) -> ChildEngine:
    await loaded(engine, smollm2_path(), quick(n_ctx=N_CTX))
    return engine


async def test_what_was_read_ahead_is_not_read_again(engine: ChildEngine) -> None:
    segments = question("What is behind the door? " * 4)
    assert await engine.read_ahead(segments, continue_ids=(5, 6))
    assert await engine.read_ahead(segments)
    told = await reply(engine, ask(segments, max_tokens=2, continue_ids=(5, 6, 7)))
    assert told.end.prefilled_tokens == 1


async def test_the_next_header_is_put_behind_the_reply(engine: ChildEngine) -> None:
    segments = question("Tell me a tale.")
    told = await reply(engine, ask(segments, max_tokens=8, forbid_end=8))
    assert await engine.read_ahead(segments, continue_ids=(*told.ids, 11, 12, 13))
    onward = await reply(engine, ask(segments, max_tokens=2, continue_ids=(*told.ids, 11, 12, 13, 14, 15)))
    assert onward.end.prefilled_tokens == 2
    again = await reply(engine, ask(segments, max_tokens=8, forbid_end=8))
    assert (again.end.prefilled_tokens, again.ids) == (1, told.ids)


async def test_a_guess_takes_nothing_from_the_latest_reply(own_engine: ChildEngine) -> None:
    engine = own_engine
    await loaded(engine, smollm2_path(), replace(quick(), cache_ram=0))
    segments = question("Where does the river end?")
    told = await reply(engine, ask(segments, max_tokens=60, forbid_end=60))
    whole = await engine.read_ahead((text(STORY),), continue_ids=tuple(range(1000, 1100)))
    assert not whole
    onward = await reply(engine, ask(segments, max_tokens=2, continue_ids=told.ids))
    assert onward.end.prefilled_tokens == 1


async def test_real_work_ends_it_at_once_and_keeps_what_was_read(own_engine: ChildEngine) -> None:
    engine = await ready(own_engine)
    task = await begin(engine)
    begun = time.monotonic()
    told = await reply(engine, ask(question("Hi."), max_tokens=1))
    assert await task is False
    assert (told.end.reply_tokens, time.monotonic() - begun < 5) == (1, True)
    assert await engine.read_ahead(LONG)
    assert await engine.reusable(LONG) == len(await engine.tokenize(LONG))


async def test_another_guess_gives_way_too(own_engine: ChildEngine) -> None:
    engine = await ready(own_engine)
    task = await begin(engine)
    waiting = asyncio.create_task(engine.read_ahead(LONG))
    await asyncio.sleep(0)
    assert await engine.tokenize((text("hi"),))
    assert await asyncio.gather(task, waiting) == [False, False]


async def test_a_cancelled_task_leaves_the_worker_idle(own_engine: ChildEngine) -> None:
    engine = await ready(own_engine)
    worker = engine.worker_pid
    task = await begin(engine)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.worker_pid == worker
    assert (await reply(engine, ask(question("Hi."), max_tokens=1))).end.reply_tokens == 1


async def test_its_errors_are_those_of_a_stream(engine: ChildEngine, own_engine: ChildEngine) -> None:
    with pytest.raises(PromptError, match="the context holds"):
        await engine.read_ahead((text(STORY * 3),))
    with pytest.raises(EngineError, match="no model is loaded"):
        await own_engine.read_ahead((text("x"),))
    assert (await reply(engine, ask(question("Hi."), max_tokens=1))).end.reply_tokens == 1
