"""How long a reply is, and what happens when it does not find its end."""

from __future__ import annotations

from dataclasses import replace

from rpchat.engine.scripted import Script
from rpchat.session import Finished, Retrying, Thinking
from rpchat.story.preset import Reasoning
from tests.session.conftest import Begin
from tests.session.helpers import CHATML, finished, shown, told

LOOP = "She waits. " + "The lamp goes out and on again. " * 12


async def test_a_loop_is_kept_once_and_another_version_written(begin: Begin) -> None:
    scene = begin([Script.of(LOOP), "She leaves."])
    events = await told(scene.session.reply())
    assert [event.cause for event in events if isinstance(event, Retrying)] == ["it went round in circles"]
    first, second = (event.turn for event in events if isinstance(event, Finished))
    assert (first.finish, first.text) == ("loop", "She waits. The lamp goes out and on again.")
    assert scene.texts == ["She leaves."]
    assert scene.session.scene.swipes(second.id) == (first, second)
    plain, harder = (request.sampling for request in scene.engine.requests)
    assert (plain.dry_multiplier, plain.repeat_penalty) == (0.0, 1.0)
    assert (harder.dry_multiplier, harder.repeat_penalty) == (0.8, 1.1)


async def test_a_second_loop_is_left_at_that(begin: Begin) -> None:
    scene = begin([Script.of(LOOP)] * 2)
    await told(scene.session.reply())
    assert len(scene.engine.requests) == 2
    assert len(scene.session.scene.swipes(scene.last.id)) == 2


async def test_a_reply_that_is_too_short_goes_on(begin: Begin) -> None:
    scene = begin(["One.", " Two.", " Three."], preset=replace(CHATML, min_tokens=8, max_tokens=50))
    events = await told(scene.session.reply())
    assert scene.texts == ["One. Two."]
    assert shown(events) == "One. Two."
    first, second = scene.engine.requests
    assert second.continue_ids == tuple(map(ord, "One."))
    assert (first.forbid_end, second.forbid_end) == (0, 4)
    assert (first.max_tokens, second.max_tokens) == (50, 46)
    assert scene.last.record["ids"] == list(map(ord, "One. Two."))


async def test_a_cut_reply_is_not_too_short(begin: Begin) -> None:
    scene = begin(["One.\nRobin: no", "Two."], preset=replace(CHATML, min_tokens=40))
    await told(scene.session.reply())
    assert scene.texts == ["One."]


async def test_thoughts_are_told_of_and_put_away(begin: Begin) -> None:
    scene = begin(["<think>Robin: wants tea.</think>Tea?", "Two."], preset=replace(CHATML, reasoning=Reasoning()))
    events = await told(scene.session.reply())
    assert any(isinstance(event, Thinking) and event.characters for event in events)
    assert shown(events) == finished(events).turn.text == "Tea?"
    assert scene.last.record["folded"] == [{"kind": "reasoning", "text": "Robin: wants tea.", "at": 0}]
    await scene.session.say("Yes.")
    await told(scene.session.reply())
    assert "wants tea" not in scene.prompts[-1]


async def test_only_thoughts_are_no_reply(begin: Begin) -> None:
    preset = replace(CHATML, reasoning=Reasoning())
    scene = begin([Script.of("<think>Hmm. So much", end="max_tokens"), "Tea?"], preset=preset)
    await told(scene.session.reply())
    assert scene.last.record["causes"] == ["reasoning"]
    assert scene.texts == ["Tea?"]
