from __future__ import annotations

import json

import pytest

from rpchat.errors import FileError
from rpchat.exchange.chats import (
    ImportedChat,
    chat_dialect,
    is_tavern_chat,
    is_transcript,
    join_related,
    read_chat,
    read_chats,
    write_chat,
)
from rpchat.exchange.chats.dates import read_date, write_date
from rpchat.prompt.conversation import converse
from rpchat.story.card import Card
from rpchat.story.preset import Preset
from rpchat.story.scene import NEVER, Scene, SceneSettings
from rpchat.story.turn import ROOT, Turn
from tests.exchange import chat_makers as made
from tests.exchange.chat_makers import GREETING, HEADER, LINE, REPLY, as_lines, objects
from tests.exchange.makers import as_json

CHAT = as_lines(HEADER, GREETING, LINE, REPLY)


def told(chat: ImportedChat) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in chat.line()]


def test_a_solo_chat_with_its_versions() -> None:
    chat = read_chat(CHAT, name="Mio - 2024.jsonl")
    assert (chat.title, chat.dialect, chat.persona, chat.notes) == ("Mio - 2024", "SillyTavern", "Yu", ())
    assert [(one.key, one.name, one.card_file, one.voice) for one in chat.speakers] == [("Mio", "Mio", "", False)]
    assert told(chat) == [("Mio", "Hi."), ("Yu", "「灯り?」"), ("Mio", "b")]
    assert [turn.text for turn in chat.turns.values()] == ["Yes?", "Hi.", "「灯り?」", "a", "b", "c"]
    assert [turn.created for turn in chat.line()] == [1727485320.0, 1727485380.0, 1727485500.123]
    assert (chat.settings.note, chat.settings.scenario) == ("Keep it quiet.", "A storm.")


def test_a_linear_chat_goes_out_as_it_came() -> None:
    scene = read_chat(CHAT, name="x.jsonl").scene({"Mio": ("mio", Card(name="Mio"))})
    (file,) = write_chat(scene, "tavern")
    assert objects(file.data) == [HEADER, GREETING, LINE, REPLY]
    assert (file.name, file.report) == ("x.jsonl", ())


def test_the_cast_is_of_cards_that_are_there_or_of_names() -> None:
    group = as_lines(
        {"name": "Mio", "is_user": False, "mes": "1", "original_avatar": "Mio2.png"},
        {"name": "Kai", "is_user": False, "mes": "2", "original_avatar": "kai.png"},
        {"name": "Mio", "is_user": False, "mes": "3"},
        {"name": "System", "is_user": False, "mes": "4", "extra": {"type": "narrator"}},
    )
    chat = read_chat(group, name="g.jsonl")
    assert [one.key for one in chat.speakers] == ["Mio2", "kai", "(System)"]
    scene = chat.scene({"Mio2": ("mio", Card(name="Mio", description="d"))})
    assert [(member.card_id, member.card.description, member.left) for member in scene.cast] == [
        ("mio", "d", 0), ("kai", "", 0), ("system", "", NEVER),
    ]  # fmt: skip
    assert [turn.member for turn in scene.line()] == ["mio", "kai", "mio", "system"]
    assert objects(write_chat(scene, "tavern")[0].data) == objects(group)


def test_a_chat_without_a_character_has_somebody_to_answer() -> None:
    scene = read_chat(as_lines(LINE), name="Alone.jsonl").scene({})
    assert [(member.card_id, member.card.name) for member in scene.present()] == [("alone", "Alone")]


def test_hidden_messages_are_shown_and_not_told_and_narrators_are_notes() -> None:
    hidden = {**REPLY, "is_system": True}
    storm = {"name": "System", "is_user": False, "mes": "Thunder.", "extra": {"type": "narrator"}}
    scene = read_chat(as_lines(HEADER, GREETING, hidden, storm, LINE), name="x").scene({})
    assert [turn.text for turn in scene.line()] == ["Hi.", "b", "Thunder.", "「灯り?」"]
    assert [turn.unheard for turn in scene.line()] == [False, True, False, False]
    scene = scene.apply(scene.setting(note=""))
    lines = converse(scene, Preset(name="x", adapter="chatml"), scene.line(), speaker="Mio").lines
    assert [(line.side, line.text) for line in lines] == [("char", "Hi."), ("note", "Thunder."), ("user", "「灯り?」")]


@pytest.mark.parametrize(
    ("change", "text", "versions"),
    [
        ({"swipe_id": 9}, "b", 3),
        ({"swipe_id": None}, "b", 3),
        ({"swipe_id": 0}, "b", 3),
        ({"mes": "z"}, "z", 3),
        ({"mes": "z", "swipe_id": -1}, "z", 4),
        ({"swipes": ["a", {}]}, "b", 1),
        ({"swipes": "a"}, "b", 1),
        ({"swipes": []}, "b", 1),
        ({"mes": 7}, "7", 3),
        ({"mes": None}, "", 3),
        ({"mes": {"a": 1}}, "", 3),
        ({"mes": ["l", 1]}, "l\n1", 3),
        ({"name": None, "extra": None, "swipe_info": {}, "send_date": [], "is_system": "no"}, "b", 3),
    ],
)
def test_what_a_message_says_counts(change: dict[str, object], text: str, versions: int) -> None:
    chat = read_chat(as_lines(HEADER, {**REPLY, **change}), name="x")
    assert [turn.text for turn in chat.line()] == [text]
    assert len(chat.turns) == versions
    scene = chat.scene({})
    again = read_chat(write_chat(scene, "tavern")[0].data, name="x")
    assert (again.turns, again.chosen) == (chat.turns, chat.chosen) or again.notes != chat.notes


def test_bad_lines_are_noted_and_left_out() -> None:
    data = as_lines(HEADER, GREETING) + b"\n{broken\n[1]\n\n" + b'{"mes":1e999}\n{"mes":NaN}\n{"mes":"a","mes":"b"}\n'
    data += b'{"mes":' + b"[" * 500 + b"]" * 500 + b"}\n" + b'{"x":1}\n' + as_lines(LINE) + b"\r\n"
    chat = read_chat(data, name="x")
    assert told(chat) == [("Mio", "Hi."), ("Yu", "「灯り?」")]
    assert len(chat.notes) == 7
    assert chat.notes[0].startswith("Line 3: this is not JSON")
    assert all("left out" in note for note in chat.notes)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n \n", as_lines(HEADER), b"{}", b"[]", b"[1]", b"null", b"Once upon a time", b"name: A\ncontext: b\n",
        as_json({"spec": "chara_card_v2", "data": {"name": "A"}}), as_json({"messages": []}),
        as_json({"entries": {}}), as_json({"actions": [], "prompt": ""}), as_json({"internal": [], "visible": []}),
        as_json({"members": ["a.png"], "chat_metadata": {}, "name": "G"}), CHAT.decode().encode("utf-16"),
        bytes(range(256)),
        b"[" * 100_000, b'{"a":' * 100_000, b"x\n" * 300_000, CHAT + b"\n{}" * 260_000,
        as_lines(HEADER, {**REPLY, "mes": "a"}) + b'{"mes":"' + b"{" * 4_100_000,
        b"x" * ((64 << 20) + 1),
    ],
    ids=range(23),
)  # fmt: skip
def test_what_is_no_chat_is_refused(data: bytes) -> None:
    with pytest.raises(FileError):
        read_chat(data, name="x")


def test_too_many_versions_are_refused() -> None:
    many = {**REPLY, "mes": "", "swipe_id": 0, "swipes": [""] * 150_000}
    with pytest.raises(FileError, match="too long"):
        read_chat(as_lines(many, many, many), name="x")


def test_nothing_a_terminal_obeys_comes_in() -> None:
    sly = {**REPLY, "name": "M\x1b[2J", "mes": "a\x9b\u202eb\ud800", "swipes": 0, "zz\x07": "\x1b]52;c;x\x07"}
    chat = read_chat(as_lines(HEADER) + b"\n" + json.dumps(sly).encode(), name="\x1b[2Jx.jsonl")
    assert (chat.title, told(chat)) == ("[2Jx", [("M[2J", "ab")])
    assert "\\u001b" not in json.dumps([turn.record for turn in chat.line()])


BRANCH = as_lines(
    {**HEADER, "chat_metadata": {"main_chat": "main"}}, GREETING, LINE, {**REPLY, "swipe_id": 2, "mes": "c"}, LINE
)


def test_a_branch_and_its_chat_are_one_tree() -> None:
    main = read_chat(as_lines(HEADER, GREETING, LINE, REPLY, LINE, REPLY), name="main.jsonl")
    branch, other = read_chat(BRANCH, name="Branch #1.jsonl"), read_chat(CHAT, name="other.jsonl")
    joined, alone = join_related([branch, main, other])
    assert (joined.title, alone.title) == ("main", "other")
    assert told(joined) == told(main)
    assert len(joined.turns) == len(main.turns) + 1
    (added,) = (turn for turn_id, turn in joined.turns.items() if turn_id not in main.turns)
    assert joined.turns[added.parent].text == "c"
    files = write_chat(joined.scene({}), "tavern")
    assert [file.name for file in files] == ["main.jsonl", "main - branch 1.jsonl"]
    assert [one["mes"] for one in objects(files[0].data)[1:]] == [text for _, text in told(main)]
    assert objects(files[0].data)[2]["extra"]["branches"] == ["main - branch 1"]
    assert objects(files[1].data)[0]["chat_metadata"]["main_chat"] == "main"
    assert [one["mes"] for one in objects(files[1].data)[1:]] == ["Hi.", "「灯り?」", "c", "「灯り?」"]


def test_chats_that_branch_off_from_each_other_are_one() -> None:
    def of(title: str, parent: str) -> ImportedChat:
        header = {"chat_metadata": {"main_chat": parent}}
        return read_chat(as_lines(header, GREETING), name=title)

    assert len(join_related([of("a", "b"), of("b", "a")])) in (1, 2)
    assert [chat.title for chat in join_related([of("c", "b"), of("b", "a"), of("a", "")])] == ["a"]
    assert [chat.title for chat in join_related([of("c", "lost")])] == ["c"]


def scene_of(*turns: Turn, chosen: dict[int, int], hidden: frozenset[int] = frozenset()) -> Scene:
    by_id = {turn.id: turn for turn in turns}
    return Scene(id=1, title="T", cast=made.CAST, turns=by_id, chosen=chosen, hidden=hidden)


def line(turn_id: int, parent: int, text: str, **more: object) -> Turn:
    return Turn(id=turn_id, parent=parent, side="user", speaker="Yu", text=text, **more)  # type: ignore[arg-type]


def test_deleted_turns_stand_in_no_file() -> None:
    scene = scene_of(
        line(1, ROOT, "a"), line(2, 1, "gone"), line(3, 2, "b"), line(4, 1, "other"), line(5, 4, "behind"),
        chosen={0: 1, 1: 2, 2: 3}, hidden=frozenset({2, 4}),
    )  # fmt: skip
    (file,) = write_chat(scene, "tavern")
    assert [one["mes"] for one in objects(file.data)[1:]] == ["a", "b"]
    assert file.report == ("Deleted turns are left out",)
    assert b"gone" not in write_chat(scene, "text")[0].data + write_chat(scene, "markdown")[0].data


def test_an_edited_line_leaves_no_branch_behind() -> None:
    scene = scene_of(line(1, ROOT, "old"), line(2, 1, "b"), line(3, ROOT, "new"), chosen={0: 3, 3: 2, 1: 2})
    (file,) = write_chat(scene, "tavern")
    first, second = objects(file.data)[1:]
    assert (first["mes"], first["swipes"], first["swipe_id"], second["mes"]) == ("new", ["old", "new"], 1, "b")


def test_another_version_told_takes_its_own_times_along() -> None:
    chat = read_chat(CHAT, name="x")
    scene = chat.scene({})
    scene = scene.apply(scene.choosing(4))
    reply = objects(write_chat(scene, "tavern")[0].data)[3]
    assert (reply["mes"], reply["swipe_id"], reply["extra"]) == ("a", 0, {"n": 0})
    assert reply["send_date"] == "September 28, 2024 1:04am"
    assert "gen_started" not in reply
    assert (reply["zzz"], reply["swipe_info"]) == ([None, 1.5], REPLY["swipe_info"])
    own = Turn(id=9, parent=3, side="member", speaker="Mio", member="mio", text="d", created=1727485500.5)
    scene = scene.with_turn(own).apply(scene.with_turn(own).adding(own))
    reply = objects(write_chat(scene, "tavern")[0].data)[3]
    assert (reply["mes"], reply["swipes"], reply["extra"]) == ("d", ["a", "b", "c", "d"], {})
    assert reply["swipe_info"][3] == {"send_date": "2024-09-28T01:05:00.500Z", "extra": {}}


def test_settings_that_were_changed_are_written_and_the_others_left_alone() -> None:
    scene = read_chat(CHAT, name="x").scene({})
    changed = scene.apply(scene.setting(note="Loud.", scenario=""))
    metadata = objects(write_chat(changed, "tavern")[0].data)[0]["chat_metadata"]
    assert metadata == {**HEADER["chat_metadata"], "note_prompt": "Loud.", "scenario": "", "note_position": 1}
    silent = scene.apply(scene.setting(note=""))
    assert read_chat(write_chat(silent, "tavern")[0].data, name="x").settings.note == ""


def test_exports_say_nothing_of_models_and_folders() -> None:
    scene = scene_of(
        line(1, ROOT, "a", record={"preset": "/home/me/p.yaml", "ids": [1], "model": "/home/me/m.gguf"}), chosen={0: 1}
    )
    settings = SceneSettings(model="/home/me/m.gguf", preset="/home/me/p.yaml")
    scene = Scene(id=1, title="/home/me", cast=scene.cast, turns=scene.turns, chosen=scene.chosen, settings=settings)
    for target in ("tavern", "text"):
        (file,) = write_chat(scene, target, name="../../etc/x")  # type: ignore[arg-type]
        assert b"/home/me" not in file.data
        assert "/" not in file.name


def test_markdown_and_text() -> None:
    scene = scene_of(line(1, ROOT, "a\nb\n\n*c*"), chosen={0: 1})
    (page,) = write_chat(scene, "markdown")
    assert (page.name, page.data.decode()) == ("t.md", "# T\n\n**Yu**\n\na  \nb\n\n*c*\n")
    (text,) = write_chat(scene, "text")
    assert (text.name, text.data.decode()) == ("t.txt", "Yu: a\nb\n\n*c*\n")


def test_text_that_was_written_is_read_again() -> None:
    scene = read_chat(as_lines(HEADER, GREETING, LINE, REPLY, LINE), name="x").scene({})
    chat = read_chat(write_chat(scene, "text")[0].data, name="x.txt")
    assert chat.dialect == "transcript"
    assert told(chat) == [("Mio", "Hi."), ("Yu", "「灯り?」"), ("Mio", "b"), ("Yu", "「灯り?」")]


@pytest.mark.parametrize(
    ("file", "dialect", "lines", "user"),
    [
        (made.KOBOLD_CHAT, "KoboldAI Lite",
         [("Mio", "The pier."), ("Yu", "Hello"), ("Mio", "Hi there.\nIt rains."), ("Yu", "Yes."), ("Kai", "No.")],
         "Yu"),
        (made.KOBOLD_INSTRUCT, "KoboldAI Lite",
         [("Mio", "Welcome."), ("Yu", "Who?"), ("Mio", "Me."), ("Narrator", "Night.")], "Yu"),
        (made.KOBOLD_STORY, "KoboldAI Lite",
         [("Narrator", "Once."), ("You", "look"), ("Narrator", "A door."), ("Narrator", "It opens.")], "You"),
        (made.WEBUI, "text-generation-webui",
         [("Mio", "Hello & hi"), ("You", "a < b"), ("Mio", "Fine")], "You"),
        (made.OLD_OOBA, "text-generation-webui", [("Mio", "Hi"), ("You", "x < y"), ("Mio", "z")], "You"),
        (made.RISU, "RisuAI", [("You", "Hey"), ("Character", "Yo"), ("Character", "Off"), ("Comment", "n.b."),
                               ("Kai", "In a group")], "You"),
        (made.RISU_CHAT, "RisuAI", [("You", "Hey"), ("Character", "Yo"), ("Character", "Off"), ("Comment", "n.b."),
                                    ("Kai", "In a group")], "You"),
        (made.AGNAI, "Agnai", [("Mio", "Hi"), ("You", "Hey")], "You"),
        ([HEADER, GREETING, LINE], "SillyTavern", [("Mio", "Hi."), ("Yu", "「灯り?」")], "Yu"),
        (LINE, "SillyTavern", [("Yu", "「灯り?」")], "Yu"),
    ],
)  # fmt: skip
def test_other_programs(file: object, dialect: str, lines: list[tuple[str, str]], user: str) -> None:
    assert chat_dialect(file) == dialect
    for data in (as_json(file), json.dumps(file, indent=2).encode()):
        chat = read_chat(data, name="Mio_persistent.json")
        assert (chat.dialect, told(chat), chat.persona) == (dialect, lines, user)
        assert [turn.text for turn in chat.scene({}).line()] == [text for _, text in lines]


def test_what_the_others_know_beside_the_words() -> None:
    webui = read_chat(as_json(made.WEBUI), name="x.json")
    assert [(turn.text, turn.created) for turn in webui.turns.values()][2:] == [("Well", 0.0), ("Fine", 1751119380.0)]
    risu = read_chat(as_json(made.RISU), name="Mio_2026-06-17T000000Z_chat.json")
    assert (risu.title, risu.settings.note, risu.carried["risu"]["localLore"]) == ("Chat 1", "N", [{"key": "a"}])  # type: ignore[index]
    assert [turn.unheard for turn in risu.line()] == [False, False, True, True, False]
    assert (risu.line()[1].speaker, risu.line()[1].created) == ("Mio", 1700000001.0)
    kobold = read_chat(as_json(made.KOBOLD_CHAT), name="x")
    assert (kobold.settings.note, kobold.settings.scenario, len(kobold.notes)) == ("Short.", "Mio is calm.", 1)
    assert read_chat(as_json(made.AGNAI), name="x").settings.scenario == "S"
    assert [turn.text for turn in read_chat(as_lines(made.CHUB), name="x").turns.values()] == ["a", "b", "c"]


def test_several_conversations_in_one_file() -> None:
    assert chat_dialect(made.CAI) == "CAI Tools"
    chats = read_chats(as_json(made.CAI), name="all.json")
    assert [(chat.title, told(chat)) for chat in chats] == [
        (f"all {number}", [("Mio", "Hi"), ("yu77", "Hey")]) for number in (1, 2)
    ]
    assert len(read_chat(as_json(made.CAI), name="all.json").turns) == 2
    both = {"type": "risuAllChats", "data": [made.RISU_CHAT, {"message": []}, made.RISU_CHAT]}
    assert len(read_chats(as_json(both), name="x")) == 2


def test_a_transcript() -> None:
    text = "Mio: Hi.\nIt rains.\n\nRobin: Yes: it does.\nMio：「うん」\n"
    chat = read_chat(text.encode(), name="log.txt")
    assert told(chat) == [("Mio", "Hi.\nIt rains."), ("Robin", "Yes: it does."), ("Mio", "「うん」")]
    assert (chat.persona, chat.notes) == ("Robin", ("Nothing says who the user is: Robin is taken for it",))
    assert read_chat(b"You: a\nMio: b\nYou: c", name="x").persona == "You"
    assert not is_transcript("name: A\ngreeting: b\n")
    assert not is_transcript("Once upon a time.\nMio: a\nRobin: b\nMio: c")
    assert not is_transcript("Mio: a\nMio: b\n")
    assert is_tavern_chat(CHAT)
    assert not is_tavern_chat(as_json(made.RISU))
    assert is_tavern_chat(b"{broken\n" + CHAT)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("September 28, 2024 1:02am", 1727485320.0),
        ("Sep 28, 2024 13:02", 1727528520.0),
        ("September 28, 2024 12:02am", 1727481720.0),
        ("September 28, 2024 12:02 PM", 1727524920.0),
        ("2024-09-28@01h02m03s", 1727485323.0),
        ("2024-9-28 @01h 02m 03s 45ms", 1727485323.045),
        ("2024-09-28T01:02:03.045Z", 1727485323.045),
        ("2024-09-28T03:02:03+02:00", 1727485323.0),
        ("2024-09-28 01:02", 1727485320.0),
        (1727485323045, 1727485323.045),
        (1727485323, 1727485323.0),
        (1727485323.5, 1727485323.5),
        ("1727485323045", 1727485323.045),
        *((nothing, 0.0) for nothing in ("", "soon", None, True, [], 0, -5, 10**399, "9" * 39, 1e300, "9999-12-31",
                                         "Foo 1, 2024 1:02am", "May 99, 2024 1:02am", "0001-01-01T00:00:00+23:00")),
    ],
)  # fmt: skip
def test_dates(written: object, seconds: float) -> None:
    assert read_date(written) == pytest.approx(seconds, abs=1e-6)
    assert read_date(write_date(seconds)) == pytest.approx(seconds, abs=1e-6)
