"""A prompt as rows of the inspector: pure, built once for a width, so that drawing a row is only looking it up.

Every row keeps where in the prompt its letters stand, so a hit of the search is found whatever is shown beside it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from rich.cells import cell_len

from rpchat.prompt.segment import Stops
from rpchat.prompt.tokens import Token, TokenOrigin
from rpchat.story.text import clean
from rpchat.story.turn import Turn
from rpchat.tui.wrap import breaks

Look = TokenOrigin | Literal["id", "mark"]
"""How a piece is drawn: by what its tokens are there for, or as something that is not in the prompt itself."""

LABELLED: tuple[TokenOrigin, ...] = ("setup", "lore", "note", "history", "cue")
"""The origins that are named in the margin; the format's own text stands between them."""

NEWLINE, SPACE, TAB = "↵", "·", "⇥"
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Glyph:
    """The fewest neighbouring tokens that make whole characters, or one control token."""

    text: str
    ids: tuple[int, ...]
    origin: TokenOrigin
    first: int
    """The place of its first token."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of letters that look alike. `start` is its place in the searched text, -1 where it has none."""

    text: str
    look: Look
    start: int = _NOWHERE


@dataclass(frozen=True, slots=True)
class Row:
    """One row of pieces."""

    pieces: tuple[Piece, ...]
    part: str = ""
    """What the prompt is at here; empty before the first part."""
    part_begins: bool = False
    reading_begins: bool = False


@dataclass(frozen=True)
class Rows:
    """All rows of a view, and the text that the search looks through."""

    rows: tuple[Row, ...]
    text: str = ""

    @cached_property
    def _starts(self) -> list[int]:
        """Where in the text each row begins; a row without letters begins where the one before it ends."""
        starts: list[int] = []
        end = 0
        for row in self.rows:
            own = [piece for piece in row.pieces if piece.start != _NOWHERE]
            starts.append(own[0].start if own else end)
            end = own[-1].start + len(own[-1].text) if own else end
        return starts

    def row_of(self, place: int) -> int:
        """Return the number of the row in which a place of the text stands."""
        return max(0, bisect_right(self._starts, place) - 1)

    def find(self, wanted: str) -> list[tuple[int, int]]:
        """Return the places `(start, end)` of `wanted`, in any case; none for an empty text."""
        if not wanted:
            return []
        return [match.span() for match in re.finditer(re.escape(wanted), self.text, re.IGNORECASE)]


def glyphs(tokens: Sequence[Token]) -> list[Glyph]:
    """Return the tokens as characters: those that are only parts of one are joined."""
    found: list[Glyph] = []
    decoder = getincrementaldecoder("utf-8")(errors="replace")
    ids: list[int] = []
    text = ""
    for at, token in enumerate(tokens):
        if token.origin == "control":
            found.append(Glyph(f"⟨{token.name}⟩", (token.id,), "control", at))
            continue
        ids.append(token.id)
        # What follows a control token, or nothing at all, completes no character.
        last = at + 1 == len(tokens) or tokens[at + 1].origin == "control"
        text += decoder.decode(token.piece, final=last)
        if last or not decoder.getstate()[0]:
            found.append(Glyph(clean(text), tuple(ids), tokens[at - len(ids) + 1].origin, at - len(ids) + 1))
            ids, text = [], ""
    return found


def prompt_rows(tokens: Sequence[Token], *, width: int, ids: bool, reused: int) -> Rows:
    """Return the prompt in rows of at most `width` cells; with `ids`, the ids stand behind each token.

    Reading begins at token number `reused`.
    """
    told = glyphs(tokens)
    unread = next((place for place, glyph in _placed(told) if glyph.first + len(glyph.ids) > reused), None)
    rows: list[Row] = []
    part = ""
    for line in _lines(told, ids=ids):
        for pieces in _wrapped(line if ids else _with_end_marked(line), width):
            named = next((piece.look for piece in pieces if piece.look in LABELLED and piece.text.strip()), part)
            begins = unread is not None and _holds(pieces, unread)
            rows.append(Row(pieces, named, named != part, begins))
            part = named
    return Rows(tuple(rows), "".join(glyph.text for glyph in told))


def turn_rows(turns: Sequence[Turn], *, width: int) -> Rows:
    """Return turns that are not in the prompt: each speaker's name, then what was said."""
    lines: list[list[Piece]] = []
    text = ""
    for turn in turns:
        lines.append([Piece(turn.speaker, "control")])
        for line in turn.text.split("\n"):
            lines.append([Piece(line, "history", len(text))])
            text += line + "\n"
        lines.append([])
    return Rows(tuple(Row(pieces) for line in lines for pieces in _wrapped(line, width)), text)


def stop_rows(stops: Stops, *, width: int) -> Rows:
    """Return what ends the reply, by kind."""
    lines: list[list[Piece]] = []
    text = ""
    for title, marks in (
        ("As a control token (?: where the model has it as one)", [f"⟨{name}⟩" for name in stops.control]),
        ("Anywhere", stops.any),
        ("At the start of a line", stops.line),
    ):
        lines.append([Piece(title if marks else f"{title}: nothing", "mark")])
        for mark in marks:
            shown = f"  {mark.replace(chr(10), NEWLINE)}"
            lines.append([Piece(shown, "control" if title.startswith("As") else "history", len(text))])
            text += shown + "\n"
        lines.append([])
    return Rows(tuple(Row(pieces) for line in lines for pieces in _wrapped(line, width)), text)


def _placed(told: Iterable[Glyph]) -> Iterator[tuple[int, Glyph]]:
    place = 0
    for glyph in told:
        yield place, glyph
        place += len(glyph.text)


def _lines(told: Iterable[Glyph], *, ids: bool) -> Iterator[list[Piece]]:
    """Yield the lines of the prompt, each with a mark for the newline that ends it."""
    line: list[Piece] = []
    for place, glyph in _placed(told):
        numbers = [Piece(f"‹{' '.join(map(str, glyph.ids))}›", "id")] if ids else []
        *ended, rest = glyph.text.split("\n")
        for at, part in enumerate(ended):
            last = at + 1 == len(ended) and not rest
            _add(line, Piece(part.replace("\t", TAB), glyph.origin, place))
            place += len(part)
            line += [Piece(NEWLINE, "mark", place), *(numbers if last else [])]
            yield line
            place += 1
            line = []
        if rest or not ended:
            _add(line, Piece(rest.replace("\t", TAB), glyph.origin, place))
            line += numbers
    yield line


def _add(line: list[Piece], piece: Piece) -> None:
    """Put a piece at the end of a line, into the last one where they look alike."""
    if line and line[-1].look == piece.look != "control" and line[-1].start + len(line[-1].text) == piece.start:
        line[-1] = replace(line[-1], text=line[-1].text + piece.text)
    elif piece.text:
        line.append(piece)


def _with_end_marked(line: list[Piece]) -> list[Piece]:
    """Return the line with the space at its end made visible: a model reads it, and a reader would not see it."""
    at = len(line) - 2 if line and line[-1].look == "mark" else len(line) - 1
    if at < 0:
        return line
    piece = line[at]
    kept = piece.text.rstrip(" ")
    spaces = Piece(SPACE * (len(piece.text) - len(kept)), "mark", piece.start + len(kept))
    return [*line[:at], *(part for part in (replace(piece, text=kept), spaces) if part.text), *line[at + 1 :]]


def _wrapped(line: Sequence[Piece], width: int) -> Iterator[tuple[Piece, ...]]:
    """Yield the rows of a line; an empty line is one row."""
    has_ids = any(piece.look == "id" for piece in line)
    ends = _unit_breaks(line, width) if has_ids else breaks("".join(piece.text for piece in line), max(2, width))
    row: list[Piece] = []
    at = 0
    coming = iter(ends)
    end = next(coming, None)
    for piece in line:
        rest = piece
        while end is not None and at + len(rest.text) > end:
            before, rest = _split(rest, end - at)
            yield tuple([*row, before] if before.text else row)
            row, at, end = [], end, next(coming, None)
        row.append(rest)
        at += len(rest.text)
    yield tuple(row)


def _unit_breaks(line: Sequence[Piece], width: int) -> list[int]:
    """Return where rows begin if a token and its id are kept together wherever a row has room for both."""
    found: list[int] = []
    unit, at, used = "", 0, 0
    for piece in line:
        unit += piece.text
        if piece.look != "id" and piece is not line[-1]:
            continue
        cells = cell_len(unit)
        if used and used + cells > width:
            found.append(at)
            used = 0
        inside = breaks(unit, max(2, width))
        found += [at + index for index in inside]
        used = cell_len(unit[inside[-1] :]) if inside else used + cells
        at += len(unit)
        unit = ""
    return found


def _split(piece: Piece, at: int) -> tuple[Piece, Piece]:
    place = piece.start + at if piece.start != _NOWHERE else _NOWHERE
    return replace(piece, text=piece.text[:at]), replace(piece, text=piece.text[at:], start=place)


def _holds(pieces: Iterable[Piece], place: int) -> bool:
    return any(piece.start != _NOWHERE and piece.start <= place < piece.start + len(piece.text) for piece in pieces)
