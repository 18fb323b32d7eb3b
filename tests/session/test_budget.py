"""The prompt stays in its budget, keeps what must stay, and changes at its end only."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rpchat.engine.port import Request
from rpchat.errors import PromptError
from rpchat.prompt.segment import joined
from rpchat.story.card import Card
from rpchat.story.preset import Preset
from rpchat.story.scene import Member
from tests.session.conftest import Begin
from tests.session.helpers import CHATML, MIRA, ROBIN, SAKURA, TOCK, YUTO, Play, failing, play, told

STABLE = ["mistral", "vicuna", "party", "chatml", "alpaca", "blockml"]
WORDS = st.text(st.sampled_from("ab あ「」():.\n*"), max_size=120).map(lambda text: f"x{text}y")
STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "say", "reply", "regenerate", "delete", "edit"]), WORDS), max_size=14
)


def flat(request: Request) -> list[str]:
    """The prompt as characters and control tokens."""
    return [part for kind, text in joined(request.segments) for part in ([text] if kind == "c" else text)]


def begins_with(longer: Sequence[str], shorter: Sequence[str]) -> bool:
    return list(longer[: len(shorter)]) == list(shorter)


async def step(scene: Play, action: str, words: str) -> None:
    line = scene.session.scene.line()
    if action == "say":
        await scene.session.say(words)
    elif action == "edit" and line:
        await scene.session.turns.edit(line[len(words) % len(line)].id, words)
    elif action == "delete" and line:
        await scene.session.turns.delete(line[len(words) % len(line)].id)
    elif action in ("reply", "regenerate") and any(turn.side == "user" for turn in line):
        await told(scene.session.reply() if action == "reply" else scene.session.regenerate())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(900, 2400), st.sampled_from(STABLE), st.booleans())
def test_any_scene_stays_in_its_budget(steps: list[tuple[str, str]], n_ctx: int, adapter: str, group: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(
            _in_budget(Path(folder), steps, n_ctx=n_ctx, adapter=adapter, cast=(MIRA, TOCK) if group else (MIRA,))
        )


async def _in_budget(
    folder: Path, steps: list[tuple[str, str]], *, n_ctx: int, adapter: str, cast: tuple[Member, ...]
) -> None:
    preset = Preset(name="any", adapter=adapter, max_tokens=300)
    scene = play(folder, cast=cast, preset=preset, n_ctx=n_ctx)
    try:
        for action, words in [("say", "x first y"), *steps, ("reply", "")]:
            asked = len(scene.engine.requests)
            users = [turn.text for turn in scene.session.scene.line() if turn.side == "user"]
            try:
                await step(scene, action, words)
            except PromptError:
                # Sheets and last turns alone are too long: nothing was asked, nothing is lost.
                assert len(scene.engine.requests) == asked
                continue
            for request in scene.engine.requests[asked:]:
                assert len(await scene.engine.tokenize(request.segments)) <= n_ctx - request.max_tokens
                prompt = "".join(flat(request))
                assert all(member.card.description in prompt for member in cast)
                assert ROBIN.description in prompt
                assert users[-1].replace("[INST]", "(INST)") in prompt
    finally:
        await scene.close()


@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
@pytest.mark.parametrize("adapter", STABLE)
async def test_the_front_stays_and_blocks_are_dropped(begin: Begin, adapter: str, group: bool) -> None:
    cast = (SAKURA, Member("hana", Card(name="花", language="ja"))) if group else (SAKURA,)
    scene = begin(None, cast=cast, persona=YUTO, preset=Preset(name="any", adapter=adapter, max_tokens=100), n_ctx=1600)
    dropped_at = []
    for number in range(26):
        await scene.session.say(f"{number}番目の話です。" + "昨日も雨が降りました。" * 3)
        before = scene.session.scene.settings.first_kept
        await told(scene.session.reply())
        if scene.session.scene.settings.first_kept != before:
            dropped_at.append(number)
            continue
        if number:
            earlier, later = (flat(request) for request in scene.engine.requests[-2:])
            assert begins_with(later, without_cue(earlier, scene.engine.requests[-2])), adapter
    assert len(dropped_at) > 1, "the scene never outgrew the context"
    assert all(later - earlier >= 4 for earlier, later in pairwise(dropped_at))
    assert scene.on_disk().settings.first_kept == scene.session.scene.settings.first_kept


def without_cue(prompt: list[str], request: Request) -> list[str]:
    """The prompt without the name or opening it ends with: what is written behind it need not repeat it."""
    cue = sum(len(segment.text) for segment in request.segments if segment.origin == "cue")
    return prompt[: len(prompt) - cue]


async def test_what_was_dropped_stays_dropped(begin: Begin) -> None:
    scene = begin(None, preset=replace(CHATML, max_tokens=100), n_ctx=900)
    for number in range(8):
        await scene.session.say(f"line {number} " + "so " * 20)
        await told(scene.session.reply())
    kept = scene.session.scene.settings.first_kept
    assert kept
    await told(scene.session.regenerate())
    assert scene.session.scene.settings.first_kept == kept
    assert scene.prompts[-1] == scene.prompts[-2]
    assert "line 0" not in scene.prompts[-1]


async def test_deleting_the_last_line_of_the_user_keeps_the_one_before(begin: Begin) -> None:
    scene = begin(None, preset=replace(CHATML, max_tokens=100), n_ctx=950)
    await scene.session.say("the first line")
    for _ in range(9):
        await told(scene.session.reply())
    last = await scene.session.say("the last line " + "so " * 60)
    await told(scene.session.reply())
    kept = scene.session.scene.settings.first_kept
    assert scene.session.scene.turns[kept].side == "member"
    await scene.session.turns.delete(last.id)
    await told(scene.session.regenerate())
    assert "the first line" not in scene.prompts[-2]
    assert "the first line" in scene.prompts[-1]


async def test_a_sheet_that_is_too_long_is_said(begin: Begin) -> None:
    long = Member("long", Card(name="Long", description="word " * 300))
    scene = begin([], cast=(long,), n_ctx=1000)
    said = await scene.session.say("So?")
    _, error = await failing(scene.session.reply())
    assert isinstance(error, PromptError)
    assert "more than fit" in error.message
    assert scene.on_disk().line() == (said,)
    assert not scene.session.busy


async def test_a_reply_is_given_half_of_the_context_at_most(begin: Begin) -> None:
    scene = begin(None, preset=replace(CHATML, max_tokens=4000), n_ctx=1000)
    await told(scene.session.reply())
    await told(scene.session.regenerate(max_tokens=30))
    assert [request.max_tokens for request in scene.engine.requests] == [500, 30]
