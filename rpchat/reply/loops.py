"""Replies that go round in circles: how that is seen, while they are written and at their end."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHORTEST_PERIOD = 4
_LONGEST_PERIOD = 400
_COPIES = 4
_SHORTEST_AT_END = 24
_SHORTEST_BEYOND_DOUBT = 240
_STEP = 16
_PUNCTUATION = re.compile(r"[^\w\s]")


def period_at_end(text: str, *, shortest: int) -> int | None:
    """Return the length of the stretch that `text` repeats at its end, or None if it does not end in a loop.

    A loop is four or more equal stretches of 4 to 400 characters, `shortest` characters in all, reaching to the end;
    the first and the last may be there in part.
    """
    end = text[-_SHORTEST_PERIOD:]
    at = text.rfind(end, 0, -_SHORTEST_PERIOD)
    while at >= 0:
        period = len(text) - len(end) - at
        size = max(_COPIES * period, shortest)
        if period > _LONGEST_PERIOD or size > len(text):
            # A longer period needs as much text at least.
            return None
        tail = text[-size:]
        if tail[period:] == tail[:-period] and tail[:period].strip():
            return period
        at = text.rfind(end, 0, at + len(end) - 1)
    return None


def without_loop(text: str, *, keep: int = 0, shortest: int = _SHORTEST_AT_END) -> str | None:
    """Return `text` with one copy of what it repeats at its end, or None if it does not end in a loop.

    What stands before index `keep` stays, and is not looked at.
    """
    period = period_at_end(text[keep:], shortest=shortest)
    if period is None:
        return None
    start = len(text) - period
    while start > keep and text[start - 1] == text[start - 1 + period]:
        start -= 1
    return text[: start + _phrase_end(text[start : start + period])].rstrip()


def _phrase_end(unit: str) -> int:
    """Where the first copy ends as a phrase: the search finds `. The light turned` in "One. The light turned. The …",
    so a copy that does not end in a punctuation mark is read on to the next one."""
    if _PUNCTUATION.match(unit.rstrip()[-1]):
        return len(unit)
    for shift in range(1, len(unit)):
        if _PUNCTUATION.match(unit[shift - 1]):
            return len(unit) + shift
    return len(unit)


@dataclass(slots=True)
class LoopGuard:
    """Lets visible text pass until it runs in a loop that is beyond doubt: 240 characters of it.

    It looks only after every sixteenth character, wherever the pieces end, so that their sizes do not matter.
    """

    text: str = ""
    """What has passed."""
    looping: bool = False
    """Whether a loop was seen: nothing passes any more."""

    def admit(self, text: str) -> str:
        """Return what of `text` passes."""
        passed = ""
        while text and not self.looping:
            size = _STEP - len(self.text) % _STEP
            part, text = text[:size], text[size:]
            passed += part
            self.text += part
            if len(self.text) % _STEP == 0:
                tail = self.text[-_COPIES * _LONGEST_PERIOD :]
                self.looping = period_at_end(tail, shortest=_SHORTEST_BEYOND_DOUBT) is not None
        return passed
