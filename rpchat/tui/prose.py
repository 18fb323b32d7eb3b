"""How a turn looks: speech, action, thought, emphasis and the field's other habits, found in plain text.

Two halves. `spans()` is pure: it cuts a text into pieces and names what each is; the pieces joined are the text again,
so nothing a model or a user wrote is ever swallowed. `to_content()` paints the pieces with the theme's variables.

A mark that is not closed yet runs to the end of its line (straight quotes, `*`, `_`) or of its paragraph (quotes and
parentheses with two different ends): a reply that is still being written looks as it will look when it is done.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Literal

from textual.content import Content
from textual.content import Span as ContentSpan

StyleName = Literal[
    "speech", "action", "thought", "emphasis", "scene", "feeling", "ooc", "quote", "fence", "loud", "mood", "mark"
]

PAINT: dict[StyleName, str] = {
    "speech": "$speech",
    "action": "$action italic",
    "thought": "$thought italic",
    "emphasis": "$emphasis bold",
    "scene": "$action italic",
    "feeling": "$thought italic",
    "ooc": "$ooc",
    "quote": "$quote italic",
    "fence": "$quote",
    "loud": "bold",
    "mood": "not italic",
    "mark": "$ooc not bold not italic",
}
"""What each style is painted with; the variables are the theme's."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text and the styles it stands in, outermost first."""

    text: str
    styles: tuple[StyleName, ...] = ()


@dataclass(frozen=True, slots=True)
class _Open:
    """A mark that is open: the characters that close it, and whether it may run over a single line break."""

    style: StyleName
    closer: str
    runs_on: bool = False
    dim: bool = False


_QUOTES = {"“": "”", "„": "“”", "「": "」", "『": "』", "«": "»", "‹": "›"}
_BRACKETS: dict[str, tuple[StyleName, str]] = {
    "((": ("ooc", "))"),
    "（（": ("ooc", "））"),
    "(": ("scene", ")"),
    "（": ("feeling", "）"),
}
_CAPITAL = "A-ZÀ-ÖØ-ÞΑ-ΩА-Я"
_MARK = re.compile(
    r"```|`|\*{1,3}|_{1,3}|''|[\"“”„「」『』«»‹›]"
    r"|\(\((?=\S)|（（|\)\)|））|[()（）]"
    r"|[\[({（](?=\s*(?i:ooc)\b)|(?<=\S)[\])}）]"
    rf"|(?<![^\W_])[{_CAPITAL}][{_CAPITAL}'’-]+[{_CAPITAL}](?![^\W_])"
)
_EMOJI_FRONT = re.compile(
    r"[ \t]*(?:[\U0001F1E6-\U0001F1FF]{2}"
    r"|[\u2600-\u27bf\U0001F300-\U0001FAFF][\ufe0f\U0001F3FB-\U0001F3FF]?"
    r"(?:\u200d[\u2600-\u27bf\U0001F300-\U0001FAFF]\ufe0f?)*){1,3}(?=\s|[\"“「『«*_(（]|$)"
)
_OOC = re.compile(r"[\[({（]\s*ooc\b", re.IGNORECASE)
_CLOSING = {"[": "]", "(": ")", "{": "}", "（": "）"}
_ROMAN = re.compile(r"[IVXLCDM]+")


def to_content(text: str, *, cursor: str = "") -> Content:
    """Return `text` painted. `cursor` is put behind it, unpainted, while a turn is being written."""
    painted: list[ContentSpan] = []
    start = 0
    for span in spans(text):
        end = start + len(span.text)
        painted += [ContentSpan(start, end, PAINT[style]) for style in span.styles]
        start = end
    return Content(text + cursor, painted)


def spans(text: str) -> Iterator[Span]:
    """Yield the pieces of `text` in order, no two neighbours in the same styles; joined they are `text`."""
    for styles, pieces in groupby(_pieces(text), key=attrgetter("styles")):
        yield Span("".join(piece.text for piece in pieces), styles)


def _pieces(text: str) -> Iterator[Span]:
    fenced = False
    carried: list[_Open] = []
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("```"):
            fenced, carried = not fenced, []
            yield Span(line, ("fence", "mark"))
        elif fenced:
            yield Span(line, ("fence",))
        else:
            reader = _Line(line, carried if line.strip() else [])
            yield from reader.read()
            carried = [opened for opened in reader.stack if opened.runs_on]


@dataclass(slots=True)
class _Line:
    """Reads one line; `stack` holds what is open, outermost first, and at the end what runs on."""

    line: str
    stack: list[_Open] = field(default_factory=list)
    done: int = 0

    def read(self) -> Iterator[Span]:
        yield from self._front()
        while match := _MARK.search(self.line, self.done):
            mark, at = match.group(), match.start()
            yield from self._plain(at)
            yield self._take(mark, at)
        yield from self._plain(len(self.line))

    def _front(self) -> Iterator[Span]:
        """A `>` or up to three emoji in front of a line say what the whole line is."""
        if quoted := re.match(r"[ \t]*>[ \t]?", self.line):
            self.stack = [_Open("quote", "")]
            yield self._cut(quoted.end(), "mark")
        elif emoji := _EMOJI_FRONT.match(self.line):
            yield self._cut(emoji.end(), "mood")

    def _plain(self, end: int) -> Iterator[Span]:
        if end > self.done:
            yield self._cut(end)

    def _cut(self, end: int, *more: StyleName) -> Span:
        piece = self.line[self.done : end]
        self.done = end
        return Span(piece, (*(opened.style for opened in self.stack), *more))

    def _take(self, mark: str, at: int) -> Span:
        """Decide what `mark` does here, and return it in the styles it is painted with."""
        end = at + len(mark)
        if mark[0].isalpha():
            return self._cut(end, *(("loud",) if not _ROMAN.fullmatch(mark) else ()))
        if self._closes(mark, at):
            return self._close(mark, end)
        opened = self._opens(mark, at)
        if opened is None:
            return self._cut(at + 1 if mark[0] in "()（）" else end)
        self.stack.append(opened)
        return self._cut(end, *(("mark",) if opened.dim else ()))

    def _closes(self, mark: str, at: int) -> bool:
        if not any(_fits(opened, mark) for opened in self.stack):
            return False
        if mark[0] in "*_":
            return not _blank(self._before(at)) and not self._inside_word(mark, at)
        return True

    def _close(self, mark: str, end: int) -> Span:
        depth = max(index for index, opened in enumerate(self.stack) if _fits(opened, mark))
        opened = self.stack[depth]
        del self.stack[depth + 1 :]
        if opened.closer and not opened.dim and len(mark) > len(opened.closer):
            end -= len(mark) - len(opened.closer)
        span = self._cut(end, *(("mark",) if opened.dim else ()))
        self.stack.pop()
        return span

    def _opens(self, mark: str, at: int) -> _Open | None:
        before, behind = self._before(at), self.line[at + len(mark) : at + len(mark) + 1]
        if _OOC.match(self.line, at):
            return _Open("ooc", _CLOSING[mark[0]] * len(mark), runs_on=True)
        if mark in _QUOTES:
            return _Open("speech", _QUOTES[mark], runs_on=True)
        if mark in _BRACKETS:
            style, closer = _BRACKETS[mark]
            word = before.isalnum() and not _wide(before)
            return None if word or before in (":", ";", "=") else _Open(style, closer, runs_on=True)
        if _blank(behind) and (behind or not _blank(before)):
            return None
        if mark == '"':
            return None if before.isdigit() else _Open("speech", '"')
        if mark == "''":
            return _Open("quote", "''")
        if mark == "`":
            return _Open("fence", "`", dim=True)
        return self._opens_star(mark, at) if mark[0] in "*_" else None

    def _opens_star(self, mark: str, at: int) -> _Open | None:
        if self._inside_word(mark, at):
            return None
        inner: StyleName = "action" if mark[0] == "*" else "thought"
        spoken = any(opened.style == "speech" for opened in self.stack)
        return _Open("emphasis" if len(mark) > 1 or spoken else inner, mark, dim=True)

    def _inside_word(self, mark: str, at: int) -> bool:
        """Whether the marks stand in the middle of a word of a script that writes spaces: `snake_case`, `f*ck`."""
        before, behind = self._before(at), self.line[at + len(mark) : at + len(mark) + 1]
        return all(side.isalnum() and not _wide(side) for side in (before, behind))

    def _before(self, at: int) -> str:
        return self.line[at - 1 : at] if at else ""


def _fits(opened: _Open, mark: str) -> bool:
    if opened.closer == "“”":
        return mark in opened.closer
    if opened.closer in (")", "）"):
        return mark.startswith(opened.closer)
    return mark == opened.closer


def _blank(character: str) -> bool:
    return not character or character.isspace()


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
