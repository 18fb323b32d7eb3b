"""Two cards in a scene: who speaks, under which name, and how each model is told."""

from __future__ import annotations

import asyncio

import pytest

from rpchat.errors import RpchatError
from rpchat.story.card import Card
from rpchat.story.preset import Preset
from rpchat.story.scene import Member
from tests.session.conftest import Begin
from tests.session.helpers import MIRA, MISTRAL, SAKURA, TOCK, YUTO, finished, gated, reached, shown, told

HANA = Member("hana", Card(name="花", language="ja", description="庭師。"))


async def test_they_speak_in_turn(begin: Begin) -> None:
    scene = begin(["Aye.", "Splendid!", "Hm."], cast=(MIRA, TOCK))
    await scene.session.say("Hello.")
    for _ in range(3):
        await told(scene.session.reply())
    assert [turn.speaker for turn in scene.session.scene.line()] == ["Robin", "Mira", "Tock", "Mira"]
    assert [prompt.rpartition("\n")[2] for prompt in scene.prompts] == ["Mira:", "Tock:", "Mira:"]
    assert "Robin: Hello." in scene.prompts[0]
    assert "Mira: Aye." in scene.prompts[1]


async def test_one_can_be_asked_for(begin: Begin) -> None:
    scene = begin(["Splendid!"], cast=(MIRA, TOCK))
    assert finished(await told(scene.session.reply(member="tock"))).turn.member == "tock"


async def test_a_version_is_by_who_spoke(begin: Begin) -> None:
    scene = begin(["Aye.", "Splendid!", "Marvellous!"], cast=(MIRA, TOCK))
    await told(scene.session.reply())
    await told(scene.session.reply())
    again = finished(await told(scene.session.regenerate())).turn
    assert (again.speaker, again.text) == ("Tock", "Marvellous!")
    assert scene.prompts[1] == scene.prompts[2]


async def test_a_line_of_the_other_is_cut(begin: Begin) -> None:
    scene = begin(["Aye.\n\nTock: A door!"], cast=(MIRA, TOCK))
    turn = finished(await told(scene.session.reply())).turn
    assert (turn.text, turn.finish) == ("Aye.", "other_turn")


async def test_alone_no_names_are_told(begin: Begin) -> None:
    scene = begin(["Aye."])
    await scene.session.say("Hello.")
    await told(scene.session.reply())
    assert scene.prompts[0].endswith("user\nHello.<|im_end|>\n<|im_start|>assistant\n")


@pytest.mark.parametrize("adapter", ["mistral", "vicuna"])
async def test_the_reader_sees_the_quote_the_prompt_opened(begin: Begin, adapter: str) -> None:
    preset = Preset(name="any", adapter=adapter)
    scene = begin(["はい。」(頷く)", "花「はあい。」", "桜「ふふ」"], cast=(SAKURA, HANA), persona=YUTO, preset=preset)
    await scene.session.say("おはよう")
    events = await told(scene.session.reply())
    assert scene.prompts[0].endswith(" 桜「")
    assert finished(events).turn.text == shown(events) == "「はい。」(頷く)"
    assert finished(await told(scene.session.reply())).turn.text == "「はあい。」"
    assert scene.prompts[1].endswith(" 桜「はい。」(頷く)\n花「")
    assert finished(await told(scene.session.reply())).turn.text == "「ふふ」"


async def test_an_opening_that_was_cancelled_goes_on(begin: Begin) -> None:
    script, gate = gated(*"はい。」", at=2)
    scene = begin([script, "。」"], cast=(SAKURA, HANA), persona=YUTO, preset=MISTRAL)
    await scene.session.say("おはよう")
    writing = asyncio.create_task(told(scene.session.reply()))
    await reached(gate)
    writing.cancel()
    await asyncio.wait([writing])
    assert scene.last.text == "「はい"
    await told(scene.session.continue_())
    assert scene.last.text == "「はい。」"


async def test_who_left_the_cast_cannot_go_on(begin: Begin) -> None:
    scene = begin(["Aye."])
    turn = finished(await told(scene.session.reply())).turn
    book = scene.session._book
    await book.update(turn)
    book.scene = book.scene.with_turn(type(turn)(id=turn.id, parent=0, side="member", speaker="Old", member="old"))
    with pytest.raises(RpchatError, match="Old is not in this scene any more"):
        scene.session.regenerate()
