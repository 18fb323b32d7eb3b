from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpchat.errors import FileError
from rpchat.exchange.extras import (
    is_group,
    is_personas,
    is_quick_replies,
    is_scripts,
    read_group,
    read_personas,
    read_quick_replies,
    read_scripts,
    write_personas,
    write_quick_replies,
    write_scripts,
)
from rpchat.story.persona import Persona
from rpchat.story.plan import ScenePlan
from tests.exchange.makers import as_json, keys, names, texts, values
from tests.exchange.test_mutants import mutated

MUTANTS = int(os.environ.get("RPCHAT_MUTANTS", "2000"))
few = settings(max_examples=25, deadline=None)

PERSONAS: dict[str, Any] = {
    "personas": {"a.png": "Ann", "b.png": "Bo", "c.png": ""},
    "persona_descriptions": {
        "a.png": {"description": "Keeps a light.", "position": 0, "depth": 2, "role": 0, "title": "keeper"},
        "b.png": {"description": "", "position": 4, "lorebook": "W", "connections": [{"type": "character", "id": "x"}]},
    },
    "default_persona": "b.png",
}
GROUP: dict[str, Any] = {
    "id": 1700000000000, "name": "Harbour", "members": ["Mio.png", "Bram.v2.png", "Old Name"], "avatar_url": "x",
    "allow_self_responses": False, "activation_strategy": 1, "generation_mode": 2, "disabled_members": ["Bram.v2.png"],
    "fav": True, "chat_id": "c2", "chats": ["c1", "c2"], "auto_mode_delay": 5, "generation_mode_join_prefix": "",
    "generation_mode_join_suffix": "", "hideMutedSprites": True, "past_metadata": {"c1": {"note_prompt": "n"}},
}  # fmt: skip
SCRIPT: dict[str, Any] = {
    "id": "1", "scriptName": "Stars", "findRegex": "/(a+)+$/gi", "replaceString": "$1", "trimStrings": ["*"],
    "placement": [1, 2], "disabled": False, "markdownOnly": True, "promptOnly": False, "runOnEdit": True,
    "substituteRegex": 0, "minDepth": None, "maxDepth": 4, "later": {"x": 1},
}  # fmt: skip
REPLIES: dict[str, Any] = {
    "version": 2, "name": "Dice", "disableSend": False, "color": "rgba(0,0,0,0)", "idIndex": 2,
    "qrList": [{"id": 1, "label": "d20", "title": "Roll", "message": "/roll d20", "isHidden": True, "later": ""}],
}  # fmt: skip
OLD_REPLIES = {
    "quickReplyEnabled": True,
    "numberOfSlots": 1,
    "quickReplySlots": [{"mes": "/go", "label": "Go", "enabled": True}],
}


def test_a_backup_of_personas() -> None:
    assert is_personas(PERSONAS)
    read = read_personas(as_json(PERSONAS), name="personas.json")
    assert read.personas == (
        Persona(name="Ann", summary="keeper", description="Keeps a light."),
        Persona(name="Bo"),
        Persona(name="Unnamed"),
    )
    assert (read.default, read.pictures) == (1, ("a.png", "b.png", "c.png"))
    assert read.carried[0] == {"position": 0, "depth": 2, "role": 0}
    assert read.notes == (
        "Bo: `position` has no counterpart and is left out",
        "Bo: `lorebook` has no counterpart and is left out",
        "Bo: `connections` has no counterpart and is left out",
        "a persona: c.png has no name and is called Unnamed",
    )


@few
@given(
    personas=st.lists(
        st.builds(Persona, name=names.map(lambda n: " ".join(n.split())[:40]).filter(bool), description=texts)
    )
)
def test_personas_come_back_as_they_were(personas: list[Persona]) -> None:
    default = len(personas) - 1 if personas else None
    read = read_personas(write_personas(personas, default=default).data, name="p")
    assert (list(read.personas), read.default) == (personas, default)


def test_what_a_backup_of_personas_cannot_hold_is_told() -> None:
    written = write_personas([Persona(name="A", language="ja", sheet={"Age": "24"})])
    assert written.report == (
        "A: the sheet is written into the description as text",
        "A: a backup has no field for `language`",
    )
    assert read_personas(written.data, name="p").personas == (Persona(name="A", description="Age: 24"),)


def test_a_group_becomes_a_plan() -> None:
    assert is_group(GROUP)
    read = read_group(as_json(GROUP), name="g.json")
    assert read.plan == ScenePlan(name="Harbour", cast=("Mio", "Bram.v2", "Old Name"), casting="list", sheets="joined")
    assert (read.muted, read.chats) == (("Bram.v2",), ("c1", "c2"))
    assert read.metadata == {"past_metadata": {"c1": {"note_prompt": "n"}}}
    assert read.notes == ("A plan mutes nobody: Bram.v2 can be muted when the scene is played",)


@pytest.mark.parametrize(
    ("fields", "casting", "sheets"),
    [
        ({"activation_strategy": 0, "generation_mode": 0}, "natural", "own"),
        ({"activation_strategy": 2, "generation_mode": 1}, "manual", "unmuted"),
        ({"activation_strategy": 2, "generation_mode": 2}, "manual", "joined"),
        ({"activation_strategy": 3}, "pooled", "own"),
        ({"activation_strategy": True, "allow_self_responses": 0}, "natural", "own"),
        ({"activation_strategy": 9}, "pooled", "own"),
        ({"activation_strategy": "1"}, "list", "own"),
        ({}, "natural", "own"),
    ],
)
def test_strategies_and_sheets_of_groups(fields: dict[str, Any], casting: str, sheets: str) -> None:
    plan = read_group(as_json({"members": ["a.png"], "chats": [], **fields}), name="g").plan
    assert (plan.casting, plan.sheets) == (casting, sheets)


def test_a_group_of_too_many_keeps_those_who_speak() -> None:
    members = [f"{at}.png" for at in range(9)]
    read = read_group(as_json({"members": members, "chats": [], "disabled_members": ["0.png"],
                               "generation_mode_join_prefix": "<p>"}), name="g")  # fmt: skip
    assert read.plan.cast == ("1", "2", "3", "4", "5", "6", "7")
    assert read.plan.name == "1, 2, 3, 4, 5, 6, 7"
    assert read.notes == (
        "A scene has at most 7 members: 2 are left out",
        "`generation_mode_join_prefix` has no counterpart: sheets are joined as the format joins them",
    )


def test_a_members_path_is_only_a_name() -> None:
    cast = read_group(
        as_json({"members": ["../../etc/passwd.png", "C:\\x\\Mio.PNG", "a.png", "a.png"], "chats": []}), name="g"
    ).plan.cast
    assert cast == ("passwd", "Mio", "a")


def test_scripts_are_kept_whole() -> None:
    assert is_scripts(SCRIPT)
    (script,) = read_scripts(as_json(SCRIPT), name="s").scripts
    assert (script.name, script.pattern, script.replacement) == ("Stars", "/(a+)+$/gi", "$1")
    assert (script.trims, script.places, script.shown_only) == (("*",), (1, 2), True)
    assert (script.least_depth, script.most_depth) == (None, 4)
    several = read_scripts(as_json([SCRIPT, {"findRegex": "x"}]), name="s")
    assert json.loads(write_scripts(several.scripts).data) == [SCRIPT, {"findRegex": "x"}]


@few
@given(script=st.dictionaries(keys, values, max_size=4), reply=st.dictionaries(keys, values, max_size=4))
def test_json_out_is_json_in(script: dict[str, Any], reply: dict[str, Any]) -> None:
    script = {**script, "findRegex": "a"}
    replies = {**reply, "qrList": [reply, 5]}
    assert json.loads(write_scripts(read_scripts(as_json(script), name="s").scripts).data) == script
    assert json.loads(write_quick_replies(read_quick_replies(as_json(replies), name="q").set).data) == replies


def test_quick_replies_of_both_versions() -> None:
    assert is_quick_replies(REPLIES)
    read = read_quick_replies(as_json(REPLIES), name="q.json").set
    assert (read.name, read.version, len(read.replies)) == ("Dice", 2, 1)
    assert (read.replies[0].label, read.replies[0].message, read.replies[0].hidden) == ("d20", "/roll d20", True)
    older = read_quick_replies(as_json(OLD_REPLIES), name="My set.json").set
    assert (older.name, older.version) == ("My set", 1)
    assert (older.replies[0].label, older.replies[0].message, older.replies[0].hidden) == ("Go", "/go", False)


Reader = Callable[..., object]
READERS: tuple[tuple[Reader, list[Any]], ...] = (
    (read_personas, [PERSONAS]),
    (read_group, [GROUP]),
    (read_scripts, [SCRIPT, [SCRIPT, SCRIPT]]),
    (read_quick_replies, [REPLIES, OLD_REPLIES]),
)


@pytest.mark.parametrize("reader", [reader for reader, _ in READERS])
@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"5", b"null", b'{"personas": 5}', b'{"members": []}', b"[" * 9999,
        b'{"members": [], "chats": []}', b'{"qrList": 5}', b'[{"findRegex": "a"}, 5]',
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_something_else_is_refused_in_one_line(reader: Reader, data: bytes) -> None:
    with pytest.raises(FileError) as error:
        reader(data, name="x.json")
    assert str(error.value).startswith("x.json")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("reader", "files"), READERS)
def test_a_mutant_is_understood_or_refused(reader: Reader, files: list[Any]) -> None:
    seeds = [as_json(file) for file in files]
    outcomes = {"read": 0, "refused": 0}
    for number in range(MUTANTS):
        chance = random.Random(f"{reader.__name__} {number}")
        try:
            reader(mutated(chance.choice(seeds), chance), name="mutant")
        except FileError:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
    assert min(outcomes.values()) > MUTANTS // 50, outcomes
