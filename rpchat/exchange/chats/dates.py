"""Moments as other programs write them: in words, in numbers, with an @ in the middle."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rpchat.exchange.loose import is_mapping

_LATEST = 4_102_444_800.0
"""The year 2100. What lies beyond it, or before 1970, is no date of a chat."""
_MILLISECONDS = 100_000_000_000
"""From here on a number counts milliseconds: as seconds it would be the year 5138."""
_LONGEST = 40

_WORDS = re.compile(r"([A-Za-z]{3})[a-z]*\.? (\d{1,2}), ?(\d{4}),? (\d{1,2}):(\d\d)(?::(\d\d))? ?([AaPp][Mm])?")
_HUMANIZED = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2}) ?@ ?(\d{1,2})h ?(\d{1,2})m ?(?:(\d{1,2})s)? ?(?:(\d{1,3})ms)?", re.IGNORECASE
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read_date(value: object) -> float:
    """Return seconds since the epoch; 0.0 for what is no date. A time without a zone is taken as UTC."""
    if isinstance(value, str):
        text = value.strip()
        seconds = _of_text(text) if 0 < len(text) <= _LONGEST else None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        seconds = None
    else:
        seconds = _of_number(value)
    return seconds if seconds is not None and 0 < seconds < _LATEST else 0.0


def write_date(seconds: float) -> str:
    """Return the moment as JavaScript writes it, to the millisecond; nothing for 0."""
    if not 0 < seconds < _LATEST:
        return ""
    moment = datetime.fromtimestamp(round(seconds * 1000) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def date_in(value: object, key: str) -> float:
    """Return the date that an object has under `key`; 0.0 where there is none."""
    return read_date(value.get(key)) if is_mapping(value) else 0.0


def _of_number(number: float) -> float | None:
    if not 0 < number < _LATEST * 1000:
        return None
    return number / 1000 if number >= _MILLISECONDS else float(number)


def _of_text(text: str) -> float | None:
    if text.isascii() and text.isdigit():
        return _of_number(int(text))
    if match := _WORDS.fullmatch(text):
        month, day, year, hour, minute, second, half = match.groups()
        if month.lower() not in _MONTHS:
            return None
        number = _MONTHS.index(month.lower()) + 1
        return _moment(year, number, day, _of_day(int(hour), half), minute, second or 0, 0)
    if match := _HUMANIZED.fullmatch(text):
        return _moment(*(part or 0 for part in match.groups()))
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _of_day(hour: int, half: str | None) -> int:
    """The hour of the day on a clock of twelve hours, or of 24 where `half` is not told."""
    if not half:
        return hour
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _moment(*parts: str | int) -> float | None:
    year, month, day, hour, minute, second, milliseconds = (int(part) for part in parts)
    try:
        return datetime(year, month, day, hour, minute, second, milliseconds * 1000, UTC).timestamp()
    except ValueError:
        return None
