"""Several members: who speaks next, who hands over, who was in the room, who comes and goes."""

from __future__ import annotations

from collections import Counter

import pytest

from rpchat.engine.scripted import Script
from rpchat.errors import RpchatError
from rpchat.session import Finished
from rpchat.story.card import Card
from rpchat.story.preset import Preset
from rpchat.story.scene import Member
from tests.session.conftest import Begin
from tests.session.helpers import MIRA, MISTRAL, SAKURA, TOCK, YUTO, Play, told

ILSE = Member("ilse", Card(name="Ilse Brandt", nickname="Ilse", description="Winds the clocks."))


def trio(begin: Begin, replies: list[Script | str] | None = None, preset: str = "chatml") -> Play:
    return begin(replies, cast=(MIRA, TOCK, ILSE), preset=Preset(name=preset, adapter=preset))


def speakers(scene: Play) -> list[str]:
    return [turn.speaker for turn in scene.session.scene.line() if turn.side == "member"]


async def test_whoever_is_named_answers(begin: Begin) -> None:
    scene = trio(begin)
    await scene.session.cast.set_casting("natural")
    await scene.session.say("Ilse, what time is it?")
    choice = await scene.session.cast.choice()
    assert (choice.who, choice.why) == ("ilse", "Ilse was named")
    await told(scene.session.reply())
    assert speakers(scene) == ["Ilse"]


async def test_pooled_lets_everyone_speak_once(begin: Begin) -> None:
    scene = trio(begin)
    await scene.session.cast.set_casting("pooled")
    await scene.session.say("Well?")
    await told(scene.session.play_on(3))
    assert Counter(speakers(scene)) == {"Mira": 1, "Tock": 1, "Ilse": 1}


async def test_by_the_model_the_likeliest_opening_speaks(begin: Begin) -> None:
    scene = trio(begin)
    scene.engine.scores = {"Tock:": -0.01, "Mira:": -40.0, "Ilse:": -40.0}
    await scene.session.cast.set_casting("blend")
    await scene.session.say("Well?")
    choice = await scene.session.cast.choice()
    assert choice.who == "tock"
    assert choice.odds["tock"] > 0.99
    assert scene.engine.requests == []
    await told(scene.session.reply())
    assert speakers(scene) == ["Tock"]


async def test_nobody_speaks_by_himself_where_the_user_picks(begin: Begin) -> None:
    scene = trio(begin, ["Yes."])
    await scene.session.cast.set_casting("manual")
    with pytest.raises(RpchatError, match="nobody speaks without being asked"):
        await told(scene.session.reply())
    await told(scene.session.reply(member="mira"))
    assert speakers(scene) == ["Mira"]


async def test_a_muted_member_speaks_only_when_asked(begin: Begin) -> None:
    scene = trio(begin)
    await scene.session.cast.mute("tock", True)
    await told(scene.session.play_on(4))
    assert "Tock" not in speakers(scene)
    await told(scene.session.reply(member="tock"))
    assert speakers(scene)[-1] == "Tock"
    await scene.session.turns.undo()
    for _ in range(4):
        await scene.session.turns.undo()
    assert await scene.session.turns.undo() == "mute"
    assert not scene.session.scene.member("tock").muted
    assert scene.on_disk() == scene.session.scene


async def test_a_reply_that_begins_anothers_line_hands_over(begin: Begin) -> None:
    scene = trio(begin, ["I wound it.\nIlse: No, I did.", "It was me."])
    await scene.session.tuning.set_impersonation("hand over")
    await scene.session.say("Who wound it?")
    events = await told(scene.session.reply())
    assert [event.turn.finish for event in events if isinstance(event, Finished)] == ["other_turn", "eos"]
    assert [(turn.speaker, turn.text) for turn in scene.session.scene.line()[1:]] == [
        ("Mira", "I wound it."),
        ("Ilse", "It was me."),
    ]


async def test_a_line_of_the_users_is_never_handed_over(begin: Begin) -> None:
    scene = trio(begin, ["I wound it.\nRobin: No, I did."])
    await scene.session.tuning.set_impersonation("hand over")
    await told(scene.session.reply())
    assert [turn.text for turn in scene.session.scene.line()] == ["I wound it."]


async def test_who_comes_in_is_introduced_there_and_the_front_stays(begin: Begin) -> None:
    scene = begin(None, cast=(MIRA, TOCK), preset=Preset(name="shori", adapter="blockml"))
    await scene.session.say("Hello.")
    await told(scene.session.reply())
    await scene.session.cast.join(ILSE)
    await scene.session.say("And you are?")
    await told(scene.session.reply(member="ilse"))
    before, after = scene.prompts
    front = before.partition("▀message")[0]
    assert after.startswith(front)
    assert "Winds the clocks." not in front
    assert "▀description\nIlse\nWinds the clocks.▄" in after
    assert await scene.session.turns.undo() == "reply"
    assert await scene.session.turns.undo() == "say"
    assert await scene.session.turns.undo() == "join"
    assert [member.card_id for member in scene.session.cast.members] == ["mira", "tock"]
    assert scene.on_disk() == scene.session.scene


async def test_who_leaves_is_told_of_and_stops_speaking(begin: Begin) -> None:
    scene = trio(begin)
    await scene.session.say("Hello.")
    await told(scene.session.play_on(3))
    await scene.session.cast.leave("tock")
    await told(scene.session.play_on(3))
    assert speakers(scene)[3:] == ["Mira", "Ilse", "Mira"]
    assert "Tock leaves." in scene.prompts[-1]
    assert "Made of brass." in scene.prompts[-1]


async def test_the_last_one_stays_and_eight_are_too_many(begin: Begin) -> None:
    scene = begin([])
    with pytest.raises(RpchatError, match="somebody must stay"):
        await scene.session.cast.leave("mira")
    for number in range(6):
        await scene.session.cast.join(Member(f"m{number}", Card(name=f"M{number}")))
    with pytest.raises(RpchatError, match="at most 7"):
        await scene.session.cast.join(TOCK)
    with pytest.raises(RpchatError, match="here already"):
        await scene.session.cast.join(MIRA)


async def test_only_the_speakers_sheet(begin: Begin) -> None:
    scene = trio(begin)
    await scene.session.cast.set_sheets("own")
    await scene.session.say("Hello.")
    await told(scene.session.play_on(2))
    mira, tock = scene.prompts
    assert "Keeps the ferry." in mira
    assert "Made of brass." not in mira
    assert "Made of brass." in tock
    assert "Keeps the ferry." not in tock


async def test_the_others_are_still_cut_where_only_the_speakers_sheet_stands(begin: Begin) -> None:
    scene = trio(begin, ["Aye.\nTock: A door!"])
    await scene.session.cast.set_sheets("own")
    await told(scene.session.reply())
    assert scene.texts == ["Aye."]


async def test_a_secret_stays_one(begin: Begin) -> None:
    scene = trio(begin)
    await scene.session.cast.set_presence(True)
    await scene.session.cast.send_away("tock", True)
    await scene.session.say("The key is under the mat.")
    await told(scene.session.reply(member="mira"))
    await scene.session.cast.send_away("tock", False)
    await scene.session.say("Tock, where is the key?")
    await told(scene.session.reply(member="tock"))
    assert "under the mat" in scene.prompts[0]
    assert "under the mat" not in scene.prompts[1]
    await told(scene.session.reply(member="mira"))
    assert "under the mat" in scene.prompts[2]


async def test_a_round_is_written_again_by_the_same_members(begin: Begin) -> None:
    scene = trio(begin, [Script.of(text) for text in ("1", "2", "3", "4", "5", "6")])
    await scene.session.say("Well?")
    await told(scene.session.play_on(3))
    first_round = scene.session.scene.line()
    await told(scene.session.regenerate_round())
    assert scene.texts == ["Well?", "4", "5", "6"]
    assert speakers(scene) == ["Mira", "Tock", "Ilse"]
    await scene.session.turns.swipe(-1, scene.session.scene.line()[1].id)
    assert scene.session.scene.line() == first_round


async def test_a_line_written_for_a_member(begin: Begin) -> None:
    scene = trio(begin, ["Hm."])
    await scene.session.turns.say_as("tock", "  Tick.  ")
    assert [(turn.speaker, turn.side, turn.text) for turn in scene.session.scene.line()] == [
        ("Tock", "member", "  Tick.")
    ]


async def test_a_scenario_of_the_scenes_own(begin: Begin) -> None:
    scene = trio(begin, ["Aye."])
    await scene.session.cast.set_scenario("The clock has stopped.")
    await told(scene.session.reply())
    assert "Scenario: The clock has stopped." in scene.prompts[0]


async def test_in_japanese_the_named_one_answers_in_the_open_block(begin: Begin) -> None:
    hana = Member("hana", Card(name="花子", language="ja", description="庭師。"))
    scene = begin(["はい」", "ええ」"], cast=(SAKURA, hana), persona=YUTO, preset=MISTRAL)
    await scene.session.cast.set_casting("natural")
    await scene.session.say("花子さん、おはよう")
    await told(scene.session.reply())
    await told(scene.session.reply(member="sakura"))
    assert speakers(scene) == ["花子", "桜"]
    assert scene.prompts[-1].endswith("[/INST] 花子「はい」\n桜「")
