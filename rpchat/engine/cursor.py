"""A place in the header of a GGUF file that moves on as the header is read.

Lengths and counts in a file are a stranger's word. Every one of them is held against the end of the file and against a
bound, before anything is allocated for it or walked through.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from rpchat.errors import ModelError

Scalar = bool | int | float | str

AGAIN = "Download it again."

_LONGEST_KEPT_LIST = 4096
"""Number lists up to this length are kept: they hold one value a layer."""
_LONGEST_KEPT_TEXT = 1 << 20
_MOST_KEPT = 1 << 25
"""Bytes of names, texts and short lists that are kept of one file. Real headers hold less than a megabyte."""
_MOST_STRINGS = 1 << 21
"""Strings in the lists of one file: more than twice the tokens and merges of the largest vocabulary."""
_COST_OF_A_NUMBER = 40

_STRING, _ARRAY = 8, 9
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_LENGTH_AT = struct.Struct("<Q").unpack_from


@dataclass(frozen=True, slots=True)
class Span:
    """A list that was passed over. `start` is where its first element stands, in bytes from the file's beginning."""

    kind: int
    """GGUF's number for the type of the elements."""
    count: int
    start: int

    def number(self, data: mmap.mmap, index: int) -> float | None:
        """Return one element of a list of numbers; None if there is none at `index`, or it is a list of strings."""
        form = _NUMBERS.get(self.kind)
        if form is None or not 0 <= index < self.count:
            return None
        value: float = struct.unpack_from(form, data, self.start + index * struct.calcsize(form))[0]
        return value

    def strings(self, data: mmap.mmap, lengths: frozenset[int]) -> Iterator[tuple[int, bytes]]:
        """Yield index and bytes of each element whose length is one of `lengths`; nothing for a list of numbers."""
        if self.kind != _STRING:
            return
        at, length_at = self.start, _LENGTH_AT
        for index in range(self.count):
            (length,) = length_at(data, at)
            at += 8
            if length in lengths:
                yield index, data[at : at + length]
            at += length


class Cursor:
    """A place in the header. Reading past the end raises IndexError, OverflowError or struct.error."""

    def __init__(self, data: mmap.mmap, label: str, *, at: int) -> None:
        self.at = at
        self._data = data
        self._label = label
        self._kept = 0
        self._strings = 0

    def damaged(self, what: str) -> ModelError:
        """Return the error for a header that says something impossible."""
        return ModelError(f"{self._label} is damaged: its header holds {what}", AGAIN)

    def number(self, form: str) -> int:
        """Read one number in `struct`'s form."""
        value: int = struct.unpack_from(form, self._data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def name(self, limit: int) -> str:
        """Read the name of an entry or a tensor, of at most `limit` bytes."""
        length = self.number("<Q")
        if length > limit:
            raise self.damaged("a name of impossible length")
        return self._text(length)

    def value(self, *, keep_list: bool = True) -> Scalar | tuple[float, ...] | Span | None:
        """Read one value of the metadata.

        A scalar, or a short list of numbers if lists are to be kept; a Span for any other list; None for a text of
        more than a megabyte, which only other programs have a use for.
        """
        kind = self.number("<I")
        if kind == _STRING:
            length = self.number("<Q")
            if length <= _LONGEST_KEPT_TEXT:
                return self._text(length)
            self._pass(length)
            return None
        if kind == _ARRAY:
            return self._list(keep=keep_list)
        if kind not in _NUMBERS:
            raise self.damaged(f"a value of the unknown type {kind}")
        return self.number(_NUMBERS[kind])

    def _list(self, *, keep: bool) -> tuple[float, ...] | Span:
        kind, count = self.number("<I"), self.number("<Q")
        span = Span(kind, count, self.at)
        if kind == _STRING:
            self._pass_strings(count)
            return span
        if kind not in _NUMBERS:
            raise self.damaged(f"a list of the unknown type {kind}")
        self._pass(count * struct.calcsize(_NUMBERS[kind]))
        if not keep or count > _LONGEST_KEPT_LIST:
            return span
        self._spend(count * _COST_OF_A_NUMBER)
        return struct.unpack_from(f"<{count}{_NUMBERS[kind][1]}", self._data, span.start)

    def _pass_strings(self, count: int) -> None:
        """Step over a vocabulary: hundreds of thousands of strings, so the loop is bare."""
        self._strings += count
        if self._strings > _MOST_STRINGS:
            raise self.damaged(f"lists of {self._strings:,} strings")
        data, at, length_at = self._data, self.at, _LENGTH_AT
        for _ in range(count):
            at += 8 + length_at(data, at)[0]
        self._pass(at - self.at)

    def _text(self, length: int) -> str:
        self._spend(length)
        start = self.at
        self._pass(length)
        return self._data[start : self.at].decode("utf-8", "replace")

    def _pass(self, size: int) -> None:
        if size > len(self._data) - self.at:
            raise IndexError(size)
        self.at += size

    def _spend(self, size: int) -> None:
        self._kept += size
        if self._kept > _MOST_KEPT:
            raise self.damaged("more names and texts than a model has")
