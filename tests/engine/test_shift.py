"""What stands behind turns that were left out is moved, not read again, where that is asked for and right."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.child import ChildEngine
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import Segment, control, text, with_gap
from tests.engine.helpers import STORY, Reply, ask, loaded, question, quick, reply
from tests.engine.test_parallel import versions
from tests.models import smollm2_path
from tests.small_models import write_llama, write_placed, write_windowed

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = quick(n_ctx=384)
SETUP = (control("<|im_start|>"), text(f"system\n{STORY}"), control("<|im_end|>"), text("\n"))
SAME = 6
"""So many tokens are compared: what is moved is rounded otherwise, and further on a near tie may fall the other way."""


def turn(number: int, content: str) -> tuple[Segment, ...]:
    """Return a question, as the turn of that number."""
    return tuple(replace(segment, turn=number if segment.kind == "t" else 0) for segment in question(content))


OLD, KEPT = turn(1, "Where were you born? " * 5), turn(2, "Tell me of the whale that sank the ship. " * 8)


@pytest_asyncio.fixture(loop_scope="session")
async def engine(tmp_path: Path, machine: Path) -> AsyncIterator[ChildEngine]:
    child = ChildEngine(log=tmp_path / "engine.log", machine=machine)
    yield child
    await child.close()


async def test_only_what_is_new_is_read(engine: ChildEngine) -> None:
    model = await loaded(engine, smollm2_path(), SETTINGS)
    assert model.can_shift
    whole = await reply(engine, ask((*SETUP, *OLD, *KEPT), max_tokens=4, forbid_end=4))
    without = with_gap((*SETUP, *KEPT))
    assert await engine.reusable(without) == whole.end.prompt_tokens - len(await engine.tokenize(OLD)) - 1
    shorter = await reply(engine, ask(without, max_tokens=4, forbid_end=4))
    assert whole.end.prefilled_tokens == whole.end.prompt_tokens
    assert shorter.end.prefilled_tokens == 1
    onward = await reply(engine, ask(without, max_tokens=4, continue_ids=shorter.ids))
    assert onward.end.prefilled_tokens == 1


async def test_versions_shift_too(engine: ChildEngine) -> None:
    await loaded(engine, smollm2_path(), SETTINGS)
    await reply(engine, ask((*SETUP, *OLD, *KEPT), max_tokens=4, forbid_end=4))
    first, _ = await versions(engine, ask(with_gap((*SETUP, *KEPT)), max_tokens=2, forbid_end=2), 2)
    assert first.end.prefilled_tokens == 1


@pytest.mark.parametrize("shift", [True, False])
async def test_scores_shift_too(engine: ChildEngine, shift: bool) -> None:
    whole, ends = (*SETUP, *OLD, *KEPT), [(*with_gap((*SETUP, *KEPT)), text(end)) for end in ("Yes", "No")]
    await loaded(engine, smollm2_path(), replace(SETTINGS, shift=shift))
    await reply(engine, ask(whole, max_tokens=4, forbid_end=4))
    await engine.score(ends)
    # What was moved does not stand where it stood; what was read beside it does not take its place.
    stands = await engine.reusable(whole)
    assert (stands < len(await engine.tokenize((*SETUP, *OLD)))) == shift


@pytest.mark.parametrize("mark", [with_gap, tuple], ids=["overflowed", "not"])
async def test_what_the_user_took_out_is_not_shifted(
    engine: ChildEngine, mark: Callable[[tuple[Segment, ...]], tuple[Segment, ...]]
) -> None:
    await loaded(engine, smollm2_path(), SETTINGS)
    taken = turn(9, "Where were you born? " * 5)
    await reply(engine, ask((*SETUP, *turn(1, "Hi."), *taken, *KEPT), max_tokens=4))
    left = await reply(engine, ask(mark((*SETUP, *turn(1, "Hi."), *KEPT)), max_tokens=4))
    assert left.end.prefilled_tokens > 60


async def test_what_stood_behind_a_note_is_moved_where_that_is_said(engine: ChildEngine) -> None:
    await loaded(engine, smollm2_path(), SETTINGS)
    note = (control("<|im_start|>"), text("system\nIt rains. Somebody is lying.", "note"), control("<|im_end|>"))
    before = (*SETUP, *turn(1, "Hi."), *note, text("\n"), *KEPT)
    told = await reply(engine, ask(before, max_tokens=4, forbid_end=4))
    without = (*SETUP, *turn(1, "Hi."), *KEPT)
    assert await engine.reusable(without) < told.end.prompt_tokens - 60
    left = await reply(engine, ask(with_gap(without, behind=2), max_tokens=4, continue_ids=told.ids))
    assert left.end.prefilled_tokens == 1


async def test_without_the_setting_nothing_is_shifted(engine: ChildEngine) -> None:
    await loaded(engine, smollm2_path(), replace(SETTINGS, shift=False))
    await reply(engine, ask((*SETUP, *OLD, *KEPT), max_tokens=4))
    shorter = await reply(engine, ask(with_gap((*SETUP, *KEPT)), max_tokens=4))
    assert shorter.end.prefilled_tokens > 60


SMALL = EngineSettings(n_ctx=1024, n_threads=1, n_batch=32)
FRONT, GONE = (control("<s>"), text("Ann. ")), text("Bo went. " * 30, turn=1)
STAYS = text("The rain came. " * 20, turn=2)


async def shifted(engine: ChildEngine) -> Reply:
    """Return the reply behind what stays."""
    await reply(engine, ask((*FRONT, GONE, STAYS), max_tokens=SAME))
    moved = await reply(engine, ask(with_gap((*FRONT, STAYS)), max_tokens=SAME, forbid_end=SAME))
    assert moved.end.prefilled_tokens == 1
    return moved


async def test_of_one_layer_no_echo_stays(engine: ChildEngine, tmp_path: Path) -> None:
    """What a first layer keeps of a token depends on that token alone: moved, it is what it would be if read there."""
    path = write_llama(tmp_path / "small.gguf", layers=1)
    assert (await loaded(engine, path, SMALL)).can_shift
    fresh = await reply(engine, ask(with_gap((*FRONT, STAYS)), max_tokens=SAME, forbid_end=SAME))
    assert fresh.end.prefilled_tokens == fresh.end.prompt_tokens
    await loaded(engine, path, SMALL)
    assert (await shifted(engine)).ids == fresh.ids


async def test_a_window_that_is_kept_whole_is_shifted(engine: ChildEngine, tmp_path: Path) -> None:
    assert (await loaded(engine, write_windowed(tmp_path / "small.gguf"), SMALL)).can_shift
    assert len((await shifted(engine)).ids) == SAME


async def test_what_llama_cpp_dies_of_is_not_asked_of_it(engine: ChildEngine, tmp_path: Path) -> None:
    llama, placed = write_llama(tmp_path / "llama.gguf"), write_placed(tmp_path / "placed.gguf")
    quantised = replace(SMALL, type_k="q8_0", type_v="q8_0", flash_attn="on")
    for path, settings in ((llama, quantised), (llama, replace(SMALL, type_k="bf16")), (placed, SMALL)):
        model = await loaded(engine, path, settings)
        assert (model.memory, model.can_shift) == ("full", False)
        await reply(engine, ask((*FRONT, GONE, STAYS), max_tokens=SAME))
        again = await reply(engine, ask(with_gap((*FRONT, STAYS)), max_tokens=SAME))
        assert again.end.prefilled_tokens > SAME
