"""Which of many named things a search means, the likeliest first. Pure.

A word is found at the beginning of a name, of a word, inside one, or as letters in that order in a name; full and half
width, case, and hiragana and katakana are the same. `#word` looks at tags only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rpchat.story.text import fold

_KATAKANA = re.compile("[\u30a1-\u30f6]")
_KANA_APART = ord("ァ") - ord("ぁ")
_WORD_BEGINS = r"(?:^|[\s_\-・/,.(「『])"
_NOWHERE = 100
"""A word that is not in a thing at all; no sum of places in sight reaches it."""


class Named(Protocol):
    """What can be looked for."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def summary(self) -> str:
        """A line about it."""

    @property
    def tags(self) -> Sequence[str]:
        """What it is filed under."""


T = TypeVar("T", bound=Named)


@dataclass(frozen=True, slots=True)
class _Folded:
    name: str
    summary: str
    tags: tuple[str, ...]


def found(things: Iterable[T], wanted: str) -> list[T]:
    """Return the things that every word of `wanted` is found in, the best first; equals keep their order.

    An empty search finds all.
    """
    words = kana_folded(wanted).split()
    if not words:
        return list(things)
    ranked = [(rank, thing) for thing in things if (rank := _rank(thing, words)) < _NOWHERE]
    return [thing for _, thing in sorted(ranked, key=lambda one: one[0])]


def kana_folded(text: str) -> str:
    """Return the form in which searches compare: NFKC, without case, all kana as hiragana."""
    return _KATAKANA.sub(lambda match: chr(ord(match.group()) - _KANA_APART), fold(text))


def _rank(thing: Named, words: Sequence[str]) -> int:
    folded = _Folded(kana_folded(thing.name), kana_folded(thing.summary), tuple(kana_folded(tag) for tag in thing.tags))
    return max(_place(folded, word) for word in words) if words else 0


def _place(thing: _Folded, word: str) -> int:
    """Return how far from the best place the word is found; `_NOWHERE` if it is not there."""
    if word.startswith("#"):
        return next((0 for tag in thing.tags if word[1:] in tag), _NOWHERE)
    if thing.name.startswith(word):
        return 0 if thing.name == word else 1
    if re.search(_WORD_BEGINS + re.escape(word), thing.name):
        return 2
    if word in thing.name:
        return 3
    if word in thing.tags:
        return 4
    if any(word in tag for tag in thing.tags):
        return 5
    if word in thing.summary:
        return 6
    return 10 + _spread(thing.name, word) if len(word) > 1 and _spread(thing.name, word) >= 0 else _NOWHERE


def _spread(name: str, word: str) -> int:
    """Return how many other letters stand between those of the word, found in their order in the name; -1 if one is
    missing or they lie too far apart to be meant."""
    start = at = name.find(word[0])
    for letter in word[1:]:
        if at < 0:
            return -1
        at = name.find(letter, at + 1)
    between = at - start + 1 - len(word)
    return between if at >= 0 and between <= 2 * len(word) else -1
