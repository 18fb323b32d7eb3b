"""Cutting a turn, going on from a place in it, and writing a turn in the middle again."""

from __future__ import annotations

from dataclasses import replace

from rpchat.errors import ReplyError
from rpchat.session import Drafted
from tests.session.conftest import Begin
from tests.session.helpers import MISTRAL, SAKURA, YUTO, Play, failing, shown, told


async def spoken(begin: Begin, text: str, *more: str) -> Play:
    scene = begin([text, *more])
    await scene.session.say("So?")
    await told(scene.session.reply())
    return scene


async def test_the_last_sentence_is_cut_off_each_time(begin: Begin) -> None:
    scene = await spoken(begin, "One. Two! Three?")
    assert await scene.session.turns.trim(scene.last.id) is not None
    assert scene.last.text == "One. Two!"
    await scene.session.turns.trim(scene.last.id)
    assert scene.last.text == "One."
    assert await scene.session.turns.trim(scene.last.id) is None
    assert await scene.session.turns.undo() == "trim"
    assert scene.last.text == "One. Two!"


async def test_in_japanese(begin: Begin) -> None:
    scene = await spoken(begin, "「はい」(頷く)。それから笑った")
    await scene.session.turns.trim(scene.last.id)
    assert scene.last.text == "「はい」(頷く)。"


async def test_cut_at_a_place(begin: Begin) -> None:
    scene = await spoken(begin, "One. Two. Three.")
    await scene.session.turns.trim(scene.last.id, 5)
    assert scene.last.text == "One."
    assert await scene.session.turns.trim(scene.last.id, 0) is None


async def test_what_is_told_behind_a_cut_turn_stays(begin: Begin) -> None:
    scene = await spoken(begin, "One. Two.")
    cut = scene.last
    await scene.session.say("And?")
    await scene.session.turns.trim(cut.id)
    assert scene.texts == ["So?", "One.", "And?"]


async def test_going_on_from_a_place(begin: Begin) -> None:
    scene = await spoken(begin, "One. Two. Three.", " Four.")
    before = scene.last
    await told(scene.session.reroll(before.id, 5))
    assert scene.texts == ["So?", "One. Four."]
    assert scene.prompts[-1].endswith("assistant\nOne.")
    await scene.session.turns.undo()
    await scene.session.turns.undo()
    assert scene.last == before


async def test_going_on_from_a_place_in_the_middle_ends_the_line_there(begin: Begin) -> None:
    scene = await spoken(begin, "One. Two. Three.", " Four.")
    middle = scene.last
    await scene.session.say("And?")
    await told(scene.session.reroll(middle.id, 5))
    assert scene.texts == ["So?", "One. Four."]
    await scene.session.turns.undo()
    await scene.session.turns.undo()
    assert scene.texts == ["So?", "One. Two. Three.", "And?"]


async def test_going_on_from_the_start_is_another_version(begin: Begin) -> None:
    scene = await spoken(begin, "One.", "Two.")
    await told(scene.session.reroll(scene.last.id, 0))
    assert scene.texts == ["So?", "Two."]


async def test_a_turn_in_the_middle_is_written_again(begin: Begin) -> None:
    scene = await spoken(begin, "One.", "Two.")
    first = scene.last
    await scene.session.say("And?")
    await told(scene.session.regenerate(first.id))
    assert scene.texts == ["So?", "Two."]
    assert scene.prompts[-1] == scene.prompts[0]
    await scene.session.turns.swipe(-1)
    assert scene.texts == ["So?", "One.", "And?"]


async def test_a_line_is_drafted_for_the_user(begin: Begin) -> None:
    scene = await spoken(begin, "One.", "Robin: Then we go.\nMira: Yes.")
    before = scene.session.scene
    *events, last = await told(scene.session.draft())
    assert last == Drafted("Then we go.")
    assert shown(events) == "Then we go."
    assert scene.session.scene == before == scene.on_disk()
    assert scene.prompts[-1].endswith("<|im_start|>user\n")


async def test_it_goes_on_from_what_was_typed(begin: Begin) -> None:
    scene = begin(["「はい」", "、出かけよう」"], cast=(SAKURA,), persona=YUTO, preset=MISTRAL)
    await scene.session.say("おはよう")
    await told(scene.session.reply())
    *_, last = await told(scene.session.draft("「そろそろ"))
    assert last == Drafted("「そろそろ、出かけよう」")
    assert scene.prompts[-1].endswith("悠人「そろそろ")


async def test_no_draft_is_said(begin: Begin) -> None:
    scene = await spoken(begin, "One.", *["Mira: no"] * 4)
    _, error = await failing(scene.session.draft())
    assert isinstance(error, ReplyError)
    assert not scene.session.busy


async def test_another_wording_of_what_no_model_is_told_is_not_told_either(begin: Begin) -> None:
    scene = await spoken(begin, "One. Two.", "Three.")
    marked = replace(scene.last, record={**scene.last.record, "unheard": True, "present": []})
    await scene.session._book.update(marked)
    await scene.session.turns.edit(marked.id, "Another.")
    assert (scene.last.text, scene.last.standing) == ("Another.", {"unheard": True, "present": []})
    await told(scene.session.regenerate(scene.last.id))
    assert (scene.last.text, scene.last.standing) == ("Three.", {"unheard": True, "present": []})
