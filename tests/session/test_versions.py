"""Versions of a turn: nothing is overwritten, everything can be taken back."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rpchat.errors import RpchatError
from rpchat.story.scene import Scene
from tests.session.conftest import Begin
from tests.session.helpers import MIRA, Play, finished, play, told


async def test_regenerating_adds_a_version(begin: Begin) -> None:
    scene = begin(["One.", "Two.", "Three."])
    await scene.session.say("So?")
    first = finished(await told(scene.session.reply())).turn
    second = finished(await told(scene.session.regenerate())).turn
    third = finished(await told(scene.session.regenerate())).turn
    assert scene.on_disk().swipes(third.id) == (first, second, third)
    assert scene.texts == ["So?", "Three."]
    assert len(set(scene.prompts)) == 1


async def test_regenerating_behind_a_line_of_the_user_replies(begin: Begin) -> None:
    scene = begin(["One."])
    await scene.session.say("So?")
    await told(scene.session.regenerate())
    assert scene.texts == ["So?", "One."]


async def test_swiping_both_ways(begin: Begin) -> None:
    scene = begin(["One.", "Two.", "Three."])
    await told(scene.session.reply())
    await told(scene.session.regenerate())
    await told(scene.session.regenerate())
    assert await scene.session.turns.swipe(1) is None
    told_texts = []
    for step in (-1, -1, -1, 1):
        turn = await scene.session.turns.swipe(step)
        told_texts.append(None if turn is None else turn.text)
        assert scene.on_disk() == scene.session.scene
    assert told_texts == ["Two.", "One.", None, "Two."]
    assert scene.texts == ["Two."]


async def test_swiping_an_empty_scene(begin: Begin) -> None:
    assert await begin([]).session.turns.swipe(1) is None


async def test_a_version_leads_back_to_what_was_told_behind_it(begin: Begin) -> None:
    scene = begin(["One.", "Two.", "Three."])
    await told(scene.session.reply())
    await scene.session.say("behind one")
    await told(scene.session.reply())
    first = scene.session.scene.line()[0]
    await scene.session.turns.delete(scene.last.id)
    await scene.session.turns.delete(scene.last.id)
    await told(scene.session.regenerate())
    assert scene.texts == ["Three."]
    await scene.session.turns.swipe(-1)
    assert scene.session.scene.line() == (first,)


async def test_an_edit_in_mid_scene_keeps_what_is_told_behind_it(begin: Begin) -> None:
    scene = begin(["One.", "Two.", "Three."])
    said = await scene.session.say("So?")
    await told(scene.session.reply())
    await scene.session.say("And?")
    await told(scene.session.reply())
    edited = await scene.session.turns.edit(said.id, "So then?")
    told_now = ["So then?", "One.", "And?", "Two."]
    assert scene.texts == told_now
    assert edited.edited
    await scene.session.turns.swipe(-1, edited.id)
    assert scene.texts == ["So?", *told_now[1:]]
    await scene.session.turns.swipe(1, said.id)
    assert scene.texts == told_now
    await scene.session.say("Then?")
    await told(scene.session.reply())
    assert scene.texts == [*told_now, "Then?", "Three."]
    assert "So then?" in scene.prompts[-1]
    assert "So?" not in scene.prompts[-1]
    assert scene.on_disk() == scene.session.scene


async def test_an_edit_cannot_be_empty(begin: Begin) -> None:
    scene = begin([])
    said = await scene.session.say("So?")
    with pytest.raises(RpchatError, match="cannot be empty"):
        await scene.session.turns.edit(said.id, " \n")
    assert scene.on_disk().turns == {said.id: said}


async def test_deleting_hides_and_undoing_brings_back(begin: Begin) -> None:
    scene = begin(["One.", "Two."])
    await scene.session.say("So?")
    await told(scene.session.reply())
    await told(scene.session.regenerate())
    await scene.session.turns.delete(scene.last.id)
    assert scene.texts == ["So?", "One."]
    assert await scene.session.turns.undo() == "delete"
    assert scene.texts == ["So?", "Two."]
    assert await scene.session.turns.redo() == "delete"
    assert scene.texts == ["So?", "One."]
    assert await scene.session.turns.redo() is None


async def test_the_next_reply_stands_behind_a_deleted_turn(begin: Begin) -> None:
    scene = begin(["One.", "Two."])
    await scene.session.say("So?")
    await told(scene.session.reply())
    await scene.session.turns.delete(scene.last.id)
    await told(scene.session.reply())
    assert scene.texts == ["So?", "Two."]
    assert scene.prompts[0] == scene.prompts[1]


async def test_greetings_are_versions_of_the_first_turn(begin: Begin) -> None:
    scene = begin(["Aye."])
    await scene.session.greet(MIRA, ["Good evening.", "You again."])
    assert scene.texts == ["Good evening."]
    await scene.session.turns.swipe(1)
    await scene.session.say("Me again.")
    await told(scene.session.reply())
    assert scene.texts == ["You again.", "Me again.", "Aye."]
    assert "Good evening." not in scene.prompts[0]


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["say", "reply", "regenerate", "swipe back", "swipe on", "edit", "delete"]), st.integers(0, 9)
    ),
    max_size=9,
)


async def act(scene: Play, action: str, number: int) -> None:
    line = scene.session.scene.line()
    turn = line[number % len(line)] if line else None
    if action == "say":
        await scene.session.say(f"line {number}")
    elif action in ("reply", "regenerate"):
        await told(scene.session.reply() if action == "reply" else scene.session.regenerate())
    elif turn is not None and action == "edit":
        await scene.session.turns.edit(turn.id, f"edited {number}")
    elif turn is not None and action == "delete":
        await scene.session.turns.delete(turn.id)
    elif turn is not None:
        await scene.session.turns.swipe(-1 if action == "swipe back" else 1, turn.id)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTIONS)
def test_every_action_can_be_taken_back_and_done_again(actions: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_there_and_back(Path(folder), actions))


async def _there_and_back(folder: Path, actions: list[tuple[str, int]]) -> None:
    scene = play(folder)
    try:
        stages = [scene.session.scene]
        for action, number in actions:
            before = set(scene.session.scene.turns)
            await act(scene, action, number)
            assert before <= set(scene.on_disk().turns)
            if lines(scene.session.scene) != lines(stages[-1]) or scene.session.scene.hidden != stages[-1].hidden:
                stages.append(scene.session.scene)
        await _walk(scene, stages)
    finally:
        await scene.close()


async def _walk(scene: Play, stages: list[Scene]) -> None:
    for stage in reversed(stages[:-1]):
        assert await scene.session.turns.undo() is not None
        assert lines(scene.session.scene) == lines(stage)
    for stage in stages[1:]:
        assert await scene.session.turns.redo() is not None
        assert lines(scene.session.scene) == lines(stage)
    assert scene.on_disk() == scene.session.scene


def lines(scene: Scene) -> list[int]:
    return [turn.id for turn in scene.line()]
