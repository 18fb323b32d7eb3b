"""What is read once is not read again, and a reused cache says what a fresh one says: on the real model."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.child import ChildEngine
from rpchat.prompt.segment import Segment, control, text, with_gap
from tests.engine.helpers import STORY, ask, loaded, question, quick, reply
from tests.engine.test_parallel import versions
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

N_CTX = 384
SETUP = (control("<|im_start|>"), text(f"system\n{STORY}"), control("<|im_end|>"), text("\n"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wide(tmp_path_factory: pytest.TempPathFactory, machine: Path) -> AsyncIterator[ChildEngine]:
    """An engine with room for more than one branch, which reads again what could be shifted."""
    child = ChildEngine(log=tmp_path_factory.mktemp("wide") / "engine.log", machine=machine)
    await loaded(child, smollm2_path(), replace(quick(n_ctx=N_CTX), shift=False))
    yield child
    await child.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shifting(tmp_path: Path, machine: Path) -> AsyncIterator[ChildEngine]:
    """An engine that shifts, as it does by itself."""
    child = ChildEngine(log=tmp_path / "engine.log", machine=machine)
    await loaded(child, smollm2_path(), quick(n_ctx=N_CTX))
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


def turn(number: int, content: str) -> tuple[Segment, ...]:
    """Return a question, as the turn of that number."""
    return tuple(replace(segment, turn=number if segment.kind == "t" else 0) for segment in question(content))


OLD, KEPT = turn(1, "Where were you born? " * 5), turn(2, "Tell me of the whale that sank the ship. " * 8)


async def test_a_shift_reads_only_what_is_new(shifting: ChildEngine) -> None:
    assert shifting.model is not None
    assert shifting.model.can_shift
    whole = await reply(shifting, ask((*SETUP, *OLD, *KEPT), max_tokens=4, forbid_end=4))
    without = with_gap((*SETUP, *KEPT))
    assert await shifting.reusable(without) == whole.end.prompt_tokens - len(await shifting.tokenize(OLD)) - 1
    shorter = await reply(shifting, ask(without, max_tokens=4, forbid_end=4))
    assert whole.end.prefilled_tokens == whole.end.prompt_tokens
    assert shorter.end.prefilled_tokens == 1
    onward = await reply(shifting, ask(without, max_tokens=4, continue_ids=shorter.ids))
    assert onward.end.prefilled_tokens == 1


async def test_versions_and_scores_shift_too(shifting: ChildEngine) -> None:
    await reply(shifting, ask((*SETUP, *OLD, *KEPT), max_tokens=4, forbid_end=4))
    first, _ = await versions(shifting, ask(with_gap((*SETUP, *KEPT)), max_tokens=2, forbid_end=2), 2)
    assert first.end.prefilled_tokens == 1
    await reply(shifting, ask((*SETUP, *OLD, *KEPT), max_tokens=4, forbid_end=4))
    ends = [(*with_gap((*SETUP, *KEPT)), text(end)) for end in ("Yes", "No")]
    await shifting.score(ends)
    assert await shifting.reusable((*SETUP, *KEPT)) >= len(await shifting.tokenize((*SETUP, *KEPT))) - 1


@pytest.mark.parametrize("left", [with_gap((*SETUP, *turn(1, "Hi."), *KEPT)), (*SETUP, *turn(1, "Hi."), *KEPT)])
async def test_what_was_taken_out_further_on_is_not_shifted(shifting: ChildEngine, left: tuple[Segment, ...]) -> None:
    taken = turn(9, "Where were you born? " * 5)
    await reply(shifting, ask((*SETUP, *turn(1, "Hi."), *taken, *KEPT), max_tokens=4))
    assert (await reply(shifting, ask(left, max_tokens=4))).end.prefilled_tokens > 60


async def test_without_the_setting_nothing_is_shifted(wide: ChildEngine) -> None:
    await reply(wide, ask((*SETUP, *OLD, *KEPT), max_tokens=4))
    shorter = await reply(wide, ask(with_gap((*SETUP, *KEPT)), max_tokens=4))
    assert shorter.end.prefilled_tokens > 60
