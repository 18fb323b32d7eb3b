from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rpchat.errors import FileError
from rpchat.exchange.lorebooks import (
    BookVersion,
    LorebookTarget,
    character_book,
    is_lorebook,
    lorebook_of,
    read_lorebook,
    write_lorebook,
)
from rpchat.exchange.lorebooks.fields import FLAT_NAMES, INNER_NAMES, WORLD_NAMES
from rpchat.story.lorebook import CharacterFilter, Decorator, Lorebook, LoreEntry
from rpchat.story.text import clean
from tests.exchange.lore_makers import books, unknown_in_entries, unknown_inside
from tests.exchange.makers import as_json
from tests.exchange.test_mutants import mutated

MUTANTS = int(os.environ.get("RPCHAT_MUTANTS", "2000"))
EXAMPLES = int(os.environ.get("RPCHAT_EXAMPLES", "40"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

TARGETS: tuple[LorebookTarget, ...] = get_args(LorebookTarget)
VERSIONS: tuple[BookVersion, ...] = get_args(BookVersion)


@pytest.mark.parametrize("target", TARGETS)
@many
@given(book=books)
def test_a_book_comes_back_as_it_was(target: LorebookTarget, book: Lorebook) -> None:
    written = write_lorebook(book, target)
    read = read_lorebook(written.data, name="book")
    assert read.book == book
    assert read.notes == ()
    assert write_lorebook(read.book, target).data == written.data


@pytest.mark.parametrize("version", VERSIONS)
@many
@given(book=books)
def test_a_book_in_a_card_comes_back_as_it_was(version: BookVersion, book: Lorebook) -> None:
    told = json.loads(json.dumps(character_book(book, version)))
    assert lorebook_of(told, name="book").book == book


@many
@given(book=books)
def test_a_book_goes_through_every_form_and_loses_nothing(book: Lorebook) -> None:
    on_the_way = book
    for target in TARGETS:
        on_the_way = read_lorebook(write_lorebook(on_the_way, target).data, name="book").book
    assert on_the_way == book


@many
@given(flat=unknown_in_entries, inner=unknown_inside, keys=st.lists(st.text(max_size=5).map(clean), max_size=2))
def test_what_we_do_not_know_survives_in_both_forms(
    flat: dict[str, object], inner: dict[str, object], keys: list[str]
) -> None:
    card_book = {"entries": [{**flat, "keys": keys, "content": "", "id": 4, "extensions": inner}], "odd": flat}
    book = lorebook_of(card_book, name="book").book
    world = json.loads(write_lorebook(book, "sillytavern").data)
    again = character_book(read_lorebook(as_json(world), name="world").book, "V2")
    entry = again["entries"][0]  # type: ignore[index]
    assert {key: entry[key] for key in flat} == flat
    assert {key: entry["extensions"][key] for key in inner} == inner
    assert (entry["keys"], entry["id"], again["odd"]) == (keys, 4, flat)


# Field mapping

WORLD: dict[str, Any] = {
    "uid": 7, "key": ["fog"], "keysecondary": ["night"], "comment": "Fog", "content": "Thick.", "constant": True,
    "vectorized": True, "selective": True, "selectiveLogic": 3, "order": 90, "position": 4, "disable": True,
    "excludeRecursion": True, "preventRecursion": True, "delayUntilRecursion": 2, "matchPersonaDescription": True,
    "matchScenario": True, "probability": 40, "useProbability": False, "depth": 2, "outletName": "o", "group": "a,b",
    "groupOverride": True, "groupWeight": 55, "scanDepth": 3, "caseSensitive": False, "matchWholeWords": True,
    "useGroupScoring": False, "automationId": "x", "role": 2, "sticky": 1, "cooldown": 2, "delay": 3,
    "displayIndex": 9, "characterFilter": {"isExclude": True, "names": ["mio"], "tags": ["t"]},
    "triggers": ["normal"], "ignoreBudget": True, "addMemo": True, "odd": [1],
}  # fmt: skip

ENTRY = LoreEntry(
    id=7, keys=("fog",), secondary_keys=("night",), comment="Fog", content="Thick.", constant=True, vectorized=True,
    selective=True, logic="all", order=90, position="at_depth", enabled=False, exclude_recursion=True,
    prevent_recursion=True, delay_until_recursion=2, sources=("persona", "scenario"), probability=40,
    use_probability=False, depth=2, outlet="o", group="a,b", group_override=True, group_weight=55, scan_depth=3,
    case_sensitive=False, whole_words=True, group_scoring=False, automation_id="x", role="char", sticky=1, cooldown=2,
    delay=3, display_index=9, character_filter=CharacterFilter(names=("mio",), tags=("t",), exclude=True),
    triggers=("normal",), ignore_budget=True, carried={"addMemo": True, "odd": [1]},
)  # fmt: skip


def test_every_field_of_a_world_info_entry_is_understood_and_written_again() -> None:
    read = read_lorebook(as_json({"entries": {"7": WORLD}}), name="w")
    assert read.book.entries == (ENTRY,)
    assert read.dialect == "SillyTavern"
    written = json.loads(write_lorebook(read.book, "sillytavern").data)["entries"]["7"]
    assert {key: written[key] for key in WORLD} == WORLD


def test_the_same_entry_in_a_card_has_the_names_sillytavern_gives_it() -> None:
    entry = character_book(Lorebook(entries=(ENTRY,)), "V2")["entries"][0]  # type: ignore[index]
    assert (entry["keys"], entry["secondary_keys"], entry["insertion_order"]) == (["fog"], ["night"], 90)
    assert (entry["enabled"], entry["position"], entry["case_sensitive"]) == (False, "after_char", False)
    inner = entry["extensions"]
    assert (inner["position"], inner["selectiveLogic"], inner["useProbability"], inner["role"]) == (4, 3, False, 2)
    assert inner.keys() >= {"exclude_recursion", "match_scenario", "use_group_scoring", "outlet_name", "scan_depth"}
    assert not inner.keys() & (WORLD_NAMES - INNER_NAMES)
    assert not entry.keys() & (WORLD_NAMES - FLAT_NAMES - {"odd", "addMemo"})


@pytest.mark.parametrize(
    ("flat", "inner", "position"),
    [
        ({"position": "before_char"}, {"position": 4}, "at_depth"),
        ({"position": "before_char"}, {"position": 0}, "before_card"),
        ({"position": "after_char"}, {"position": 0}, "before_card"),
        ({"position": "before_char"}, {}, "before_card"),
        ({"position": "after_char"}, {}, "after_card"),
        ({"position": ""}, {}, "after_card"),
        ({}, {}, "after_card"),
        ({}, {"position": None}, "after_card"),
    ],
)
def test_the_position_in_the_extensions_wins(flat: dict[str, Any], inner: dict[str, Any], position: str) -> None:
    read = lorebook_of({"entries": [{"keys": ["a"], "content": "", "extensions": inner, **flat}]}, name="b")
    assert read.book.entries[0].position == position


def test_case_counts_as_the_specification_says_it_and_as_sillytavern_does() -> None:
    for entry in ({"case_sensitive": True, "extensions": {}}, {"extensions": {"case_sensitive": True}}):
        read = lorebook_of({"entries": [{"keys": ["a"], "content": "", **entry}]}, name="b")
        assert read.book.entries[0].case_sensitive is True


def test_the_smallest_world_has_the_defaults() -> None:
    least = {"uid": 0, "key": ["a"], "keysecondary": [], "comment": "", "content": "b", "constant": False,
             "selective": False, "order": 100, "position": 0, "disable": False}  # fmt: skip
    read = read_lorebook(as_json({"entries": {"0": least}}), name="w")
    assert read.book == Lorebook(entries=(LoreEntry(id=0, keys=("a",), content="b"),))


def test_a_book_that_was_in_a_card_goes_back_into_it_whole() -> None:
    entry = {"id": 3, "keys": ["k"], "content": "c", "own": 1, "extensions": {"far": [2]}}
    original = {"name": "Old", "unheard": 1, "extensions": {"z": 1}, "entries": [entry]}
    world = {"entries": {"3": {**WORLD, "uid": 3, "content": "new"}}, "originalData": original}
    book = read_lorebook(as_json(world), name="w").book
    told = character_book(book, "V2")
    again = told["entries"][0]  # type: ignore[index]
    assert (told["name"], told["unheard"], "originalData" in told) == ("Old", 1, False)
    assert (again["own"], again["extensions"]["far"], again["content"]) == (1, [2], "new")
    assert json.loads(write_lorebook(book, "sillytavern").data)["originalData"] == original


# Decorators


def test_decorators_become_fields_or_are_kept() -> None:
    content = "@@depth 3\n@@role assistant\n@@activate_only_after 5\n@@@sticky 2\n@@dont_activate\nThe fog.\n@@depth 9"
    entry = lorebook_of({"entries": [{"keys": ["a"], "content": content}]}, name="b").book.entries[0]
    assert (entry.position, entry.depth, entry.role) == ("at_depth", 3, "char")
    assert entry.decorators == (
        Decorator(name="activate_only_after", value="5", fallbacks=(("sticky", "2"),)),
        Decorator(name="dont_activate"),
    )
    assert entry.content == "The fog.\n@@depth 9"
    book = Lorebook(entries=(entry,))
    v3 = character_book(book, "V3")["entries"][0]["content"]  # type: ignore[index]
    assert sorted(v3.split("\n")) == sorted(content.split("\n"))
    v2 = character_book(book, "V2")["entries"][0]["content"]  # type: ignore[index]
    assert v2 == "@@activate_only_after 5\n@@@sticky 2\n@@dont_activate\nThe fog.\n@@depth 9"


@pytest.mark.parametrize("content", ["@@depth x", "@@depth -1", "@@role king", "@@depth 99999999", "@@depth ٣"])
def test_a_decorator_that_says_nothing_usable_is_kept_as_it_is(content: str) -> None:
    entry = lorebook_of({"entries": [{"keys": ["a"], "content": content}]}, name="b").book.entries[0]
    name, _, value = content.removeprefix("@@").partition(" ")
    assert entry.decorators == (Decorator(name=name, value=value),)
    assert entry.position == "after_card"


@pytest.mark.parametrize("content", ["@@", "@@ depth 3", "@@@depth 3", "@@@@depth 3", " @@depth 3", ""])
def test_what_only_looks_like_a_decorator_stays_content(content: str) -> None:
    entry = lorebook_of({"entries": [{"keys": ["a"], "content": content}]}, name="b").book.entries[0]
    assert (entry.content, entry.decorators) == (content, ())


# Other programs' books

NOVELAI = {
    "lorebookVersion": 5, "settings": {"orderByKeyLocations": False},
    "entries": [{"text": "Fog.", "displayName": "Fog", "keys": ["fog", "/mist/i"], "forceActivation": True,
                 "enabled": False, "id": "a-b", "contextConfig": {"budgetPriority": 400, "prefix": ""}}],
}  # fmt: skip
AGNAI = {
    "kind": "memory", "name": "Harbour", "description": "Old.",
    "entries": [{"name": "Fog", "entry": "Fog.", "keywords": ["fog"], "weight": 3, "priority": 2, "enabled": True}],
}  # fmt: skip
RISU = {
    "type": "risu", "ver": 1,
    "data": [{"key": "fog, mist", "secondkey": "night", "insertorder": 30, "comment": "Fog", "content": "Fog.",
              "mode": "normal", "alwaysActive": True, "selective": True, "activationPercent": 60}],
}  # fmt: skip
V3 = {"spec": "lorebook_v3", "data": {"name": "H", "entries": [
    {"keys": ["fog"], "content": "Fog.", "extensions": {}, "enabled": True, "insertion_order": 5, "use_regex": True},
]}}  # fmt: skip


def test_books_of_other_programs_are_understood() -> None:
    novel = read_lorebook(as_json(NOVELAI), name="n")
    entry = novel.book.entries[0]
    assert (novel.dialect, entry.keys, entry.order, entry.enabled) == ("NovelAI", ("fog", "/mist/i"), 400, False)
    assert (entry.id, entry.comment, entry.content, entry.constant) == ("a-b", "Fog", "Fog.", True)
    assert novel.book.carried == {"lorebookVersion": 5, "settings": {"orderByKeyLocations": False}}

    agnai = read_lorebook(as_json(AGNAI), name="a")
    assert (agnai.dialect, agnai.book.name, agnai.book.description) == ("Agnai", "Harbour", "Old.")
    assert agnai.book.entries == (LoreEntry(keys=("fog",), content="Fog.", comment="Fog", order=3, priority=2),)

    risu = read_lorebook(as_json(RISU), name="r").book.entries[0]
    assert (risu.keys, risu.secondary_keys, risu.selective) == (("fog", "mist"), ("night",), True)
    assert (risu.probability, risu.order, risu.constant, risu.carried) == (60, 30, True, {"mode": "normal"})

    v3 = read_lorebook(as_json(V3), name="v")
    assert (v3.dialect, v3.book.name, v3.book.entries[0].use_regex) == ("V3", "H", True)


@pytest.mark.parametrize("file", [NOVELAI, AGNAI, RISU, V3, {"entries": {}}, {"entries": [{"key": "a"}]}])
def test_a_foreign_book_becomes_world_info_and_stays_the_same(file: dict[str, Any]) -> None:
    assert is_lorebook(file)
    book = read_lorebook(as_json(file), name="b").book
    numbered = replace(
        book,
        entries=tuple(replace(e, id=e.id if e.id is not None else at) for at, e in enumerate(book.entries)),
    )
    back = read_lorebook(write_lorebook(book, "v3").data, name="b").book
    assert replace(back, carried={}) == replace(book, carried={})
    world = json.loads(write_lorebook(replace(book, carried={}), "sillytavern").data)
    assert lorebook_of(world, name="b").book == replace(numbered, carried={})


# Odd and hostile


def test_wrong_values_are_left_out_with_a_line_each() -> None:
    odd = {"key": [1, "b"], "content": 5, "order": "12", "depth": [], "disable": "false", "probability": "many",
           "position": 99, "caseSensitive": {}, "sticky": "", "uid": True}  # fmt: skip
    read = read_lorebook(as_json({"entries": {"0": odd, "1": "no entry"}}), name="w")
    entry = read.book.entries[0]
    assert (entry.keys, entry.content, entry.order, entry.enabled) == (("1", "b"), "5", 12, True)
    assert (entry.depth, entry.probability, entry.position, entry.case_sensitive) == (4, 100, "outlet", None)
    assert read.notes == (
        "Entry 1: `caseSensitive` was not true or false and is left out",
        "Entry 1: `position` is 99 and taken as 7",
        "Entry 1: `depth` was not a number and is left out",
        "Entry 1: `probability` was not a number and is left out",
        "Entry 2 was no entry and is left out",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"null", b"5", b'{"entries": 5}', b'{"entries": [1]}', b'{"entries": {"0": 1}, "x": 1}',
        b'{"spec": "lorebook_v3"}', b'{"entries": [', b'{"entries": {"a": NaN}}', b"[" * 100_000,
        b'{"entries": [{"keys": ["a"], "order": ' + b"9" * 5000 + b"}]}",
        b'{"entries": {' + b",".join(b'"%d": {}' % n for n in range(400_000)) + b"}}",
        b'{"entries": {"0": {"key": ["a"], "key": ["b"]}}}', "entries: [é]".encode("utf-16"),
        b'{"entries": [{"keys": ["a"]}], "padding": "' + b"a" * (33 << 20) + b'"}',
    ],
    ids=range(17),
)  # fmt: skip
def test_what_is_no_book_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(FileError) as error:
        read_lorebook(data, name="world.json")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("world.json")


def test_a_book_of_too_many_entries_is_refused_and_very_many_notes_are_counted() -> None:
    with pytest.raises(FileError, match="too many entries: at most 5,000"):
        read_lorebook(as_json({"entries": [{"key": "a"}] * 5001}), name="w")
    notes = read_lorebook(as_json({"entries": [{"key": "a", "depth": "x"}] * 150}), name="w").notes
    assert len(notes) == 101
    assert notes[-1] == "And 50 lines more like these"


def test_a_hundred_decorators_are_enough() -> None:
    entry = {"keys": ["a"], "content": "@@a\n" + "@@@b\n" * 100_000}
    book = lorebook_of({"entries": [entry]}, name="b").book
    assert len(book.entries[0].decorators[0].fallbacks) == 99
    assert read_lorebook(write_lorebook(book, "v3").data, name="b").book.entries[0].content == book.entries[0].content


def test_foreign_text_is_clean_and_no_pattern_is_compiled() -> None:
    bad = "\x1b]52;c;x\x07/(a+)+$/\u202e"
    entry = {"key": [bad], "content": bad, "comment": bad, bad: {bad: [bad]}, "extensions": {bad: bad}}
    book = read_lorebook(as_json({"entries": {"0": entry}, bad: 1}), name="w").book
    assert clean(repr(book)) == repr(book)
    assert "\\x1b" not in repr(book)
    assert book.entries[0].keys == (clean(bad),)


SEEDS = [as_json(one) for one in ({"entries": {"7": WORLD, "8": {**WORLD, "uid": 8}}}, NOVELAI, AGNAI, RISU, V3)] + [
    as_json(character_book(Lorebook(name="B", entries=(ENTRY,)), "V3"))
]


def test_a_mutant_is_a_book_or_refused() -> None:
    outcomes = {"book": 0, "refused": 0}
    for number in range(MUTANTS):
        chance = random.Random(f"lorebook {number}")
        data = mutated(chance.choice(SEEDS), chance)
        try:
            read = read_lorebook(data, name="mutant")
        except FileError:
            outcomes["refused"] += 1
        else:
            outcomes["book"] += 1
            for target in TARGETS:
                again = read_lorebook(write_lorebook(read.book, target).data, name="again").book
                assert len(again.entries) == len(read.book.entries)
    assert min(outcomes.values()) > MUTANTS // 50, outcomes
