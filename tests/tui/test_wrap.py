from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from rpchat.tui.wrap import NOT_FIRST, NOT_LAST, breaks

LINES = st.text(alphabet="ab c、。」「（）ーっ漢字かな♪👩‍👧é-—", max_size=80)


def rows(line: str, width: int) -> list[str]:
    return [line[start:end] for start, end in pairwise([0, *breaks(line, width), len(line)])]


@given(LINES, st.integers(2, 30))
@example("\u200d\u200da、", 2)
def test_rows_are_the_line_and_fit(line: str, width: int) -> None:
    cut = rows(line, width)
    assert "".join(cut) == line
    assert all(cell_len(row.rstrip()) <= width for row in cut)


@given(LINES, st.integers(1, 30))
def test_no_row_is_empty(line: str, width: int) -> None:
    assert all(rows(line, width)) or not line


def test_no_row_begins_with_a_closing_character() -> None:
    line = "「おはようございます♪」(元気な声で返事をする。今日も、朝から、可愛い笑顔だ。)" * 6
    for width in range(8, 80):
        for row in rows(line, width)[1:]:
            assert row[0] not in NOT_FIRST, (width, row)
        for row in rows(line, width)[:-1]:
            assert row[-1] not in NOT_LAST, (width, row)


def test_english_breaks_at_spaces() -> None:
    assert rows("the quick brown fox", 10) == ["the quick ", "brown fox"]


def test_a_word_longer_than_the_row_is_cut() -> None:
    assert rows("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]


def test_a_wide_character_is_never_halved() -> None:
    assert rows("漢字漢字", 5) == ["漢字", "漢字"]


def test_only_closing_characters_are_cut_anyway() -> None:
    assert rows("。" * 12, 10) == ["。" * 5, "。" * 5, "。。"]


def test_a_family_stays_together() -> None:
    assert rows("👩‍👧" * 3, 4) == ["👩‍👧" * 2, "👩‍👧"]
