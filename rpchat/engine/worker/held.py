"""A sequence of the KV cache as it stands, and what of it a prompt can use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

SHORTEST_RUN = 32
"""Tokens a shift must save: what stands behind it was read with what is gone."""
_MOST_PLACES = 16
"""Of a sample that repeats itself, no more places than these are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One sequence as it stands."""

    ids: Sequence[int] = ()
    cells: Sequence[int] = ()
    """The number of the cell each token lies in; equal numbers in two sequences are one shared cell."""
    used: int = 0
    """When it was last used; the numbers rise."""
    asked: int = 0
    """The length of the prompt it last gave a reply to: what stands behind is that reply, and what followed."""
    floor: int = 0
    """The fewest tokens it can be cut to, other than none. 0 for models that remember every token."""
    pinned: bool = False
    """Whether what it holds is needed: it may grow, and be parked where that can be done, but not be cut."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a shift would do: without the tokens `start` to `stop`, `kept` tokens of the prompt are there."""

    start: int
    stop: int
    kept: int


def common(held: Sequence[int], prompt: Sequence[int]) -> int:
    """Return the length of the common prefix. Halving compares slices, which takes no step of Python a token."""
    low, high = 0, min(len(held), len(prompt))
    while low < high:
        middle = (low + high + 1) // 2
        if held[low:middle] == prompt[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def usable(held: Held, prompt: Sequence[int]) -> int:
    """Return how many tokens of `prompt` this sequence can give, its last one never: sampling needs its logits."""
    shared = min(common(held.ids, prompt), len(prompt) - 1)
    return shared if shared >= held.floor else 0


def moves_of(held: Held, prompt: Sequence[int], *, gap_before: int) -> tuple[Move, ...]:
    """Return the shifts, one behind the other, that make most of a sequence parts of which were left out of the prompt.

    The run behind each gap must be long, and begin where the prompt leaves the sequence, in front of its token
    `gap_before`: further on, what is missing was taken out by the user, and the model is not to have an echo of it.
    """
    moves, ids = list[Move](), held.ids
    while gap_before and not held.floor and (move := _move_of(ids, prompt, gap_before=gap_before)) is not None:
        moves.append(move)
        ids = [*ids[: move.start], *ids[move.stop :]]
    return tuple(moves)


def _move_of(ids: Sequence[int], prompt: Sequence[int], *, gap_before: int) -> Move | None:
    front = common(ids, prompt)
    sample = list(prompt[front : front + SHORTEST_RUN])
    if not 0 < front < gap_before or len(sample) < SHORTEST_RUN:
        return None
    best: Move | None = None
    for start in islice(_places(ids, sample, front + 1), _MOST_PLACES):
        run = common(ids[start:], prompt[front:])
        if best is None or front + run > best.kept:
            best = Move(front, start, front + run)
    return best


def was_asked(held: Held, prompt: Sequence[int]) -> bool:
    """Return whether a sequence was asked exactly this before."""
    return held.asked == len(prompt) == common(held.ids, prompt)


def is_front(held: Held, prompt: Sequence[int]) -> bool:
    """Return whether a sequence holds nothing but the front of a prompt: where that is read, it is of no use."""
    return not (held.pinned or held.floor) and common(held.ids, prompt) == len(held.ids)


def _places(ids: Sequence[int], sample: list[int], start: int) -> Iterable[int]:
    """Yield where `sample` stands in `ids`, from `start` on."""
    try:
        while True:
            start = ids.index(sample[0], start)
            if list(ids[start : start + len(sample)]) == sample:
                yield start
            start += 1
    except ValueError:
        return
