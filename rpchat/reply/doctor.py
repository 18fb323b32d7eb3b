"""What to change after an empty reply. Each try changes something; the order is the one that costs the story least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CAUSES = {
    "eos": "the model ended at once",
    "stop": "the model closed its turn at once",
    "user_turn": "it spoke only for you",
    "other_turn": "it spoke only for someone else",
    "ooc": "it only stepped out of the story",
    "reasoning": "it thought, and said nothing",
    "context": "the context is full",
    "length": "it wrote nothing one could read",
    "loop": "it only went round in circles",
}
"""Why a reply was empty, in the user's words."""

_FORBIDDEN_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try is made: with another seed at least, beyond that as the other fields say."""

    number: int
    """1 is the first, unchanged one."""
    change: str = ""
    """What is changed, in the user's words; empty for the first."""
    forbid_end: int = 0
    """For this many tokens the reply may not end."""
    primed: bool = False
    """Whether the speaker's opening is written for the model."""
    thoughts_closed: bool = False
    """Whether the thoughts are ended for the model before they begin (`thoughts.closed_thoughts`, in front of any
    other prefill; the reader's `Reasoning` is not `opened` then)."""


def attempt(number: int, *, causes: Sequence[str] = ()) -> Attempt:
    """Return how the try with that number (from 1) is made. `causes` says why the ones before were empty, in order.

    A model that only thought mostly thinks as long with another seed: from then on it must speak at once.
    """
    closed = "reasoning" in causes
    if number <= 1:
        return Attempt(1)
    primed = number > 3
    forbid_end = _FORBIDDEN_TOKENS if number > 2 else 0
    if closed and "reasoning" not in causes[:-1]:
        change = "no thoughts this time"
    elif primed:
        change = "the speaker's opening written first"
    else:
        change = "end of text forbidden" if forbid_end else "another seed"
    return Attempt(number, change, forbid_end, primed, closed)
