"""Patterns found in text that is still arriving.

A `Scanner` walks over text from left to right. At each place it knows whether a pattern stands there, could still
come to stand there once more text arrives, or cannot. What could still is held back; so the outcome does not depend
on how the text was cut into pieces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import regex

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Kind]):
    """A pattern (in the syntax `re` and `regex` share, any case), where it counts, and what it means."""

    pattern: str
    kind: Kind
    at_line_start: bool = False
    """Counts only at the start of the text or of a line."""
    not_behind: tuple[str, ...] = ()
    """Text that, standing right in front, makes the match the tail of a longer name."""
    greedy: bool = False
    """The match may grow at its end: it is settled only when something stands behind it."""


@dataclass(frozen=True, slots=True)
class Found(Generic[Kind]):
    """A pattern at `start:end` of the scanned text."""

    start: int
    end: int
    kind: Kind


@dataclass(slots=True)
class Scanner(Generic[Kind]):
    """The text so far, and how far it is decided: nothing before `safe` will ever be a part of a match."""

    rules: Sequence[Rule[Kind]]
    before: str = ""
    """What already stands in front of the text: not scanned, but it counts for `not_behind`."""
    text: str = ""
    safe: int = 0
    pauses: str = ""
    """Characters behind which scanning pauses, so that what follows can be looked at in another way."""
    paused: bool = False
    """Whether it paused at one of them: more text may be there."""
    _line_at: int = 0
    _full: list[re.Pattern[str]] = field(init=False, repr=False)
    _inside: regex.Pattern[str] | None = field(init=False, repr=False)
    _line: regex.Pattern[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._full = [re.compile(rule.pattern, re.IGNORECASE) for rule in self.rules]
        self._inside = _either([rule.pattern for rule in self.rules if not rule.at_line_start])
        self._line = _either([rule.pattern for rule in self.rules])

    def add(self, text: str, *, last: bool = False) -> Found[Kind] | None:
        """Take more text; return the next match, or None when the rest is safe or held back.

        After a match the scan goes on behind it, and after a pause likewise: call again with "". `last` says that no
        more text comes, so nothing is held back.
        """
        self.text += text
        self.paused = False
        while self.safe < len(self.text):
            line_start = self.safe == self._line_at or self.text[self.safe - 1] == "\n"
            sieve = self._line if line_start else self._inside
            near = sieve.match(self.text, self.safe, partial=True) if sieve is not None else None
            if near is not None:
                found = self._full_match(line_start=line_start, last=last)
                if found is not None:
                    self.safe = found.end
                    return found
                if not last and self._waits(near):
                    return None
            self.safe += 1
            if self.text[self.safe - 1] in self.pauses:
                self.paused = True
                return None
        return None

    def begin_line(self) -> None:
        """Let what follows count as the start of a line: nothing in front of it on its line is shown."""
        self._line_at = self.safe

    def _full_match(self, *, line_start: bool, last: bool) -> Found[Kind] | None:
        for rule, full in zip(self.rules, self._full, strict=True):
            if rule.at_line_start and not line_start:
                continue
            match = full.match(self.text, self.safe)
            if match is None or match.end() == self.safe or self._is_tail(rule):
                continue
            if rule.greedy and match.end() == len(self.text) and not last:
                continue
            return Found(self.safe, match.end(), rule.kind)
        return None

    def _waits(self, near: regex.Match[str]) -> bool:
        # A whole match that `_full_match` did not take is either the tail of a longer name, which more text cannot
        # change, or a greedy one at the very end, which waits.
        return near.partial or (near.end() == len(self.text) and any(rule.greedy for rule in self.rules))

    def _is_tail(self, rule: Rule[Kind]) -> bool:
        front = (self.before + self.text[: self.safe]).casefold()
        return any(front.endswith(part.casefold()) for part in rule.not_behind)


def _either(patterns: Sequence[str]) -> regex.Pattern[str] | None:
    import regex  # slow to import, and only a reply needs it

    if not patterns:
        return None
    return regex.compile("|".join(f"(?:{pattern})" for pattern in patterns), regex.IGNORECASE)
