"""Several versions at once, and versions made ready: on a real database, by the scripted engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from rpchat.engine.scripted import Gate, Script
from rpchat.errors import EngineError, ReplyError
from rpchat.session import Delta, Finished, Retrying, SessionEvent, Started
from tests.session.conftest import Begin
from tests.session.helpers import CHATML, Play, told

Told = list[tuple[int, SessionEvent]]


async def all_of(events: AsyncGenerator[tuple[int, SessionEvent], None]) -> Told:
    async with aclosing(events):
        return [event async for event in events]


def shown(events: Told, version: int) -> str:
    """What a reader has seen of a version while it was written."""
    text = ""
    for index, event in events:
        if index == version and isinstance(event, Started | Delta):
            text += event.turn.text if isinstance(event, Started) else event.text
    return text


def versions(scene: Play) -> list[str]:
    return [turn.text for turn in scene.on_disk().swipes(scene.last.id)]


async def test_each_streams_into_a_version_of_its_own_and_the_first_is_told(begin: Begin) -> None:
    scene = begin(["Yes.", "No, never.", "Perhaps."])
    await scene.session.say("Shall we?")
    events = await all_of(scene.session.many.swipes(3, seed=7))
    assert [shown(events, version) for version in range(3)] == ["Yes.", "No, never.", "Perhaps."]
    assert [index for index, event in events if isinstance(event, Finished)] == [0, 2, 1]
    assert scene.texts == ["Shall we?", "Yes."]
    assert versions(scene) == ["Yes.", "No, never.", "Perhaps."]
    assert [turn.finish for turn in scene.on_disk().swipes(scene.last.id)] == ["eos"] * 3
    assert [request.seed for request in scene.engine.requests] == [7, 8, 9]
    assert not scene.session.busy


async def test_undo_takes_it_back_in_one_and_the_reader_comes_to_the_others(begin: Begin) -> None:
    scene = begin(["Old.", "New.", "Newer."])
    await scene.session.say("So?")
    await told(scene.session.reply())
    await all_of(scene.session.many.swipes(2))
    assert scene.texts == ["So?", "New."]
    assert (await scene.session.turns.swipe(1)) is not None
    assert scene.texts == ["So?", "Newer."]
    assert await scene.session.turns.undo() == "swipe"
    assert await scene.session.turns.undo() == "regenerate"
    assert scene.texts == ["So?", "Old."]
    assert scene.on_disk().line() == scene.session.scene.line()


async def test_who_has_text_first_is_told(begin: Begin) -> None:
    scene = begin(["「」「」 Late.", "Early."])
    await scene.session.say("Hm?")
    await all_of(scene.session.many.swipes(2))
    assert scene.texts == ["Hm?", "Early."]
    assert len(versions(scene)) == 2


async def test_a_stop_ends_one_version_and_the_others_go_on(begin: Begin) -> None:
    scene = begin(["Well.\nRobin: I run away from here.", "A long answer that goes on and on."])
    await scene.session.say("Go on.")
    events = await all_of(scene.session.many.swipes(2))
    assert versions(scene) == ["Well.", "A long answer that goes on and on."]
    finished = {index: event for index, event in events if isinstance(event, Finished)}
    assert finished[0].turn.finish == "user_turn"
    assert finished[0].notice


async def test_an_empty_version_is_tried_again_alone(begin: Begin) -> None:
    scene = begin(["", "Here I am.", "At last."])
    await scene.session.say("Anyone?")
    events = await all_of(scene.session.many.swipes(2, seed=1))
    assert [(index, event.attempt) for index, event in events if isinstance(event, Retrying)] == [(0, 2)]
    assert sorted(versions(scene)) == ["At last.", "Here I am."]
    assert scene.texts[-1] == "Here I am."
    late = next(turn for turn in scene.session.scene.turns.values() if turn.text == "At last.")
    assert (late.record["attempts"], late.record["causes"]) == (2, ["eos"])
    assert len({request.seed for request in scene.engine.requests}) == 3


async def test_only_where_all_are_empty_it_is_an_error(begin: Begin) -> None:
    scene = begin([""] * 10, preset=replace(CHATML, tries=2))
    await scene.session.say("Anyone?")
    with pytest.raises(ReplyError):
        await all_of(scene.session.many.swipes(2))
    assert (scene.texts, len(scene.engine.requests)) == (["Anyone?"], 4)


async def test_what_ended_too_early_goes_on_alone(begin: Begin) -> None:
    scene = begin(["Yes.", "No, not this time.", " Of course."], preset=replace(CHATML, min_tokens=10))
    await scene.session.say("May I?")
    await all_of(scene.session.many.swipes(2))
    assert versions(scene) == ["Yes. Of course.", "No, not this time."]
    assert scene.engine.requests[-1].continue_ids == tuple(map(ord, "Yes."))


async def test_stopped_every_version_keeps_what_was_written(begin: Begin) -> None:
    gate = Gate(6)
    scene = begin([Script(pieces=tuple("One two three"), gate=gate), "Four five six"])
    await scene.session.say("Count.")
    task = asyncio.create_task(all_of(scene.session.many.swipes(2)))
    await asyncio.wait_for(gate.reached.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(versions(scene)) == ["Four f", "One tw"]
    assert {turn.finish for turn in scene.on_disk().swipes(scene.last.id)} == {"cancelled"}
    assert not scene.session.busy


async def test_when_the_engine_dies_they_are_interrupted(begin: Begin) -> None:
    dead = Script(pieces=tuple("One two"), error=EngineError("it died"), fail_after=5)
    scene = begin([dead, "Three four"])
    await scene.session.say("Count.")
    with pytest.raises(EngineError):
        await all_of(scene.session.many.swipes(2))
    assert sorted(versions(scene)) == ["One t", "Three"]
    assert {turn.finish for turn in scene.on_disk().swipes(scene.last.id)} == {"interrupted"}


async def test_versions_of_a_continuation_go_on_from_the_same_turn(begin: Begin) -> None:
    scene = begin(["The door", " opens.", " creaks.", " falls."])
    await scene.session.say("And?")
    await told(scene.session.reply())
    await told(scene.session.continue_())
    await all_of(scene.session.many.swipes(2))
    assert versions(scene) == ["The door opens.", "The door creaks.", "The door falls."]
    assert scene.texts[-1] == "The door creaks."


async def test_ready_swipes_are_there_and_not_told(begin: Begin) -> None:
    scene = begin(["Yes.", "No.", "", "Ha."])
    await scene.session.say("Well?")
    await told(scene.session.reply())
    assert not await scene.session.many.make_ready(2)
    assert (scene.texts, versions(scene)) == (["Well?", "Yes."], ["Yes.", "No."])
    assert scene.on_disk().swipes(scene.last.id)[1].finish == "eos"
    assert await scene.session.many.make_ready(2)
    assert await scene.session.many.make_ready(2)
    assert versions(scene) == ["Yes.", "No.", "Ha."]
    assert await scene.session.turns.swipe(1) is not None
    assert scene.texts[-1] == "No."
    assert await scene.session.turns.undo() == "swipe"
    assert await scene.session.turns.undo() == "reply"
    assert scene.texts == ["Well?"]
    assert await scene.session.many.make_ready(2)


async def test_what_is_not_finished_of_them_is_dropped(begin: Begin) -> None:
    gate = Gate(4)
    scene = begin(["Yes.", "No.", Script(pieces=tuple("Perhaps not."), gate=gate), "Good."])
    await scene.session.say("Well?")
    await told(scene.session.reply())
    task = asyncio.create_task(scene.session.many.make_ready(2))
    await asyncio.wait_for(gate.reached.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert versions(scene) == ["Yes.", "No."]
    await scene.session.say("Fine.")
    await told(scene.session.reply())
    assert scene.texts == ["Well?", "Yes.", "Fine.", "Good."]
