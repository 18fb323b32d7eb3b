"""One object of a foreign file, taken field by field: what was taken, what was odd, and what is left over.

Every reading is lenient. A field that holds nothing usable counts as left out, with a note.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from rpchat.exchange.loose import is_mapping, tags_of, text_of, texts_of
from rpchat.store.scalars import as_text, plain
from rpchat.story.text import one_line

T = TypeVar("T")

MOST_ITEMS = 5_000
"""Entries, personas or scripts in the largest file of them that is read."""

_LARGEST = float(1 << 53)
_MOST_LINES = 100
_LONGEST_NUMBER = 40
_WORDS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "": None}


class Taker:
    """Takes fields out of `values` by name; where several names are given, the first that holds something counts, and
    all of them count as taken. `what` stands in front of the notes."""

    def __init__(self, values: Mapping[str, object], *, what: str = "") -> None:
        self.notes: list[str] = []
        self._values = values
        self._taken: set[str] = set()
        self._what = f"{what}: " if what else ""

    def has(self, name: str) -> bool:
        """Whether a field is there and holds something."""
        return self._values.get(name) is not None

    def raw(self, *names: str) -> object:
        """Return what a field holds, whatever that is; None if it is not there."""
        return self._found(names)[1]

    def text(self, *names: str, default: str = "") -> str:
        """Return a text; a number as it was written, a list of texts as lines."""
        name, value = self._found(names)
        if value is None:
            return default
        text = text_of(plain(value) if isinstance(value, list) else value)
        return self._or(default, text, name, "a text")

    def texts(self, *names: str, commas: bool = False) -> tuple[str, ...]:
        """Return a list of texts; with `commas`, one text with commas between them will do."""
        name, value = self._found(names)
        return self._or((), tags_of(value) if commas else texts_of(value), name, "a list of texts")

    def flag(self, *names: str, default: bool = False) -> bool:
        """Return a yes or no."""
        found = self.maybe_flag(*names)
        return default if found is None else found

    def maybe_flag(self, *names: str) -> bool | None:
        """Return a yes or no, or None where the file leaves it open."""
        name, value = self._found(names)
        if value is None:
            return None
        text = as_text(value)
        word = text.strip().casefold() if isinstance(text, str) else "?"
        if word not in _WORDS:
            return self._or(None, None, name, "true or false")
        return _WORDS[word]

    def number(self, *names: str, default: float, low: float = -_LARGEST, high: float = _LARGEST) -> float:
        """Return a number, brought between `low` and `high`."""
        found = self.maybe_number(*names, low=low, high=high)
        return default if found is None else found

    def maybe_number(self, *names: str, low: float = -_LARGEST, high: float = _LARGEST) -> float | None:
        """Return a number between `low` and `high`, or None where the file leaves it open."""
        name, value = self._found(names)
        if value is None or value == "":
            return None
        number = number_of(value)
        if number is None:
            return self._or(None, None, name, "a number")
        if not low <= number <= high:
            self.notes.append(f"{self._what}`{name}` is {number:g} and taken as {min(max(number, low), high):g}")
            return min(max(number, low), high)
        return number

    def whole(self, *names: str, default: int, low: float = -_LARGEST, high: float = _LARGEST) -> int:
        """Return a whole number, brought between `low` and `high`."""
        found = self.maybe_whole(*names, low=low, high=high)
        return default if found is None else found

    def maybe_whole(self, *names: str, low: float = -_LARGEST, high: float = _LARGEST) -> int | None:
        """Return a whole number between `low` and `high`, or None where the file leaves it open."""
        number = self.maybe_number(*names, low=low, high=high)
        return None if number is None else int(number)

    def mapping(self, *names: str) -> dict[str, object]:
        """Return an object's fields; none if there is no such object."""
        name, value = self._found(names)
        if value is None:
            return {}
        held = {key: plain(item) for key, item in value.items()} if is_mapping(value) else None
        return self._or({}, held, name, "an object")

    def note(self, line: str) -> None:
        """Keep a line for the user."""
        self.notes.append(f"{self._what}{line}")

    def left(self) -> dict[str, object]:
        """Return the fields that nobody took, as they are."""
        return {key: plain(value) for key, value in self._values.items() if key not in self._taken}

    def missed(self, neutral: Mapping[str, tuple[object, ...]]) -> list[str]:
        """Return a line for each field that nobody took and somebody might miss.

        `neutral` names those that are not missed: at the values given, or where none is given, at any.
        """
        return [
            f"{self._what}`{one_line(key, 40)}` has no counterpart and is left out"
            for key, value in self.left().items()
            if value is not None and not (key in neutral and (not neutral[key] or value in neutral[key]))
        ]

    def _found(self, names: tuple[str, ...]) -> tuple[str, object]:
        self._taken.update(names)
        for name in names:
            value = self._values.get(name)
            if value is not None:
                return name, value
        return names[0], None

    def _or(self, default: T, value: T | None, name: str, wanted: str) -> T:
        if value is not None:
            return value
        self.notes.append(f"{self._what}`{one_line(name, 40)}` was not {wanted} and is left out")
        return default


def told_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """Return lines for the user, each once; of very many the first hundred, and how many more there are."""
    once = tuple(dict.fromkeys(lines))
    more = len(once) - _MOST_LINES
    return (*once[:_MOST_LINES], f"And {more:,} lines more like these") if more > 0 else once


def number_of(value: object) -> float | None:
    """Return a finite number, also one that is written as a text; None for anything else."""
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST or math.isnan(value):
        return None
    number = plain(value)
    assert isinstance(number, int | float)
    return number
