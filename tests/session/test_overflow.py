"""What a full context costs: told from the prompt as it stands, and from what was measured in the scene."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rpchat.prompt.assemble import KEPT_SHARE
from rpchat.session.overflow import LEAST_READ, overflow_cost
from rpchat.session.take import ids_of
from tests.session.helpers import CHATML, play, told

WORDS = "The lamp turns over the water, and the ferry waits. " * 6


async def test_what_is_read_again_is_what_overflows_read_again(tmp_path: Path) -> None:
    """Played until turns are left out, the estimate is about what the prompt then holds behind its front."""
    scene = play(tmp_path, [WORDS] * 30, n_ctx=4096, preset=replace(CHATML, max_tokens=400))
    cost = None
    while not scene.session.scene.settings.first_kept:
        cost = await scene.session.overflow_cost()
        await scene.session.say(WORDS)
        await told(scene.session.reply())
    assert cost is not None
    after = await scene.session.inspect()
    history = len(after.tokens) - next(at for at, one in enumerate(after.tokens) if one.origin == "history")
    assert history == pytest.approx(cost.tokens, rel=0.25)
    await scene.close()


async def test_without_turns_all_but_the_front_would_be_turns(tmp_path: Path) -> None:
    scene = play(tmp_path)
    inspection = await scene.session.inspect()
    cost = await scene.session.overflow_cost()
    assert cost.tokens == round(KEPT_SHARE * inspection.room) - len(inspection.tokens)
    assert (cost.speed, cost.seconds) == (None, None)
    await scene.close()


async def test_the_speed_is_that_of_long_prompts_this_model_read(tmp_path: Path) -> None:
    scene = play(tmp_path, ["Yes."])
    await scene.session.say("Hello?")
    await told(scene.session.reply())
    inspection, turn = await scene.session.inspect(), scene.last
    mine = {"ids_of": ids_of(scene.engine), "prefilled_tokens": 100, "prefill_ms": 2000.0}
    records = (
        mine,
        {**mine, "prefilled_tokens": 300},
        {**mine, "prefilled_tokens": LEAST_READ - 1, "prefill_ms": 1.0},
        {**mine, "ids_of": "another", "prefill_ms": 1.0},
        {**mine, "prefill_ms": "much"},
        {},
    )
    turns = [replace(turn, record=record) for record in records]
    cost = overflow_cost(inspection, turns, ids_of=ids_of(scene.engine))
    assert cost.speed == 100.0
    assert cost.seconds == cost.tokens / 100
    await scene.close()
