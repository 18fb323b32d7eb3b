"""Chats of every program, and drawn ones, for the tests of exchange."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from rpchat.exchange.chats.dates import read_date
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.turn import ROOT, Turn
from tests.exchange.makers import keys, names, texts, values

HEADER: dict[str, Any] = {
    "user_name": "Yu", "character_name": "Mio", "create_date": "2024-09-28@01h02m03s",
    "chat_metadata": {"note_prompt": "Keep it quiet.", "note_interval": 1, "note_depth": 4, "scenario": "A storm.",
                      "integrity": "x-1", "variables": {"a": 1}, "persona": "yu.png"},
}  # fmt: skip
GREETING: dict[str, Any] = {
    "name": "Mio", "is_user": False, "is_system": False, "send_date": "September 28, 2024 1:02am", "mes": "Hi.",
    "extra": {}, "swipe_id": 1, "swipes": ["Yes?", "Hi."], "swipe_info": [],
}  # fmt: skip
LINE: dict[str, Any] = {
    "name": "Yu", "is_user": True, "is_system": False, "send_date": "2024-09-28T01:03:00.000Z", "mes": "「灯り?」",
    "extra": {"isSmallSys": False}, "force_avatar": "User Avatars/yu.png",
}  # fmt: skip
REPLY: dict[str, Any] = {
    "name": "Mio", "is_user": False, "is_system": False, "send_date": 1727485500123, "mes": "b",
    "extra": {"api": "koboldcpp", "token_count": 3}, "swipe_id": 1, "swipes": ["a", "b", "c"], "title": "",
    "gen_started": "2024-09-28T01:04:00.000Z", "gen_finished": "2024-09-28T01:05:00.000Z", "zzz": [None, 1.5],
    "swipe_info": [{"send_date": "September 28, 2024 1:04am", "extra": {"n": at}} for at in range(3)],
}  # fmt: skip


def as_lines(*objects: object) -> bytes:
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in objects).encode("utf-8", "surrogatepass")


def objects(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.decode().split("\n")]


KOBOLD_CHAT = {
    "gamestarted": True, "prompt": "The pier.\nYu: Hello", "memory": "Mio is calm.", "authorsnote": "Short.",
    "actions": ["\nMio: Hi there.\nIt rains.", "\nYu: Yes.\nKai: No."], "worldinfo": [{"key": "fog", "content": "x"}],
    "savedsettings": {"chatname": "Yu", "chatopponent": "Mio||$||Kai", "opmode": 3},
}  # fmt: skip
KOBOLD_INSTRUCT = {
    "prompt": "Welcome.",
    "actions": ["\n{{[INPUT]}}\nWho?\n{{[OUTPUT]}}\n", "Me.", "{{[SYSTEM]}}Night.{{[SYSTEM_END]}}"],
    "savedsettings": {"chatname": "Yu", "chatopponent": "Mio", "opmode": 4},
}  # fmt: skip
KOBOLD_STORY = {"prompt": "Once.", "actions": ["\n\n> look\n\nA door.", " It opens."], "gamestarted": True}
WEBUI = {
    "internal": [["<|BEGIN-VISIBLE-CHAT|>", "Hello & hi"], ["a < b", "Fine"]],
    "visible": [["", "Hello &amp; hi"], ["a &lt; b", "Fine"]],
    "metadata": {"assistant_1": {
        "timestamp": "Jun 28, 2025 14:03", "current_version_index": 1,
        "versions": [{"content": "Well"}, {"content": "Fine", "timestamp": "Jun 28, 2025 14:03"}]}},
}  # fmt: skip
OLD_OOBA = {"data_visible": [["", "Hi"], ["x &lt; y", "z"]]}
RISU_CHAT = {
    "name": "Chat 1", "note": "N", "fmIndex": -1, "localLore": [{"key": "a"}], "message": [
        {"role": "user", "data": "Hey", "time": 1700000000000},
        {"role": "char", "data": "Yo", "time": 1700000001000, "generationInfo": {"model": "m"}},
        {"role": "char", "data": "Off", "disabled": True},
        {"role": "char", "data": "n.b.", "isComment": True},
        {"role": "char", "data": "In a group", "saying": "id-7", "name": "Kai"},
    ],
}  # fmt: skip
RISU = {"type": "risuChat", "ver": 2, "data": RISU_CHAT}
CAI_HISTORY = {"msgs": [{"src": {"is_human": False, "name": "Mio"}, "text": "Hi"},
                        {"src": {"is_human": True, "name": "yu77"}, "text": "Hey"}]}  # fmt: skip
CAI = {"info": {"character": {"name": "Mio"}}, "histories": {"histories": [CAI_HISTORY, {"msgs": []}, CAI_HISTORY]}}
AGNAI = {"name": "Agnai chat", "scenario": "S", "messages": [
    {"characterId": "c", "msg": "Hi", "handle": "Mio", "createdAt": "2023-05-01T10:00:00.000Z"},
    {"userId": "anon", "msg": "Hey", "handle": "You"}]}  # fmt: skip
CHUB = {**REPLY, "mes": {"message": "b"}, "swipes": [{"message": "a"}, {"message": "b"}, "c"]}

MOMENTS = (
    "September 28, 2024 1:02am", "2024-09-28@01h02m03s", "2024-09-28T01:02:03.500Z", 1727485323500, "", None, "soon",
)  # fmt: skip

metadata = st.fixed_dictionaries(
    {},
    optional={"note_prompt": texts, "note_interval": st.integers(0, 3), "scenario": texts, "main_chat": texts},
).flatmap(lambda known: st.dictionaries(keys, values, max_size=2).map(lambda more: {**more, **known}))
headers = st.builds(
    lambda more, known: {**more, **known, "character_name": "Mio"},
    st.dictionaries(keys.filter(lambda key: key not in ("mes", "swipes", "members")), values, max_size=2),
    st.fixed_dictionaries({"chat_metadata": metadata}, optional={"user_name": texts}),
)
_TAKEN = {"mes", "swipes", "swipe_id", "swipe_info", "name", "is_user", "is_system", "original_avatar", "send_date"}
infos = st.dictionaries(keys, values, max_size=2) | st.fixed_dictionaries({"send_date": st.sampled_from(MOMENTS)})


@st.composite
def tavern_messages(draw: st.DrawFn) -> dict[str, Any]:
    """A message that SillyTavern could have written, with more in it that nobody knows."""
    message: dict[str, Any] = draw(st.dictionaries(keys.filter(lambda key: key not in _TAKEN), values, max_size=3))
    message |= {"name": draw(names), "is_user": draw(st.booleans()), "mes": draw(texts)}
    optional = {
        "is_system": st.booleans(), "send_date": st.sampled_from(MOMENTS), "original_avatar": st.just("mio.png"),
        "extra": st.dictionaries(keys, values, max_size=2) | st.sampled_from([{"type": "narrator"}, {"type": "help"}]),
    }  # fmt: skip
    message |= draw(st.fixed_dictionaries({}, optional=optional))
    if draw(st.booleans()):
        swipes = draw(st.lists(texts, min_size=1, max_size=3))
        at = draw(st.integers(0, len(swipes) - 1))
        swipes[at] = message["mes"]
        message |= {"swipes": swipes, "swipe_id": at}
    if draw(st.booleans()):
        message["swipe_info"] = draw(st.lists(infos, max_size=4))
    return message


CAST = (Member("mio", Card(name="Mio")), Member("kai", Card(name="Kai", talkativeness=0.2)))
moments = st.integers(1, 4_000_000_000_000).map(lambda number: read_date(max(number, 10**11)))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """A scene whose tree has grown at random: every turn under any other, no two versions equal."""
    turns: dict[int, Turn] = {}
    chosen: dict[int, int] = {}
    for turn_id in range(1, draw(st.integers(1, 12)) + 1):
        parent = draw(st.integers(max(0, turn_id - 4), turn_id - 1))
        member = draw(st.sampled_from(["", "mio", "kai"]))
        turns[turn_id] = Turn(
            id=turn_id, parent=parent, side="member" if member else "user",
            speaker={"": "Yu", "mio": "Mio", "kai": "Kai"}[member], member=member,
            text=f"{turn_id} {draw(texts)}".strip(), created=draw(moments),
            record=draw(st.sampled_from([{}, {"unheard": True}])),
        )  # fmt: skip
        if draw(st.booleans()) or parent not in chosen:
            chosen[parent] = turn_id
    settings = SceneSettings(note=draw(texts), scenario=draw(texts))
    return Scene(
        id=7, title="Tale", cast=CAST, persona=Persona(name="Yu"), settings=settings, turns=turns, chosen=chosen
    )


def shape(turns: Mapping[int, Turn], parent: int = ROOT) -> Sequence[object]:
    """What a tree says, whatever its ids: each turn with what answers it, one speaker's versions in their order."""
    below = [turn for _, turn in sorted(turns.items()) if turn.parent == parent]
    below.sort(key=lambda turn: (turn.member, turn.unheard))
    return [(turn.side, turn.speaker, turn.text, turn.created, turn.unheard, shape(turns, turn.id)) for turn in below]
