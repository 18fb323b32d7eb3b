"""What is read once is not read again, and a reused cache says what a fresh one says: on the real model."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.child import ChildEngine
from rpchat.prompt.segment import Segment, control, text
from tests.engine.helpers import STORY, ask, loaded, question, quick, reply
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

N_CTX = 384
SETUP = (control("<|im_start|>"), text(f"system\n{STORY}"), control("<|im_end|>"), text("\n"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wide(tmp_path_factory: pytest.TempPathFactory, machine: Path) -> AsyncIterator[ChildEngine]:
    """An engine with room for more than one branch."""
    child = ChildEngine(log=tmp_path_factory.mktemp("wide") / "engine.log", machine=machine)
    await loaded(child, smollm2_path(), replace(quick(n_ctx=N_CTX), cache_ram=0))
    yield child
    await child.close()


def scene(*lines: str) -> tuple[Segment, ...]:
    """Return a setup and what was said after it."""
    return (*SETUP, *(segment for line in lines for segment in question(line)))


async def forget(engine: ChildEngine) -> None:
    """Fill the cache with something else, so that the next prompt is read afresh."""
    ids = [2000 + index % 5000 for index in range(N_CTX - 3)]
    await reply(engine, ask((text("x"),), continue_ids=tuple(ids), max_tokens=1))
    assert await engine.reusable(SETUP) == 0


async def test_another_line_and_the_way_back_read_only_what_is_new(wide: ChildEngine) -> None:
    one, other = scene("Who feeds the gulls of this harbour, and why?"), scene("What happened to the old lighthouse?")
    first = await reply(wide, ask(one, max_tokens=20, forbid_end=20))
    setup = len(await wide.tokenize((*SETUP, *question("")[:1])))
    away = await reply(wide, ask(other, max_tokens=20, forbid_end=20))
    assert away.end.prefilled_tokens <= away.end.prompt_tokens - setup
    back = await reply(wide, ask(one, max_tokens=20, forbid_end=20, continue_ids=first.ids))
    assert back.end.prefilled_tokens == 1
    again = await reply(wide, ask(other, max_tokens=20, forbid_end=20, continue_ids=away.ids))
    assert again.end.prefilled_tokens == 1


async def test_what_is_promised_is_what_is_read(wide: ChildEngine) -> None:
    segments = scene("Is the sea calm?")
    ids = await wide.tokenize(segments)
    promised = await wide.reusable(segments)
    told = await reply(wide, ask(segments, max_tokens=3))
    assert told.end.prefilled_tokens == len(ids) - promised
    assert await wide.reusable(segments) == len(ids)
    assert await wide.reusable(segments, continue_ids=(5, 6)) == len(ids)
    assert await wide.reusable(()) == 0


async def test_random_branches_say_what_a_fresh_cache_says(wide: ChildEngine) -> None:
    rng = random.Random(5)
    words = ("Who rings the bell?", "Is the tide high today?", "Tell me of the storm that took the boats.", "And then?")
    told = {}
    for _ in range(8):
        lines = tuple(rng.choice(words) for _ in range(rng.randint(1, 3)))
        told[lines] = (await reply(wide, ask(scene(*lines), max_tokens=6))).ids
    for lines in list(told)[:2]:
        await forget(wide)
        assert (await reply(wide, ask(scene(*lines), max_tokens=6))).ids == told[lines]
