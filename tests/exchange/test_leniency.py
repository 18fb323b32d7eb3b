from __future__ import annotations

from typing import get_args

import pytest

from rpchat.exchange.card_reading import read_card
from rpchat.exchange.card_writing import write_card
from rpchat.exchange.values import Imported, Target
from rpchat.story.card import Card
from tests.exchange.makers import PICTURE, V1_CARD, as_json, chunk, png, text_chunk, v2_card, v3_card


def read(value: object) -> Imported:
    return read_card(as_json(value), name="card.json")


def card(value: object) -> Card:
    return read(value).card


def test_kind_and_dialect_are_told_by_the_bytes() -> None:
    files: list[tuple[bytes, str, str]] = [
        (as_json(V1_CARD), "json", "V1"),
        (as_json(v2_card()), "json", "V2"),
        (as_json(v3_card()), "json", "V3"),
        (as_json({**v2_card(), "spec": "new", "spec_version": "3.2"}), "json", "V3"),
        (as_json({"char_name": "A"}), "json", "Pygmalion"),
        (b"name: A\ncontext: x\n", "yaml", "text-generation-webui"),
        (b"name: A\nsheet: {x: y}\n", "yaml", "rpchat"),
        (png(text_chunk("chara", V1_CARD)), "png", "V1"),
        (write_card(Card(name="A"), "charx").data, "charx", "V3"),
        (b"\xff\xd8\xff\xe0..." + write_card(Card(name="A"), "charx").data, "charx", "V3"),
    ]
    for data, kind, dialect in files:
        imported = read_card(data, name="misleading.txt")
        assert (imported.kind, imported.dialect) == (kind, dialect)
        assert imported.original == data


def test_every_field_of_v2_and_v3_finds_its_place() -> None:
    got = card(v3_card(
        creator_notes="n", system_prompt="s", post_history_instructions="p", alternate_greetings=["g", ""], tags=["t"],
        creator="c", character_version="1.10", nickname="Mi", extensions={"talkativeness": "0.25", "fav": True},
    ))  # fmt: skip
    assert got == Card(
        name="Mio", description="{{char}} keeps a lighthouse.", personality="calm", scenario="A storm.",
        first_message="「こんばんは」", example_dialogue="<START>\n{{user}}: Hi\n{{char}}: …", creator_notes="n",
        system_prompt="s", post_history="p", alternate_greetings=("g", ""), tags=("t",), creator="c", version="1.10",
        nickname="Mi", talkativeness=0.25, extensions={"fav": True},
    )  # fmt: skip


def test_a_file_without_data_is_read_from_its_top() -> None:
    flat = card({"spec": "chara_card_v2", **V1_CARD, "alternate_greetings": ["g"], "character_book": {"entries": []}})
    assert (flat.name, flat.alternate_greetings) == ("Mio", ("g",))
    assert flat.extensions == {"tavern": {"data": {"character_book": {"entries": []}}}}


def test_what_stands_beside_data_does_not_count() -> None:
    got = card({**v2_card(), "name": "Old", "description": "old", "fav": True, "talkativeness": 1, "create_date": "x"})
    assert (got.name, got.description, got.talkativeness) == ("Mio", V1_CARD["description"], 0.5)
    assert got.extensions == {"tavern": {"file": {"create_date": "x"}}}


def test_tags_and_greetings_may_be_one_text() -> None:
    got = card(v2_card(tags="a, b ,,c", alternate_greetings="hi, you"))
    assert (got.tags, got.alternate_greetings) == (("a", "b", "c"), ("hi, you",))


def test_the_extras_of_v1() -> None:
    got = card({**V1_CARD, "creatorcomment": "c", "talkativeness": "0.9", "creator": "x", "tags": "a,b", "fav": True})
    assert (got.creator_notes, got.talkativeness, got.creator, got.tags) == ("c", 0.9, "x", ("a", "b"))
    assert got.extensions == {}
    assert card({**V1_CARD, "creatorcomment": "Creator's notes go here."}).creator_notes == ""


def test_pygmalion_and_webui_names() -> None:
    got = card({"char_name": "P", "char_persona": "d", "char_greeting": "g", "example_dialogue": "e",
                "world_scenario": "w", "metadata": {"version": 1}})  # fmt: skip
    assert got == Card(name="P", description="d", first_message="g", example_dialogue="e", scenario="w",
                       extensions={"tavern": {"file": {"metadata": {"version": 1}}}})  # fmt: skip
    web = read_card(b"name: W\ngreeting: g\ncontext: |-\n  c\n  d\nyour_name: Yu\n", name="w").card
    assert web == Card(name="W", description="c\nd", first_message="g",
                       extensions={"tavern": {"file": {"your_name": "Yu"}}})  # fmt: skip


def test_what_is_no_text_is_left_out_and_said() -> None:
    imported = read(v2_card(personality={"a": 1}, tags=[{}], extensions=[1]))
    assert (imported.card.personality, imported.card.tags, imported.card.extensions) == ("", (), {})
    assert len(imported.notes) == 3
    lines = read(v2_card(description=["a", 1, True], creator=None))
    assert (lines.card.description, lines.notes) == ("a\n1\ntrue", ())


def test_the_first_ccv3_wins_whatever_its_case_and_place() -> None:
    chara = text_chunk("chara", v2_card(name="Two"))
    imported = read_card(png(chara, text_chunk("CCv3", v3_card(name="First")), text_chunk("ccv3", v3_card())), name="p")
    assert imported.card.name == "First"
    assert imported.notes == ("The file holds more than one `ccv3`; the first one is read",)
    fallen = read_card(png(text_chunk("ccv3", b"{"), chara), name="p")
    assert fallen.card.name == "Two"
    assert fallen.notes[0].startswith("`ccv3` cannot be read, `chara` is taken instead: p, line 1")


def test_a_picture_comes_without_what_was_written_in_it() -> None:
    place = chunk(b"eXIf", b"GPS")
    settings = chunk(b"tEXt", b"parameters\0model: /home/somebody/x.safetensors")
    data = png(place, settings, text_chunk("chara", v2_card()), text_chunk("chara-ext-asset_:0", b"abc"))
    imported = read_card(data + b"behind", name="p")
    assert imported.avatar == PICTURE
    assert imported.assets == {"0": b"abc"}


PRIVATE = {"chat": "Mio - 2024-1-1", "avatar": "C:\\Users\\me\\mio.png", "json_data": "{}"}


@pytest.mark.parametrize("target", get_args(Target))
def test_exports_tell_no_scene_and_no_folder(target: Target) -> None:
    picture = png(chunk(b"tEXt", b"parameters\0/home/me"))
    planted = Card(name="A", extensions={"tavern": {"file": {**PRIVATE, "kept": 1}}})
    for card, left in (
        (read({**V1_CARD, **PRIVATE}).card, {}),
        (read({**v2_card(), **PRIVATE, "avatar": "none"}).card, {"tavern": {"file": {"avatar": "none"}}}),
        (planted, {"tavern": {"file": {"kept": 1}}}),
        (Card(name="A", extensions={"tavern": {"file": PRIVATE}}), {}),
    ):
        data = write_card(card, target, avatar=picture).data
        assert b"/home/me" not in data
        assert read_card(data, name="x").card.extensions == left
