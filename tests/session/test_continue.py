"""Going on inside the last turn: from its own tokens where they are all kept, else from its text."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rpchat.engine.port import Request
from rpchat.engine.scripted import Script
from rpchat.errors import PromptError, ReplyError
from rpchat.session import Started
from tests.session.conftest import Begin
from tests.session.helpers import CHATML, MISTRAL, SAKURA, YUTO, Play, failing, finished, gated, reached, shown, told


def read(request: Request) -> str:
    """What the model had before it, kept tokens as text."""
    return "".join(segment.text for segment in request.segments) + "".join(map(chr, request.continue_ids))


async def test_from_its_own_tokens(begin: Begin) -> None:
    scene = begin(["One day", " it rained", " hard."])
    await scene.session.say("So?")
    first = finished(await told(scene.session.reply())).turn
    events = await told(scene.session.continue_())
    begun = next(event.turn for event in events if isinstance(event, Started))
    assert begun.text == "One day i"
    assert shown(events) == "One day it rained"
    await told(scene.session.continue_())
    assert scene.last.text == "One day it rained hard."
    assert scene.session.scene.turns[first.id] == first
    _, second, third = scene.engine.requests
    assert "".join(map(chr, second.continue_ids)) == "One day"
    assert "".join(map(chr, third.continue_ids)) == "One day it rained"
    assert scene.prompts[0] == scene.prompts[1] == scene.prompts[2]
    assert scene.on_disk() == scene.session.scene


async def test_a_finished_reply_may_not_end_at_once(begin: Begin) -> None:
    scene = begin(["One.", " Two.", Script.of(" Three.", end="max_tokens")], preset=replace(CHATML, max_tokens=20))
    await told(scene.session.reply())
    await told(scene.session.continue_())
    assert [request.forbid_end for request in scene.engine.requests] == [0, 4]


async def test_from_its_text_where_another_model_wrote_it(begin: Begin) -> None:
    scene = begin(["One day", " it rained"])
    await scene.session.say("So?")
    await told(scene.session.reply())
    assert scene.engine.model is not None
    scene.engine._model = replace(scene.engine.model, n_vocab=7)
    await told(scene.session.continue_())
    request = scene.engine.requests[-1]
    assert request.continue_ids == ()
    assert read(request).endswith("assistant\nOne day")


async def test_from_its_text_behind_an_edit(begin: Begin) -> None:
    scene = begin(["One.", " and two."])
    await scene.session.say("So?")
    first = finished(await told(scene.session.reply())).turn
    edited = await scene.session.turns.edit(first.id, "Once  ")
    await told(scene.session.continue_())
    request = scene.engine.requests[-1]
    assert request.continue_ids == ()
    assert read(request).endswith("assistant\nOnce")
    assert (scene.last.continues, scene.last.text) == (edited.id, "Once and two.")
    assert scene.session.scene.turns[first.id].text == "One."


async def test_the_japanese_manner_gets_its_name_back(begin: Begin) -> None:
    scene = begin(["「はい」", "(頷く)"], cast=(SAKURA,), persona=YUTO, preset=MISTRAL)
    await scene.session.say("おはよう")
    await scene.session.turns.edit(finished(await told(scene.session.reply())).turn.id, "「はい、")
    await told(scene.session.continue_())
    assert scene.prompts[-1].endswith("[/INST] 桜「はい、")
    assert scene.last.text == "「はい、(頷く)"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script.of("One.\n\n"), id="white-space-at-the-end"),
        pytest.param(Script.of("One.\nRobin: no"), id="a-line-cut-off"),
        pytest.param(Script.of("One. Tw", end="max_tokens"), id="a-sentence-cut-off"),
    ],
)
async def test_tokens_that_say_more_than_the_text_are_not_used(begin: Begin, script: Script) -> None:
    scene = begin([script, " Two."])
    await told(scene.session.reply())
    assert scene.last.text == "One."
    await told(scene.session.continue_())
    assert scene.engine.requests[-1].continue_ids == ()
    assert scene.prompts[-1].endswith("assistant\nOne.")
    assert scene.last.text == "One. Two."


async def test_tokens_of_an_earlier_part_are_not_used(begin: Begin) -> None:
    scene = begin(["One.", " Two.\n\n", " Three."])
    await told(scene.session.reply())
    await told(scene.session.continue_())
    await told(scene.session.continue_())
    assert scene.engine.requests[-1].continue_ids == ()
    assert scene.prompts[-1].endswith("assistant\nOne. Two.")
    assert scene.last.text == "One. Two. Three."


async def test_a_crash_on_the_way_leaves_no_tokens_of_the_part_before(begin: Begin) -> None:
    script, gate = gated(" ", "T", "w", at=2)
    scene = begin(["One.", script])
    await told(scene.session.reply())
    writing = asyncio.create_task(told(scene.session.continue_()))
    await reached(gate)
    turn = scene.on_disk().line()[-1]
    assert (turn.text, turn.finish) == ("One. T", "open")
    assert "ids" not in turn.record
    gate.opened.set()
    await writing


async def test_stopped_and_gone_on_with(begin: Begin) -> None:
    script, gate = gated(*"One day", at=5)
    scene = begin([script, "ay."])
    writing = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    writing.cancel()
    await asyncio.wait([writing])
    assert (scene.last.text, scene.last.finish) == ("One d", "cancelled")
    await told(scene.session.continue_())
    assert scene.last.text == "One day."
    assert "".join(map(chr, scene.engine.requests[-1].continue_ids)) == "One d"


async def test_nothing_more_comes(begin: Begin) -> None:
    scene = begin(["One."] + [""] * 4)
    before = finished(await told(scene.session.reply())).turn
    _, error = await failing(scene.session.continue_())
    assert isinstance(error, ReplyError)
    assert scene.on_disk().line() == (before,)


async def test_behind_a_line_of_the_user_it_is_a_reply(begin: Begin) -> None:
    scene = begin(["One."])
    await scene.session.say("So?")
    await told(scene.session.continue_())
    assert scene.texts == ["So?", "One."]


async def test_kept_tokens_count_for_the_context(begin: Begin) -> None:
    preset = replace(CHATML, max_tokens=200)
    scene = begin(None, preset=preset, n_ctx=1200)
    for number in range(12):
        await scene.session.say(f"line {number} " + "so " * 12)
        await told(scene.session.reply())
    for _ in range(5):
        await told(scene.session.continue_())
    for request in scene.engine.requests:
        size = len(await scene.engine.tokenize(request.segments)) + len(request.continue_ids)
        assert size <= 1200 - request.max_tokens
    assert await _dropped(scene) > 0


async def _dropped(scene: Play) -> int:
    line = [turn.id for turn in scene.on_disk().line()]
    return line.index(scene.on_disk().settings.first_kept)


async def test_too_much_to_go_on_with_is_said(begin: Begin) -> None:
    long = "".join(f" and {number}" for number in range(40))[1:301]
    scene = begin([Script.of(long)] * 3, preset=replace(CHATML, max_tokens=300), n_ctx=800)
    await told(scene.session.reply())
    _, error = await failing(scene.session.continue_())
    assert isinstance(error, PromptError)
    assert scene.last.text == long
