"""What is cut off a reply is kept, can be put back, and can be left uncut by the scene's own settings."""

from __future__ import annotations

import pytest

from rpchat.engine.scripted import Script
from rpchat.errors import RpchatError
from rpchat.session import Started
from tests.session.conftest import Begin
from tests.session.helpers import MISTRAL, SAKURA, YUTO, finished, shown, told


async def test_put_back_and_gone_on_with(begin: Begin) -> None:
    scene = begin(["Fine.\nRobin: Good.", ' she heard.\nRobin: "Yes."'])
    await scene.session.say("So?")
    cut = finished(await told(scene.session.reply())).turn
    assert (cut.text, cut.finish) == ("Fine.", "user_turn")
    events = await told(scene.session.take_back(cut.id))
    begun = [event.turn for event in events if isinstance(event, Started)]
    assert [turn.text for turn in begun] == ["Fine.\nRobin:"]
    assert scene.texts == ["So?", 'Fine.\nRobin: she heard.\nRobin: "Yes."']
    assert shown(events) == scene.last.text
    assert scene.prompts[-1].endswith("assistant\nFine.\nRobin:")
    assert await scene.session.turns.undo() == "take back"
    assert scene.texts == ["So?", "Fine."]


async def test_what_was_put_back_stays_where_the_model_adds_nothing(begin: Begin) -> None:
    scene = begin(["Fine.\nRobin: Good.", *[""] * 4])
    await scene.session.say("So?")
    cut = finished(await told(scene.session.reply())).turn
    last = finished(await told(scene.session.take_back(cut.id)))
    assert last.notice == "the model added nothing"
    assert (last.turn.text, last.turn.finish) == ("Fine.\nRobin:", "eos")
    assert scene.on_disk() == scene.session.scene


async def test_in_the_japanese_manner(begin: Begin) -> None:
    scene = begin(["「はい」悠人「ありがとう」", "と聞こえた」"], cast=(SAKURA,), persona=YUTO, preset=MISTRAL)
    await scene.session.say("おはよう")
    cut = finished(await told(scene.session.reply())).turn
    await told(scene.session.take_back(cut.id))
    assert scene.last.text == "「はい」悠人「と聞こえた」"
    assert scene.prompts[-1].endswith("桜「はい」悠人「")


async def test_where_nothing_was_cut_there_is_nothing_to_put_back(begin: Begin) -> None:
    scene = begin(["Fine."])
    turn = finished(await told(scene.session.reply())).turn
    with pytest.raises(RpchatError, match="nothing was cut"):
        await told(scene.session.take_back(turn.id))
    assert len(scene.session.scene.turns) == 1


async def test_a_scene_may_keep_lines_of_the_user(begin: Begin) -> None:
    scene = begin(["Fine.\nRobin: Good."] * 2)
    await scene.session.tuning.set_impersonation("keep")
    await told(scene.session.reply())
    assert scene.texts == ["Fine.\nRobin: Good."]
    await scene.session.turns.undo()
    assert await scene.session.turns.undo() == "impersonation"
    await told(scene.session.reply())
    assert scene.texts == ["Fine."]


async def test_lines_outside_the_story_can_be_folded_away(begin: Begin) -> None:
    scene = begin(["Fine.\n((OOC: is this all right?))\nShe nods.", "Two."])
    await scene.session.tuning.set_out_of_character("fold")
    await told(scene.session.reply())
    assert "OOC" not in scene.last.text
    assert scene.last.text.startswith("Fine.")
    assert scene.last.text.endswith("She nods.")
    (folded,) = scene.last.record["folded"]  # type: ignore[misc]
    assert folded["kind"] == "ooc"
    assert "is this all right?" in folded["text"]
    await scene.session.say("Go on.")
    await told(scene.session.reply())
    assert "OOC" not in scene.prompts[-1]


async def test_only_lines_outside_the_story_are_no_reply(begin: Begin) -> None:
    scene = begin(["((OOC: hello))", Script.of("Fine.")])
    await scene.session.tuning.set_out_of_character("fold")
    await told(scene.session.reply())
    assert scene.texts == ["Fine."]
    assert scene.last.record["causes"] == ["ooc"]
