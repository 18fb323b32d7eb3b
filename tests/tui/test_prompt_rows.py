"""The rows of the inspector, from tokens: nothing of a prompt may be lost, doubled or hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from rpchat.prompt.segment import Stops
from rpchat.prompt.tokens import Token
from rpchat.tui.prompt_rows import Row, Rows, glyphs, prompt_rows, stop_rows

BOS = Token(1, b"", "control", "<s>")


def tokens(*texts: str | bytes, origin: str = "history") -> list[Token]:
    pieces = [text.encode() if isinstance(text, str) else text for text in texts]
    return [Token(10 + at, piece, origin) for at, piece in enumerate(pieces)]  # type: ignore[arg-type]


def shown(row: Row) -> str:
    return "".join(piece.text for piece in row.pieces)


def texts(rows: Rows) -> list[str]:
    return [shown(row) for row in rows.rows]


def test_parts_of_a_character_are_one() -> None:
    whole = "桜の".encode()
    found = glyphs(tokens(whole[:1], whole[1:2], whole[2:4], whole[4:]))
    assert [(glyph.text, glyph.ids) for glyph in found] == [("桜の", (10, 11, 12, 13))]


def test_what_never_becomes_a_character_swallows_nothing_behind_it() -> None:
    found = glyphs([*tokens(b"\xe6"), BOS, *tokens("a")])
    assert [glyph.text for glyph in found] == ["\ufffd", "⟨<s>⟩", "a"]


def test_control_tokens_and_line_ends_can_be_seen() -> None:
    rows = prompt_rows([BOS, *tokens("one \n", "\n", "two")], width=40, ids=False, reused=0)
    assert texts(rows) == ["⟨<s>⟩one·↵", "↵", "two"]


def test_space_at_the_very_end_can_be_seen() -> None:
    assert texts(prompt_rows(tokens("ASSISTANT: "), width=40, ids=False, reused=0)) == ["ASSISTANT:·"]


def test_ids_stand_behind_their_tokens() -> None:
    rows = prompt_rows([BOS, *tokens("one", b"\xe6\xa1", b"\x9c\n")], width=60, ids=True, reused=0)
    assert texts(rows) == ["⟨<s>⟩‹1›one‹10›桜↵‹11 12›", ""]


def test_the_margin_names_a_part_where_it_begins() -> None:
    told = [*tokens("sheet\n", origin="setup"), *tokens("[INST] ", origin="format"), *tokens("a\n", "b\n")]
    rows = prompt_rows([*told, *tokens("Mira:", origin="cue")], width=40, ids=False, reused=0)
    assert [row.part for row in rows.rows] == ["setup", "history", "history", "cue"]
    assert [row.part_begins for row in rows.rows] == [True, True, False, True]


@pytest.mark.parametrize(("reused", "row"), [(0, 0), (1, 1), (2, 2), (3, None)])
def test_reading_begins_in_one_row(reused: int, row: int | None) -> None:
    rows = prompt_rows(tokens("a\n", "b\n", "c"), width=40, ids=False, reused=reused)
    assert [at for at, one in enumerate(rows.rows) if one.reading_begins] == ([] if row is None else [row])


def test_a_hit_is_found_across_tokens_and_with_ids_between_them() -> None:
    rows = prompt_rows(tokens("The li", "ghthouse\n", "A LIGHT\n"), width=40, ids=True, reused=0)
    hits = rows.find("light")
    assert [rows.row_of(start) for start, _ in hits] == [0, 1]
    assert rows.find("") == []


def test_stops_are_told_by_kind() -> None:
    rows = texts(stop_rows(Stops(control=("</s>",), line=("Robin:",)), width=60))
    assert "  ⟨</s>⟩" in rows
    assert "  Robin:" in rows
    assert "Anywhere: nothing" in rows


@given(st.text(alphabet="ab 桜ー。\n\té", max_size=60), st.integers(2, 30), st.lists(st.integers(1, 5), max_size=60))
def test_every_letter_is_shown_once_and_no_row_is_too_wide(text: str, width: int, lengths: list[int]) -> None:
    data, pieces = text.encode(), []
    for length in lengths:
        pieces.append(data[:length])
        data = data[length:]
    told = tokens(*(piece for piece in [*pieces, data] if piece))
    rows = prompt_rows(told, width=width, ids=False, reused=0)
    assert rows.text == text
    assert "".join(texts(rows)).replace("·", " ") == text.replace("\n", "↵").replace("\t", "⇥")
    assert all(cell_len(one.rstrip(" ")) <= max(2, width) + 1 for one in texts(rows))
    for row in rows.rows:
        for piece in row.pieces:
            wanted = piece.text.replace("·", " ").replace("↵", "\n").replace("⇥", "\t")
            assert rows.text[piece.start : piece.start + len(piece.text)] == wanted


def test_a_token_and_its_id_stand_in_one_row() -> None:
    rows = prompt_rows(tokens("灯台", "の", "光が", "海を", "わたる"), width=14, ids=True, reused=0)
    assert texts(rows) == ["灯台‹10›の‹11›", "光が‹12›", "海を‹13›", "わたる‹14›"]


def test_a_token_wider_than_a_row_is_broken() -> None:
    rows = prompt_rows(tokens("a" * 25, "b"), width=10, ids=True, reused=0)
    assert "".join(texts(rows)) == "a" * 25 + "‹10›b‹11›"
    assert all(cell_len(one) <= 10 for one in texts(rows))
