from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rpchat.errors import FileError
from rpchat.exchange.card_reading import read_card
from rpchat.exchange.card_writing import write_card
from rpchat.exchange.fields import LISTS, TEXTS
from rpchat.exchange.values import Target
from rpchat.story.card import Card
from tests.exchange.makers import (
    PICTURE,
    as_json,
    bytes_of_assets,
    cards,
    charx,
    extensions,
    keys,
    names,
    png,
    texts,
    v2_card,
    v3_card,
    values,
)

TARGETS: tuple[Target, ...] = get_args(Target)
EXAMPLES = int(os.environ.get("RPCHAT_EXAMPLES", "20"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

MIRRORED = {*TEXTS, *LISTS, "extensions", "spec", "spec_version", "data", "fav", "creatorcomment", "talkativeness"}


def without(values: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names}


foreign_data = st.fixed_dictionaries(
    {"name": names},
    optional={
        "description": texts,
        "first_mes": texts,
        "alternate_greetings": st.lists(texts, max_size=3),
        "tags": st.lists(texts, max_size=3),
        "extensions": extensions,
        "nickname": texts,
        "character_book": values,
        "assets": st.lists(values, min_size=1, max_size=2),
        "source": values,
        "creation_date": st.integers(0, 2**40),
        "group_only_greetings": st.lists(texts, min_size=1),
    },
)


@pytest.mark.parametrize("target", TARGETS)
@many
@given(card=cards)
@example(card=Card(name="Bo", extensions={"tavern": {}, "talkativeness": None}))
def test_a_card_comes_back_as_it_was(target: Target, card: Card) -> None:
    written = write_card(card, target)
    read = read_card(written.data, name="card")
    assert read.card == card
    assert write_card(read.card, target).data == written.data
    assert read.kind == target.partition("-")[0]


LOOKALIKES: tuple[dict[str, object], ...] = (
    {"tavern": 5},
    {"tavern": {"file": {}}},
    {"tavern": {"file": {"spec": "x"}}},
    {"tavern": {"data": {"name": "B"}}},
    {"tavern": {"data": {"assets": []}}},
    {"tavern": {"extensions": {"world": "W"}}},
    {"tavern": {"extensions": {"tavern": {"file": {"a": 1}}}}},
    {"rpchat": {"fields": {"summary": "S"}}},
    {"rpchat": {"extensions": {"world": "W"}}, "world": "V"},
    {"talkativeness": "0.3"},
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("lookalike", LOOKALIKES, ids=str)
def test_an_extension_that_looks_like_a_parcel_of_ours_stays_what_it_is(
    target: Target, lookalike: dict[str, object]
) -> None:
    card = Card(name="A", extensions=lookalike)
    assert read_card(write_card(card, target).data, name="a").card == card


@pytest.mark.parametrize("target", TARGETS)
@many
@given(data=foreign_data, unknown=st.dictionaries(keys, values, max_size=3), beside=st.dictionaries(keys, values))
def test_what_we_do_not_know_survives_any_number_of_journeys(
    target: Target, data: dict[str, object], unknown: dict[str, object], beside: dict[str, object]
) -> None:
    file = {**beside, "spec": "chara_card_v3", "spec_version": "3.0", "data": {**unknown, **data}}
    first = read_card(as_json(file), name="card").card
    second = read_card(write_card(first, target).data, name="card").card
    assert second == first
    again = json.loads(write_card(second, "json-v3").data)
    assert {key: again[key] for key in beside.keys() - MIRRORED} == without(beside, MIRRORED)
    rest = without({**unknown, **data}, {*MIRRORED, "group_only_greetings", "assets"})
    assert {key: again["data"].get(key) for key in rest} == rest


@pytest.mark.parametrize("target", ["png", "charx"])
@many
@given(card=cards, assets=bytes_of_assets, avatar=st.sampled_from([PICTURE, png(b"")]))
def test_picture_and_files_come_back_as_they_were(
    target: Target, card: Card, assets: dict[str, bytes], avatar: bytes
) -> None:
    card = replace(card, extensions={})
    written = write_card(card, target, avatar=avatar, assets=assets)
    read = read_card(written.data, name="card")
    assert (read.card, read.avatar, dict(read.assets)) == (card, avatar, assets)
    assert not [line for line in written.report if "asset" in line or "avatar" in line]


BOOK = {
    "name": "Harbour", "extensions": {"risu_fullWordMatching": True}, "token_budget": 512, "odd": [1.5, None],
    "entries": [{"keys": ["fog"], "content": "@@depth 3\nFog.", "extensions": {"position": 4, "x": {"y": []}},
                 "enabled": True, "insertion_order": 100, "use_regex": False, "id": "a", "unheard": "of"}],
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_a_book_comes_back_to_the_last_key(target: Target) -> None:
    read = read_card(as_json(v3_card(character_book=BOOK)), name="card")
    back = read_card(write_card(read.card, target).data, name="card")
    assert json.loads(write_card(back.card, "json-v2").data)["data"]["character_book"] == BOOK


def test_a_v3_card_goes_through_v2_and_loses_nothing() -> None:
    more = {
        "nickname": "Mi",
        "source": ["https://example.org/1"],
        "creation_date": 17,
        "group_only_greetings": ["Hi"],
        "creator_notes_multilingual": {"ja": "メモ"},
        "assets": [{"type": "icon", "uri": "ccdefault:"}],
    }
    card = read_card(as_json(v3_card(**more)), name="card").card
    older = write_card(card, "json-v2")
    assert not json.loads(older.data)["data"].keys() & more.keys()
    assert len(older.report) == len(more)
    assert all("V2 has no field" in line for line in older.report)
    newer = json.loads(write_card(read_card(older.data, name="card").card, "json-v3").data)
    assert {key: newer["data"][key] for key in more} == more


def test_a_sheet_is_read_by_other_programs_and_comes_back() -> None:
    card = Card(name="Mio", sheet={"年齢": "24", "Likes": ("tea", "rain")}, description="Quiet.", language="ja")
    written = write_card(card, "json-v2")
    values = json.loads(written.data)
    assert values["data"]["description"] == "年齢: 24\nLikes: tea, rain\n\nQuiet."
    assert written.report == (
        "The sheet is written into the description as text",
        "V2 has no field for `language`: only rpchat reads it back",
    )
    values["data"]["description"] += " Very."
    read = read_card(as_json(values), name="card")
    assert read.card.description == "年齢: 24\nLikes: tea, rain\n\nQuiet. Very."
    assert read.card.sheet == {}
    assert read.card.language == "ja"
    assert len(read.notes) == 1


@pytest.mark.parametrize(
    ("target", "spec", "number"),
    [
        ("json-v2", "chara_card_v2", "2.0"),
        ("json-v3", "chara_card_v3", "3.0"),
    ],
)
def test_what_a_file_must_have_is_there(target: Target, spec: str, number: str) -> None:
    values = json.loads(write_card(Card(name="A"), target).data)
    data = values.pop("data")
    assert values == {"spec": spec, "spec_version": number}
    wanted = {*TEXTS, *LISTS, "extensions"} - {"nickname"}
    assert data.keys() == wanted | ({"group_only_greetings"} if target == "json-v3" else set())


def test_both_versions_stand_in_a_png() -> None:
    from base64 import b64decode
    from io import BytesIO

    from PIL import Image

    written = write_card(Card(name="A"), "png")
    with Image.open(BytesIO(written.data)) as image:
        image.load()
        assert image.size == (400, 600)
        texts = {key: json.loads(b64decode(text)) for key, text in image.info.items()}
    assert {key: text["spec"] for key, text in texts.items()} == {"chara": "chara_card_v2", "ccv3": "chara_card_v3"}
    assert written.report == ("There is no avatar: the file shows a plain picture",)


@pytest.mark.parametrize("encoding", ["JPEG", "WEBP", "GIF"])
def test_pictures_of_other_kinds_become_a_png_and_stay_what_they_are_in_an_archive(encoding: str) -> None:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (8, 12), "red").save(out, encoding)
    written = write_card(Card(name="A"), "png", avatar=out.getvalue())
    assert len(written.report) == 1
    assert "is written as a PNG" in written.report[0]
    picture = read_card(written.data, name="card").avatar
    assert picture is not None
    with Image.open(BytesIO(picture)) as image:
        assert image.size == (8, 12)
    archived = write_card(Card(name="A"), "charx", avatar=out.getvalue())
    assert archived.report == ()
    assert read_card(archived.data, name="card").avatar == out.getvalue()


def test_the_icon_of_a_charx_is_the_avatar_and_stays_an_asset() -> None:
    icons = [{"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"},
             {"type": "icon", "uri": "embeded://assets/icon/image/1.png", "name": "other", "ext": "png"}]  # fmt: skip
    files = {"assets/icon/image/1.png": PICTURE, "module.risum": b"\0\1"}
    read = read_card(charx(v3_card(assets=icons), files), name="card")
    assert (read.avatar, dict(read.assets)) == (PICTURE, files)
    written = write_card(read.card, "charx", avatar=read.avatar, assets=read.assets)
    back = read_card(written.data, name="card")
    assert (back.card, back.avatar, dict(back.assets)) == (read.card, read.avatar, files)


def test_a_file_that_cannot_hold_files_says_so() -> None:
    targets: tuple[Target, ...] = ("json-v2", "json-v3", "yaml")
    for target in targets:
        report = write_card(Card(name="A"), target, avatar=PICTURE, assets={"a": b""}).report
        assert [line.split(":")[0][-11:] for line in report] == ["no pictures", "ds no files"]
    assert write_card(Card(name="A"), "png", avatar=PICTURE, assets={"長い": b"", "x" * 70: b""}).report == (
        "2 assets have names that a PNG cannot hold and are left out",
    )
    assert len(write_card(Card(name="A"), "charx", assets={"../a": b"", "card.json": b""}).report) == 2


def test_a_card_that_yaml_cannot_hold_is_refused_and_told_where_to_go() -> None:
    with pytest.raises(FileError, match=r"^A cannot be written as YAML: .* Write it as JSON or PNG$"):
        write_card(Card(name="A", extensions={"a": 10**60}), "yaml")


def test_infinite_numbers_become_text_in_json() -> None:
    card = read_card(b"name: A\nextensions: {far: .inf, near: [1.5]}\n", name="a.yaml").card
    assert read_card(write_card(card, "yaml").data, name="a").card == card
    written = write_card(card, "json-v2")
    assert written.report == ("JSON has no infinite numbers: they are written as text",)
    assert read_card(written.data, name="a").card.extensions == {"far": "inf", "near": [1.5]}


def test_a_card_edited_by_another_program_is_taken_as_it_is_now() -> None:
    values = json.loads(write_card(Card(name="A", nickname="Al", summary="One."), "json-v2").data)
    values["data"]["name"] = "B"
    values["data"]["nickname"] = "Bo"
    values["data"]["extensions"]["fav"] = True
    card = read_card(as_json(values), name="a").card
    assert (card.name, card.nickname, card.summary, card.extensions) == ("B", "Bo", "One.", {"fav": True})


def test_a_v2_card_stays_a_v2_card() -> None:
    file = v2_card(extensions={"depth_prompt": {"prompt": "p", "depth": 4, "role": "system"}, "world": "W"}, zzz=[1])
    written = json.loads(write_card(read_card(as_json(file), name="a").card, "json-v2").data)
    assert written["data"].pop("extensions").pop("talkativeness") == 0.5
    assert {key: written["data"][key] for key in file["data"] if key != "extensions"} == {
        key: value for key, value in file["data"].items() if key != "extensions"
    }
