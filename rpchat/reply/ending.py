"""How a reply ends: loops folded, broken sentences and dangling scene breaks trimmed, emptiness recognised."""

from __future__ import annotations

import re

from rpchat.story.text import last_sentence_end

_BREAK_AT_END = re.compile(r"(?:^|\n)[ \t]*(?:[-=~_*–—][ \t]*){3,}\s*$")
_NOTHING = re.compile(r"[\s「」『』“”\"'*_()（）]*")
_LOOP = re.compile(r"(.{4,400}?)\1{3,}", re.DOTALL)
_SHORTEST_LOOP = 24
_PUNCTUATION = re.compile(r"[^\w\s]")


def without_trailing_break(text: str) -> str:
    """Return `text` without a scene-break line (`---`, `* * *`) at its very end."""
    return _BREAK_AT_END.sub("", text).rstrip()


def to_last_sentence(text: str, *, keep: int = 0) -> str:
    """Return `text` up to its last finished sentence; unchanged if none ends behind index `keep`."""
    end = last_sentence_end(text)
    return text[:end] if end > keep else text


def without_loop(text: str) -> str | None:
    """Return `text` with one copy of what it repeats at its end, or None if it does not end in a loop.

    A loop is four or more equal stretches of at least four characters, 24 characters in all, reaching to the end but
    for a started copy.
    """
    for match in _LOOP.finditer(text):
        unit = match[1]
        tail = text[match.end() :]
        if len(match[0]) >= _SHORTEST_LOOP and unit.strip() and unit.startswith(tail.rstrip()):
            return text[: match.start() + _phrase_end(unit)].rstrip()
    return None


def _phrase_end(unit: str) -> int:
    """Where the first copy ends as a phrase: the search finds `. The light turned` in "One. The light turned. The …",
    so the copy is read on to its next punctuation mark."""
    for shift in range(len(unit)):
        if _PUNCTUATION.match(unit[shift - 1]):
            return len(unit) + shift
    return len(unit)


def says_nothing(text: str) -> bool:
    """Return whether nothing but space, quotes and marks is there: `「」` says nothing, `「……」` does."""
    return _NOTHING.fullmatch(text) is not None
