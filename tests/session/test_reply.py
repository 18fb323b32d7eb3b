"""A line is said, a reply is written: what is on disk when, and what an empty reply leads to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rpchat.engine.scripted import Script
from rpchat.errors import ReplyError, RpchatError
from rpchat.session import Delta, Retrying, Started
from tests.session.conftest import Begin
from tests.session.helpers import (
    CHATML,
    MIRA,
    MISTRAL,
    SAKURA,
    TOCK,
    YUTO,
    failing,
    finished,
    gated,
    reached,
    shown,
    told,
)


async def test_what_is_said_is_on_disk_before_the_model_writes(begin: Begin) -> None:
    script, gate = gated("Yes", ".", at=0)
    scene = begin([script])
    said = await scene.session.say("\nIs it  late?\x1b[31m \n")
    assert scene.on_disk().line() == (said,)
    assert said.text == "Is it  late?[31m"
    writing = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    assert scene.on_disk().line() == (said,)
    gate.opened.set()
    assert finished(await writing).turn.text == "Yes."


@pytest.mark.parametrize("line", ["", " \n\t", "\x00\x1b"])
async def test_nothing_said_is_refused(begin: Begin, line: str) -> None:
    scene = begin([])
    with pytest.raises(RpchatError, match="nothing to say"):
        await scene.session.say(line)
    assert scene.on_disk().turns == {}


async def test_a_reply_is_stored_with_its_first_visible_text(begin: Begin) -> None:
    script, gate = gated(" ", "「", "は", "い", "」", at=2)
    later, later_gate = gated(" ", "「", "は", "い", "」", at=3)
    scene = begin([script, later], cast=(SAKURA,), persona=YUTO, preset=MISTRAL)
    await scene.session.say("おはよう")
    first = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    assert [turn.side for turn in scene.on_disk().turns.values()] == ["user"]
    gate.opened.set()
    assert finished(await first).turn.text == "「はい」"
    second = asyncio.create_task(told(scene.session.regenerate()))
    await reached(later_gate)
    assert (scene.on_disk().line()[-1].text, scene.on_disk().line()[-1].finish) == ("「は", "open")
    later_gate.opened.set()
    events = await second
    assert finished(events).turn == scene.on_disk().line()[-1]
    assert shown(events) == "「はい」"


async def test_the_figures_are_kept_with_the_turn(begin: Begin) -> None:
    scene = begin(["Aye."])
    await scene.session.say("Ready?")
    turn = finished(await told(scene.session.reply(seed=7))).turn
    assert (turn.speaker, turn.member, turn.finish) == ("Mira", "mira", "eos")
    assert turn.record["attempts"] == 1
    read = len(await scene.engine.tokenize(scene.engine.requests[0].segments))
    assert turn.record["prompt_tokens"] == turn.record["prefilled_tokens"] == read
    assert turn.record["reply_tokens"] == 4
    assert scene.engine.requests[0].seed == 7
    assert scene.session.status.context_used == read + 4


EMPTY = [
    pytest.param("", "the model ended at once", id="ended-at-once"),
    pytest.param(" \n\u3000\n", "the model ended at once", id="white-space"),
    pytest.param("「」", "the model ended at once", id="empty-quotes"),
    pytest.param(" (  )\n", "the model ended at once", id="empty-brackets"),
    pytest.param("Mira:", "the model ended at once", id="own-name"),
    pytest.param("**Mira:** ", "the model ended at once", id="own-name-bold"),
    pytest.param("Robin: I nod.", "it spoke only for you", id="only-the-user"),
    pytest.param("Mira: \nRobin: I nod.", "it spoke only for you", id="own-name-then-the-user"),
    pytest.param("(OOC: shall we stop?)", "it only stepped out of the story", id="out-of-the-story"),
    pytest.param("\x1b\x07\u202e", "the model ended at once", id="nothing-printable"),
]


@pytest.mark.parametrize(("text", "cause"), EMPTY)
async def test_an_empty_reply_is_tried_again_and_never_stored(begin: Begin, text: str, cause: str) -> None:
    scene = begin([text] * 4)
    said = await scene.session.say("Well?")
    events, error = await failing(scene.session.reply(seed=40))
    assert isinstance(error, ReplyError)
    assert error.message == f"4 tries, and no reply from Mira: {cause}"
    assert [event for event in events if isinstance(event, Started | Delta)] == []
    assert [event for event in events if isinstance(event, Retrying)] == [
        Retrying(2, 4, cause, "another seed"),
        Retrying(3, 4, cause, "end of text forbidden"),
        Retrying(4, 4, cause, "the speaker's opening written first"),
    ]
    assert [request.seed for request in scene.engine.requests] == [40, 41, 42, 43]
    assert [request.forbid_end for request in scene.engine.requests] == [0, 0, 8, 8]
    assert scene.on_disk().turns == {said.id: said}
    assert not scene.session.busy


async def test_a_reply_only_of_another_member_is_empty(begin: Begin) -> None:
    scene = begin(["Tock: A door!"] * 4, cast=(MIRA, TOCK))
    with pytest.raises(ReplyError, match="it spoke only for someone else"):
        await told(scene.session.reply())
    assert scene.on_disk().turns == {}


async def test_white_space_up_to_the_limit_is_empty(begin: Begin) -> None:
    scene = begin([Script(pieces=("\n",) * 9)] * 4)
    with pytest.raises(ReplyError, match="it wrote nothing one could read"):
        await told(scene.session.reply(max_tokens=4))


async def test_a_dot_dot_dot_is_a_reply(begin: Begin) -> None:
    scene = begin(["「……」"], cast=(SAKURA,), persona=YUTO, preset=MISTRAL)
    assert finished(await told(scene.session.reply())).turn.text == "「……」"


async def test_the_second_try_is_kept_and_said(begin: Begin) -> None:
    scene = begin(["", "Robin: no", "Aye."])
    end = finished(await told(scene.session.reply(seed=1)))
    assert (end.turn.text, end.turn.record["attempts"]) == ("Aye.", 3)
    assert end.turn.record["causes"] == ["eos", "user_turn"]
    assert end.notice == "empty reply · try 3 worked"
    assert list(scene.on_disk().turns) == [end.turn.id]


async def test_the_last_try_is_primed_and_the_reader_sees_the_opening(begin: Begin) -> None:
    preset = replace(MISTRAL, tries=4)
    scene = begin(["", "", "", "はい。」(頷く)"], cast=(SAKURA,), persona=YUTO, preset=preset)
    await scene.session.say("おはよう")
    events = await told(scene.session.reply())
    assert [prompt.endswith(" 桜「") for prompt in scene.prompts] == [False, False, False, True]
    assert finished(events).turn.text == shown(events) == "「はい。」(頷く)"


async def test_a_primed_try_that_stays_empty_stores_no_opening(begin: Begin) -> None:
    scene = begin(["", "", "", "」"], cast=(SAKURA,), persona=YUTO, preset=replace(MISTRAL, tries=4))
    with pytest.raises(ReplyError, match="4 tries"):
        await told(scene.session.reply())
    assert scene.on_disk().turns == {}


async def test_a_line_of_the_user_is_cut(begin: Begin) -> None:
    scene = begin(["She nods.\nRobin: Then I go."])
    end = finished(await told(scene.session.reply()))
    assert (end.turn.text, end.turn.finish) == ("She nods.", "user_turn")
    assert end.notice == "cut where it began to speak for Robin"
    assert end.turn.record["removed"] == "\nRobin:"
    assert scene.engine.cancelled == 1


async def test_a_reply_at_its_limit_ends_with_a_sentence(begin: Begin) -> None:
    scene = begin(["One. Two. Thr"], preset=replace(CHATML, max_tokens=12))
    events = await told(scene.session.reply())
    assert (finished(events).turn.text, finished(events).turn.finish) == ("One. Two.", "length")
    assert shown(events).startswith("One. Two.")


async def test_a_seed_is_drawn_for_every_reply_and_a_preset_may_fix_it(begin: Begin) -> None:
    scene = begin(["a", "b", "c"])
    await told(scene.session.reply())
    await told(scene.session.regenerate())
    scene.session.preset = replace(CHATML, sampling=replace(CHATML.sampling, seed=5))
    await told(scene.session.regenerate())
    first, second, third = (request.seed for request in scene.engine.requests)
    assert first != second
    assert third == 5
