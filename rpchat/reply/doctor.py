"""What to change after an empty reply. Each try changes something; the order is the one that costs the story least."""

from __future__ import annotations

from dataclasses import dataclass

CAUSES = {
    "eos": "the model ended at once",
    "stop": "the model closed its turn at once",
    "user_turn": "it spoke only for you",
    "other_turn": "it spoke only for someone else",
    "ooc": "it only stepped out of the story",
    "length": "it wrote nothing one could read",
}
"""Why a reply was empty, in the user's words."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try is made: with another seed at least, beyond that as `forbid_end` and `primed` say."""

    number: int
    """1 is the first, unchanged one."""
    change: str = ""
    """What is changed, in the user's words; empty for the first."""
    forbid_end: int = 0
    """For this many tokens the reply may not end."""
    primed: bool = False
    """Whether the speaker's opening is written for the model."""


def attempt(number: int) -> Attempt:
    """Return how the try with that number (from 1) is made."""
    if number <= 1:
        return Attempt(1)
    if number == 2:
        return Attempt(2, "another seed")
    if number == 3:
        return Attempt(3, "end of text forbidden", forbid_end=8)
    return Attempt(number, "the speaker's opening written first", forbid_end=8, primed=True)
