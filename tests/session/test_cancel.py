"""A reply that is stopped, or whose engine dies: what was written is kept, and the next one can be asked for."""

from __future__ import annotations

import asyncio

import pytest

from rpchat.engine.scripted import Script
from rpchat.errors import EngineError, PromptError, RpchatError
from rpchat.session import Delta, Finished, SessionEvent, Started
from tests.session.conftest import Begin
from tests.session.helpers import MISTRAL, SAKURA, YUTO, Play, failing, finished, gated, reached, shown, told

TEXT = "Aye. The fog is\nthick.\nRob is away"


async def stopped_behind(scene: Play, count: int) -> list[SessionEvent]:
    """Close a reply behind its event number `count`; return what was seen."""
    events = scene.session.reply()
    seen = [await anext(events) for _ in range(count)]
    await events.aclose()
    return seen


@pytest.mark.parametrize("count", range(1, 32))
async def test_closed_at_any_event(begin: Begin, count: int) -> None:
    scene = begin([TEXT, "Next."])
    await scene.session.say("So?")
    seen = await stopped_behind(scene, count)
    assert not scene.session.busy
    if shown(seen):
        assert scene.last.finish == "cancelled"
        assert shown(seen).rstrip() in scene.last.text
        assert TEXT.startswith(scene.last.text)
    else:
        assert scene.texts == ["So?"]
    assert scene.on_disk() == scene.session.scene
    assert finished(await told(scene.session.reply())).turn.text == "Next."


async def test_what_was_held_back_is_kept_when_it_is_stopped(begin: Begin) -> None:
    script, gate = gated(*"Aye.\nRob", "in", at=8)
    scene = begin([script])
    writing = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    assert scene.last.text == "A"
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert (scene.last.text, scene.last.finish) == ("Aye.\nRob", "cancelled")
    assert scene.engine.cancelled == 1


@pytest.mark.parametrize("steps", range(0, 90, 2))
async def test_a_task_cancelled_at_any_moment(begin: Begin, steps: int) -> None:
    scene = begin(["", TEXT, "Next."])
    said = await scene.session.say("So?")
    writing = asyncio.create_task(told(scene.session.reply()))
    for _ in range(steps):
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])
    assert scene.on_disk() == scene.session.scene
    written = [turn for turn in scene.on_disk().turns.values() if turn != said]
    if not writing.cancelled():
        assert finished(writing.result()).turn.text == TEXT
    # Cancelled while the finished reply was being stored, it is stored whole.
    assert all(turn.finish == "cancelled" or (turn.finish == "eos" and turn.text == TEXT) for turn in written)
    assert len(written) <= 1
    assert all(turn.text and TEXT.startswith(turn.text) for turn in written)
    assert not scene.session.busy


async def test_stopped_in_its_second_try(begin: Begin) -> None:
    script, gate = gated(*"Aye.", at=3)
    scene = begin(["", script])
    writing = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    writing.cancel()
    await asyncio.wait([writing])
    assert (scene.last.text, scene.last.finish, scene.last.record["attempts"]) == ("Aye", "cancelled", 2)
    assert scene.on_disk() == scene.session.scene


async def test_stopped_inside_a_character(begin: Begin) -> None:
    script, gate = gated("「は", "い".encode()[:2], "い".encode()[2:], at=2)
    scene = begin([script, "い」"], cast=(SAKURA,), persona=YUTO, preset=MISTRAL)
    writing = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    writing.cancel()
    await asyncio.wait([writing])
    assert scene.last.text == "「は"
    assert finished(await told(scene.session.continue_())).turn.text == "「はい」"
    # Half of a character's bytes went with the first part: its tokens would go on behind them.
    assert scene.engine.requests[-1].continue_ids == ()


async def test_the_engine_dies_while_it_writes(begin: Begin) -> None:
    dying = Script(pieces=tuple("Aye. The"), error=EngineError("the engine died: out of memory"), fail_after=6)
    scene = begin([dying, "Next."])
    await scene.session.say("So?")
    seen, error = await failing(scene.session.reply())
    assert isinstance(error, EngineError)
    assert shown(seen) == "Aye. T"
    assert (scene.last.text, scene.last.finish) == ("Aye. T", "interrupted")
    assert scene.on_disk() == scene.session.scene
    assert not scene.session.busy
    assert finished(await told(scene.session.reply())).turn.text == "Next."


@pytest.mark.parametrize("error", [EngineError("the engine died: killed"), PromptError("it does not fit")])
async def test_the_engine_dies_before_it_writes(begin: Begin, error: RpchatError) -> None:
    scene = begin([Script(error=error), "Next."])
    said = await scene.session.say("So?")
    seen, raised = await failing(scene.session.reply())
    assert raised is error
    assert not any(isinstance(event, Started | Delta | Finished) for event in seen)
    assert scene.on_disk().turns == {said.id: said}
    assert finished(await told(scene.session.reply())).turn.text == "Next."


async def test_a_version_that_dies_is_kept_beside_the_one_before(begin: Begin) -> None:
    dying = Script(pieces=("No",), error=EngineError("the engine died: killed"), fail_after=1)
    scene = begin(["Aye.", dying])
    first = finished(await told(scene.session.reply())).turn
    await failing(scene.session.regenerate())
    assert [turn.text for turn in scene.session.scene.swipes(first.id)] == ["Aye.", "No"]
    assert scene.texts == ["No"]


async def test_one_reply_is_written_at_a_time(begin: Begin) -> None:
    script, gate = gated(*"Aye.", at=2)
    scene = begin([script, "Next."])
    writing = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    _, error = await failing(scene.session.reply())
    assert error.message == "a reply is being written"
    assert scene.session.busy
    gate.opened.set()
    assert finished(await writing).turn.text == "Aye."
    assert len(scene.engine.requests) == 1


async def test_what_is_done_meanwhile_is_not_lost(begin: Begin) -> None:
    script, gate = gated(*"Aye.", at=2)
    scene = begin([script])
    said = await scene.session.say("So?")
    writing = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    edited = await scene.session.turns.edit(said.id, "So then?")
    gate.opened.set()
    await writing
    assert scene.texts == ["So then?", "Aye."]
    assert edited.id in scene.on_disk().turns
    assert scene.on_disk() == scene.session.scene


@pytest.mark.parametrize("steps", range(8))
async def test_what_is_cancelled_while_it_is_stored_is_stored(begin: Begin, steps: int) -> None:
    scene = begin([])
    saying = asyncio.create_task(scene.session.say("So?"))
    for _ in range(steps):
        await asyncio.sleep(0)
    saying.cancel()
    await asyncio.wait([saying])
    assert scene.on_disk() == scene.session.scene
    assert scene.texts == (["So?"] if steps else [])


async def test_two_things_done_at_once_are_done_in_order(begin: Begin) -> None:
    scene = begin([])
    first = await scene.session.say("One.")
    second = await scene.session.say("Two.")
    await asyncio.gather(
        scene.session.turns.edit(first.id, "One!"), scene.session.turns.delete(second.id), scene.session.say("Three.")
    )
    assert scene.on_disk() == scene.session.scene
    assert scene.texts == ["One!", "Three."]
