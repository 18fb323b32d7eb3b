"""While nobody waits, what the next prompt begins with is read, and what will not fit is dropped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rpchat.engine.scripted import Script
from rpchat.prompt.segment import Segment, joined, up_to_gap
from rpchat.story.preset import Preset
from tests.session.conftest import Begin
from tests.session.helpers import CHATML, MIRA, MISTRAL, SAKURA, TOCK, YUTO, told

ADAPTERS = ("mistral", "vicuna", "party", "chatml", "alpaca", "blockml")


def spelt(segments: tuple[Segment, ...]) -> str:
    return "".join(content for _, content in joined(segments))


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("said", ["「そう」", "(nods)", "Yes."])
async def test_the_next_prompt_begins_with_what_was_read_ahead(begin: Begin, adapter: str, said: str) -> None:
    scene = begin(None, preset=Preset(name=adapter, adapter=adapter), cast=(MIRA, TOCK))
    await scene.session.say("So?")
    await told(scene.session.reply())
    assert await scene.session.read_ahead()
    await scene.session.say(said)
    await told(scene.session.reply())
    (ahead,) = scene.engine.ahead
    prompt = scene.engine.requests[-1].segments
    assert spelt(prompt).startswith(spelt(ahead))
    assert len(spelt(prompt)) - len(spelt(ahead)) < len(said) + 60
    assert said not in spelt(ahead)


async def test_a_note_stands_where_it_will_stand(begin: Begin) -> None:
    scene = begin(None)
    await scene.session.tuning.set_note("It rains.", every=2)
    for line in ("One?", "Two?"):
        await scene.session.say(line)
        await told(scene.session.reply())
    await scene.session.read_ahead()
    await scene.session.say("Three?")
    await told(scene.session.reply())
    ahead = spelt(scene.engine.ahead[-1])
    assert "It rains." in ahead
    assert spelt(scene.engine.requests[-1].segments).startswith(ahead)


async def test_what_stands_behind_a_changed_note_is_moved_for_who_does_not_wait(begin: Begin) -> None:
    scene = begin(None)
    await scene.session.tuning.set_note("It rains.")
    for line in ("One?", "Two?"):
        await scene.session.say(line)
        await told(scene.session.reply())
    await scene.session.tuning.set_note("Somebody is lying.")
    await scene.session.read_ahead()
    await scene.session.say("Three?")
    last = scene.session.scene.line()[-2]
    for line in ("Four?", "Five?"):
        await told(scene.session.reply())
        await scene.session.say(line)
    first, second = scene.engine.requests[-2:]
    front = spelt(tuple(up_to_gap(first.segments)))
    assert (last.text in front, "Three?" in front, "It rains." in front) == (True, False, False)
    assert not up_to_gap(second.segments)
    # In a pause it is read anew, so that nothing of the note stays.
    assert not up_to_gap(scene.engine.ahead[-1])


async def test_turns_are_dropped_before_they_are_in_the_way(begin: Begin) -> None:
    scene = begin(None, preset=replace(CHATML, max_tokens=100), n_ctx=1200)
    dropped_while_waiting = 0
    for number in range(30):
        await scene.session.say(f"line {number}")
        before = scene.session.scene.settings.first_kept
        await told(scene.session.reply())
        assert scene.session.scene.settings.first_kept == before
        await scene.session.read_ahead()
        dropped_while_waiting += scene.session.scene.settings.first_kept != before
    assert dropped_while_waiting
    assert scene.on_disk().settings == scene.session.scene.settings


@pytest.mark.parametrize("adapter", [*ADAPTERS, "template"])
async def test_a_prompt_says_where_old_turns_were_left_out(begin: Begin, adapter: str) -> None:
    preset = Preset(name=adapter, adapter=adapter, max_tokens=100)
    scene = begin(None, preset=preset, cast=(MIRA, TOCK), n_ctx=2200, chat_template="{{ messages }}")
    number = 0
    while not scene.session.scene.settings.first_kept:
        await scene.session.say(f"line <{(number := number + 1)}>")
        await told(scene.session.reply())
        assert number == 1 or not up_to_gap(scene.engine.requests[-2].segments)
    line = scene.session.scene.line()
    first = next(at for at, turn in enumerate(line) if turn.id == scene.session.scene.settings.first_kept)
    segments = scene.engine.requests[-1].segments
    front = spelt(tuple(up_to_gap(segments)))
    assert spelt(segments).startswith(front)
    assert line[first].text in front
    assert not any(turn.text in front for turn in line[first + 1 :] if turn.side == "user")
    await scene.session.read_ahead()
    assert up_to_gap(scene.engine.ahead[-1]) == up_to_gap(segments)


async def test_with_sheets_of_their_own_every_member_is_read_for(begin: Begin) -> None:
    scene = begin(None, cast=(MIRA, TOCK, SAKURA), n_prompts=3)
    await scene.session.cast.set_sheets("own")
    await scene.session.say("Who is there?")
    await told(scene.session.reply())
    assert await scene.session.read_ahead()
    aheads = {member: spelt(one) for member, one in zip(("tock", "sakura", "mira"), scene.engine.ahead, strict=True)}
    assert "Made of brass." in aheads["tock"]
    await scene.session.say("Well?")
    for member, ahead in aheads.items():
        await told(scene.session.reply(member=member))
        assert scene.prompts[-1].startswith(ahead)
        await scene.session.turns.undo()


async def test_no_more_prompts_are_read_than_the_engine_holds(begin: Begin) -> None:
    scene = begin(None, cast=(MIRA, TOCK, SAKURA), n_prompts=2)
    await scene.session.cast.set_sheets("own")
    await scene.session.read_ahead()
    assert len(scene.engine.ahead) == 2


async def test_joined_sheets_are_read_once(begin: Begin) -> None:
    scene = begin(None, cast=(MIRA, TOCK, SAKURA), n_prompts=3)
    await scene.session.read_ahead()
    assert len(scene.engine.ahead) == 1


async def test_nobodys_prompt_tells_more_than_the_longest_leaves_room_for(begin: Begin) -> None:
    wordy = replace(TOCK, card=replace(TOCK.card, description="Made of brass. " * 30))
    scene = begin(
        None, cast=(MIRA, wordy, SAKURA), preset=replace(CHATML, max_tokens=100), n_ctx=1600, n_prompts=3
    )  # fmt: skip
    await scene.session.cast.set_sheets("own")
    for number in range(30):
        await scene.session.say(f"line {number}")
        await told(scene.session.reply())
        scene.engine.ahead.clear()
        assert await scene.session.read_ahead()
        first_kept = scene.session.scene.settings.first_kept
        first = scene.session.scene.turns[first_kept].text if first_kept else "line 0"
        assert all(first in spelt(one) for one in scene.engine.ahead)
        assert await scene.session.read_ahead()
        assert scene.session.scene.settings.first_kept == first_kept
    assert first_kept


async def test_nothing_is_read_without_a_model_or_a_prompt(begin: Begin) -> None:
    scene = begin(
        [],
        preset=replace(CHATML, max_tokens=100),
        n_ctx=300,
        cast=(replace(MIRA, card=replace(MIRA.card, description="x" * 900)),),
    )
    assert not await scene.session.read_ahead()
    assert scene.engine.ahead == []


async def test_in_japanese_a_line_may_open_in_any_way(begin: Begin) -> None:
    scene = begin(["「はい」", Script.of("「ええ」")], cast=(SAKURA,), persona=YUTO, preset=MISTRAL)
    await scene.session.say("おはよう")
    await told(scene.session.reply())
    await scene.session.read_ahead()
    assert spelt(scene.engine.ahead[0]).endswith("桜「はい」 </s>[INST] ")
