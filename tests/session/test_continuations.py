"""A continuation is a version of its own: it can be swiped, undone and written again without the rest."""

from __future__ import annotations

import asyncio

from rpchat.session import Started
from tests.session.conftest import Begin
from tests.session.helpers import Play, gated, reached, told


async def gone_on(begin: Begin) -> Play:
    """Return a scene with two versions, `One.` and `Two.`, and two continuations of the second."""
    scene = begin(["One.", "Two.", " And so on.", " Or not.", " Again."])
    await told(scene.session.reply())
    await told(scene.session.regenerate())
    await told(scene.session.continue_())
    await told(scene.session.continue_again())
    return scene


async def test_it_is_swiped_alone(begin: Begin) -> None:
    scene = await gone_on(begin)
    assert scene.texts == ["Two. Or not."]
    seen = []
    while await scene.session.turns.swipe(-1) is not None:
        seen.append(scene.last.text)
    assert seen == ["Two. And so on.", "Two.", "One."]
    assert len(scene.session.scene.turns) == 4


async def test_coming_back_to_a_version_tells_it_as_far_as_it_went(begin: Begin) -> None:
    scene = await gone_on(begin)
    for _ in range(3):
        await scene.session.turns.swipe(-1)
    await scene.session.turns.swipe(1)
    assert scene.texts == ["Two. Or not."]
    assert await scene.session.turns.swipe(1) is None


async def test_undo_takes_only_the_continuation(begin: Begin) -> None:
    scene = await gone_on(begin)
    assert await scene.session.turns.undo() == "continue"
    assert await scene.session.turns.undo() == "continue"
    assert scene.texts == ["Two."]
    assert await scene.session.turns.redo() == "continue"
    assert scene.texts == ["Two. And so on."]
    assert scene.on_disk() == scene.session.scene


async def test_written_again_it_answers_the_same_tokens(begin: Begin) -> None:
    scene = await gone_on(begin)
    _, _, once, again = scene.engine.requests
    assert once.continue_ids == again.continue_ids == tuple(map(ord, "Two."))
    assert once.segments == again.segments


async def test_a_continuation_goes_on(begin: Begin) -> None:
    scene = await gone_on(begin)
    await told(scene.session.continue_())
    assert scene.texts == ["Two. Or not. Again."]
    assert await scene.session.turns.swipe(-1) is not None
    assert scene.texts == ["Two. Or not."]


async def test_the_whole_turn_can_be_written_again(begin: Begin) -> None:
    scene = await gone_on(begin)
    await told(scene.session.regenerate())
    assert (scene.last.text, scene.last.continues) == (" Again.".lstrip(), 0)
    assert [turn.text for turn in scene.session.scene.swipes(scene.last.id)] == ["One.", "Two.", "Again."]


async def test_deleting_it_leaves_what_it_went_on_from(begin: Begin) -> None:
    scene = await gone_on(begin)
    await scene.session.turns.delete(scene.last.id)
    assert scene.texts == ["Two. And so on."]
    await scene.session.turns.delete(scene.last.id)
    assert scene.texts == ["Two."]


async def test_stopped_on_the_way_it_is_kept_beside_the_version_before(begin: Begin) -> None:
    script, gate = gated(*" Three", at=4)
    scene = begin(["One.", script])
    await told(scene.session.reply())
    first = scene.last
    writing = asyncio.create_task(told(scene.session.continue_()))
    await reached(gate)
    assert scene.on_disk().line()[-1].finish == "open"
    assert scene.on_disk().turns[first.id] == first
    writing.cancel()
    await asyncio.wait([writing])
    assert (scene.last.text, scene.last.finish, scene.last.continues) == ("One. Thr", "cancelled", first.id)


async def test_what_grows_begins_with_what_is_there(begin: Begin) -> None:
    scene = begin(["One.", " Two."])
    await told(scene.session.reply())
    begun = [event.turn.text for event in await told(scene.session.continue_()) if isinstance(event, Started)]
    assert begun == ["One. T"]
