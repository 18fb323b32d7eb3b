from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpchat.tui.finding import found, kana_folded


@dataclass(frozen=True)
class Thing:
    name: str
    summary: str = ""
    tags: tuple[str, ...] = ()


MIRA = Thing("Mira Halloran", "Pilot of the last ferry", ("slow burn", "English"))
SAKURA = Thing("サクラ", "屋敷のメイド", ("日常", "メイド"))
TOCK = Thing("Professor Tock", "A brass automaton", ("comedy",))
MIRABEL = Thing("Admiral Bel", "Commands a ferry of her own", ("war",))
ALL = [MIRABEL, TOCK, SAKURA, MIRA]


def names(wanted: str) -> list[str]:
    return [thing.name for thing in found(ALL, wanted)]


def test_an_empty_search_finds_all_in_their_order() -> None:
    assert found(ALL, "  ") == ALL


@pytest.mark.parametrize("wanted", ["mira", "MIRA", "ＭＩＲＡ", "hallo", "mira ferry", "#slow", "slow burn"])
def test_a_card_is_found(wanted: str) -> None:
    assert "Mira Halloran" in names(wanted)


def test_the_beginning_of_a_name_comes_before_its_middle() -> None:
    assert names("mira") == ["Mira Halloran", "Admiral Bel"]


def test_a_word_of_a_name_comes_before_a_summary() -> None:
    assert names("bel") == ["Admiral Bel"]
    assert names("ferry") == ["Admiral Bel", "Mira Halloran"]


@pytest.mark.parametrize("wanted", ["さくら", "サクラ", "ｻｸﾗ", "メイド", "めいど", "#めいど", "屋敷"])
def test_kana_and_width_do_not_matter(wanted: str) -> None:
    assert names(wanted) == ["サクラ"]


def test_letters_in_order_are_found_where_they_stand_close() -> None:
    assert names("prtck") == ["Professor Tock"]
    assert names("pk") == []


def test_every_word_must_be_found() -> None:
    assert names("mira brass") == []
    assert names("#slow mira") == ["Mira Halloran"]
    assert names("#mira") == []


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_name_is_found_by_every_part_of_it(before: str, behind: str) -> None:
    part = kana_folded("ミオ")
    assert found([Thing(f"{before}ミオ{behind}")], part)
