from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpchat.story.macros import expand
from rpchat.story.text import clean, fold, last_sentence_end, one_line, sentence_ends

anything = st.text(st.characters(exclude_categories=()), max_size=60)


@given(anything)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(anything, anything)
def test_what_is_cleaned_in_parts_holds_nothing_a_terminal_obeys(left: str, right: str) -> None:
    for char in clean(left) + clean(right):
        code = ord(char)
        assert char in "\n\t" or (code >= 0x20 and not 0x7F <= code <= 0x9F)
        assert not 0xD800 <= code <= 0xDFFF
        assert not 0x202A <= code <= 0x202E
        assert not 0x2066 <= code <= 0x2069
        assert not 0xE0000 <= code <= 0xE007F


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\r\nb\rc\u2028d\u2029e\x85f", "a\nb\nc\nd\ne\nf"),
        ("\x1b]52;c;aGk=\x07", "]52;c;aGk="),
        ("\x9b31m", "31m"),
        ("a\u202eb\u2066c", "abc"),
        ("a\U000e0041b", "ab"),
        ("a\ud800b", "ab"),
        ("👩\u200d🚀 が か\u3099", "👩\u200d🚀 が か\u3099"),
        ("葛\U000e0100飾", "葛\U000e0100飾"),
        ("\ttab\n", "\ttab\n"),
    ],
)
def test_clean(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@given(anything, st.integers(1, 30))
def test_one_line_is_one_short_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_fold_knows_width_and_case() -> None:
    assert fold("ＳＡＫＵＲＡ") == fold("Sakura") == "sakura"
    assert fold("か\u3099") == fold("が")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("He waits. She", "He waits."),
        ("3.5 kilos", ""),
        ("「おはよう」と", "「おはよう」"),
        ("そうだね。でも", "そうだね。"),
        ('"Stop!" she', '"Stop!"'),
        ("la ♪ la", ""),
        ("ららら♪それ", "ららら♪"),
        ("", ""),
    ],
)
def test_last_sentence_end(text: str, told: str) -> None:
    assert text[: last_sentence_end(text)] == told


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('He waits. "No!" she said... And', ["He waits.", ' "No!"', " she said..."]),
        ("「はい。」と桜は言った。\n「うん」", ["「はい。」", "と桜は言った。", "\n「うん」"]),
        ("It weighs 3.5 kilos.", ["It weighs 3.5 kilos."]),
        ("la ♪ la", []),
        ("", []),
    ],
)
def test_sentence_ends(text: str, sentences: list[str]) -> None:
    ends = sentence_ends(text)
    assert [text[start:end] for start, end in pairwise([0, *ends])] == sentences


@given(anything)
def test_the_last_sentence_end_is_the_last_of_them(text: str) -> None:
    ends = sentence_ends(text)
    assert ends == sorted(set(ends))
    assert last_sentence_end(text) == (ends[-1] if ends else 0)


def test_macros_in_every_spelling() -> None:
    text = "{{char}} {{User}} {{ CHAR }} <BOT> <user> <CHAR>"
    assert expand(text, char="桜", user="悠人") == "桜 悠人 桜 桜 悠人 桜"


def test_a_name_that_looks_like_a_macro_is_a_name() -> None:
    assert expand("{{char}}", char="{{user}}", user="x") == "{{user}}"
    assert expand("{{char}}", char=r"\1\g<0>", user="x") == r"\1\g<0>"


def test_other_braces_stay() -> None:
    assert expand("{{random:a,b}} {char}", char="c", user="u") == "{{random:a,b}} {char}"
