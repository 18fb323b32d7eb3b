"""Numbers that remember how they were written.

A card says `version: 1.10` or `番号: 007`. To YAML these are numbers; where a text is expected, the text is what the
author typed, so the numbers carry their spelling until `parsing` knows which of the two is wanted.
"""

from __future__ import annotations


class WrittenInt(int):
    """A whole number with its spelling in the file."""

    written: str

    def __new__(cls, value: int, written: str) -> WrittenInt:
        """Return `value` as it was `written`."""
        number = super().__new__(cls, value)
        number.written = written
        return number


class WrittenFloat(float):
    """A number with its spelling in the file."""

    written: str

    def __new__(cls, value: float, written: str) -> WrittenFloat:
        """Return `value` as it was `written`."""
        number = super().__new__(cls, value)
        number.written = written
        return number


def as_text(value: object) -> object:
    """Return a scalar as the text it was written as, an absent one as ""; anything else as it is."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case WrittenInt() | WrittenFloat():
            return value.written
        case int() | float():
            return str(value)
        case _:
            return value


def plain(value: object) -> object:
    """Return `value` with every remembered spelling dropped, all the way down."""
    match value:
        case bool() | None:
            return value
        case int():
            return int(value)
        case float():
            return float(value)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case _:
            return value
