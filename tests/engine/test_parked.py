"""What has no room in the KV cache any more is copied out of it and back, and not read again: on real models."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Ended
from rpchat.prompt.segment import Segment, control, text
from tests.engine.helpers import STORY, ask, loaded, question, quick, reply
from tests.engine.test_parallel import versions
from tests.models import smollm2_path
from tests.small_models import write_llama, write_recurrent, write_windowed

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = replace(quick(n_ctx=256), cache_ram=64)
SAME = 6
"""So many tokens are compared: in other cells the last bits differ, and further on a near tie may fall otherwise."""
NAMES = ("Ada", "Bo", "Mio")


def tale(name: str) -> tuple[Segment, ...]:
    """Return a prompt of well over half a context, which shares no more than a few tokens with others."""
    return (control("<|im_start|>"), text(f"user\n{name}! {(name[::-1] + ' and ' + STORY * 2)[:700]}"), *question(name))


async def test_prompts_that_do_not_fit_beside_each_other_are_each_read_once(own_engine: ChildEngine) -> None:
    model = await loaded(own_engine, smollm2_path(), SETTINGS)
    assert model.n_prompts > len(NAMES)
    told = {name: await reply(own_engine, ask(tale(name), max_tokens=12, forbid_end=12)) for name in NAMES}
    assert all(2 * one.end.prompt_tokens > model.n_ctx for one in told.values())
    for name in (*NAMES, *reversed(NAMES)):
        again = await reply(own_engine, ask(tale(name), max_tokens=12, forbid_end=12))
        assert (again.end.prefilled_tokens, again.ids[:SAME]) == (1, told[name].ids[:SAME])
    for name in NAMES:
        onward = await reply(own_engine, ask(tale(name), max_tokens=2, continue_ids=told[name].ids[:SAME]))
        assert onward.end.prefilled_tokens == 1


async def test_what_is_promised_is_what_is_read(own_engine: ChildEngine) -> None:
    await loaded(own_engine, smollm2_path(), SETTINGS)
    for name in NAMES:
        await reply(own_engine, ask(tale(name), max_tokens=4, forbid_end=4))
    for name in NAMES:
        count = len(await own_engine.tokenize(tale(name)))
        assert await own_engine.reusable(tale(name)) == count
        assert await own_engine.reusable(tale(name), continue_ids=(5, 6)) == count
        assert (await reply(own_engine, ask(tale(name), max_tokens=2, continue_ids=(5, 6)))).end.prefilled_tokens == 2


async def test_reading_ahead_for_others_parks_the_latest_reply(own_engine: ChildEngine) -> None:
    await loaded(own_engine, smollm2_path(), SETTINGS)
    told = await reply(own_engine, ask(tale("Ada"), max_tokens=12, forbid_end=12))
    for name in ("Bo", "Mio"):
        assert await own_engine.read_ahead(tale(name))
    assert await own_engine.read_ahead(tale("Bo"))
    onward = await reply(own_engine, ask(tale("Ada"), max_tokens=4, continue_ids=told.ids))
    assert onward.end.prefilled_tokens == 1
    for name in ("Mio", "Bo"):
        assert (await reply(own_engine, ask(tale(name), max_tokens=2))).end.prefilled_tokens == 1


async def test_several_versions_of_what_was_parked(own_engine: ChildEngine) -> None:
    await loaded(own_engine, smollm2_path(), SETTINGS)
    for name in NAMES:
        await reply(own_engine, ask(tale(name), max_tokens=4, forbid_end=4))
    first, _ = await versions(own_engine, ask(tale("Ada"), max_tokens=2, forbid_end=2), 2)
    assert first.end.prefilled_tokens == 1
    assert (await reply(own_engine, ask(tale("Bo"), max_tokens=2))).end.prefilled_tokens == 1


async def test_versions_are_written_aside_of_what_was_parked(own_engine: ChildEngine) -> None:
    await loaded(own_engine, smollm2_path(), SETTINGS)
    told = await reply(own_engine, ask(tale("Ada"), max_tokens=12, forbid_end=12))
    for name in ("Bo", "Mio"):
        assert await own_engine.read_ahead(tale(name))
    request = ask(tale("Ada"), max_tokens=6, forbid_end=6)
    async with aclosing(own_engine.stream_many(request, 2, wanted=lambda _version: True, idle=True)) as events:
        ended = [event async for _, event in events if isinstance(event, Ended)]
    assert [one.prefilled_tokens for one in ended] == [1, 1]
    onward = await reply(own_engine, ask(tale("Ada"), max_tokens=2, continue_ids=told.ids))
    assert onward.end.prefilled_tokens == 1


@pytest.mark.parametrize("megabytes", [0, 1])
async def test_without_memory_for_it_they_are_read_again(own_engine: ChildEngine, megabytes: int) -> None:
    model = await loaded(own_engine, smollm2_path(), replace(SETTINGS, cache_ram=megabytes))
    assert model.n_prompts == 1
    for name in ("Ada", "Bo", "Ada"):
        told = await reply(own_engine, ask(tale(name), max_tokens=4, forbid_end=4))
        assert told.end.prefilled_tokens > model.n_ctx / 2


@pytest.mark.parametrize("write", [write_llama, write_windowed, write_recurrent])
async def test_every_kind_of_memory_can_be_parked(
    own_engine: ChildEngine, tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    path, settings = write(tmp_path / "small.gguf"), replace(SETTINGS, swa_full=False, n_ctx=512)
    await loaded(own_engine, path, settings)
    prompts = {
        name: (control("<s>"), text((f"{name} went on, and the rain with {name}. " * 9)[:300])) for name in NAMES
    }
    told = {name: await reply(own_engine, ask(one, max_tokens=9, forbid_end=9)) for name, one in prompts.items()}
    onward = {}
    for name, segments in prompts.items():
        request = ask(segments, max_tokens=SAME, forbid_end=SAME, continue_ids=told[name].ids)
        onward[name] = await reply(own_engine, request)
        assert onward[name].end.prefilled_tokens == 1
    for name, segments in prompts.items():
        await loaded(own_engine, path, settings)
        request = ask(segments, max_tokens=SAME, forbid_end=SAME, continue_ids=told[name].ids)
        assert (await reply(own_engine, request)).ids == onward[name].ids
