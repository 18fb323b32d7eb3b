"""Where the next prompt is read: which sequence of the KV cache it takes, and what becomes of the others.

Pure: from what every sequence holds to a few actions. Sequences share cells. Two that share any share a run of them
from the very first on, because cells come to be shared only when the front of one sequence is copied to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rpchat.engine.worker.held import SHORTEST_RUN, Held, Move, is_front, moves_of, usable, was_asked

WORTH_KEEPING = 16
"""Tokens of a branch that are kept when the prompt goes another way; fewer are read again as quickly."""
FORGOTTEN_AFTER = 32
"""Requests after which a sequence nobody came back to is dropped: every cell in use slows every token written."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Remove everything behind the first `keep` tokens of a sequence."""

    sequence: int
    keep: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Let the empty sequence `target` share the first `count` tokens of `source`."""

    source: int
    target: int
    count: int


@dataclass(frozen=True, slots=True)
class Shift:
    """Take the tokens `start` to `stop` out of a sequence and move what follows up to `start`."""

    sequence: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Park:
    """Copy all a sequence holds out of the cache; it is cut then."""

    sequence: int


Action = Cut | Copy | Shift | Park


@dataclass(frozen=True, slots=True)
class Plan:
    """After the actions, done in order, `sequence` holds the first `kept` tokens of the prompt and nothing else.

    `room` is how many tokens can be read behind them.
    """

    sequence: int
    kept: int
    actions: tuple[Action, ...]
    room: int


def decide(
    held: Sequence[Held],
    prompt: Sequence[int],
    *,
    cells: int,
    gap_before: int = 0,
    now: int = 0,
    same: bool = False,
    parks: int = 0,
) -> Plan | None:
    """Return how `prompt`, which is not empty and shorter than `cells`, comes to stand in exactly one sequence.

    It takes the sequence that holds most of it. What that one holds besides is kept, if it is worth it, by going on
    in a copy. With `same` not: a prompt that comes once more is answered in the same cells, as only then the answer can
    be the same to the last bit. Where the prompt leaves a sequence in front of its own token `gap_before`, and goes on
    with what the sequence holds further on, that is shifted. When sequences run out, other replies to this prompt go
    first; else, as when cells run out, the least recently used, which is parked if it is worth a copy
    (`is_worth_a_copy`; `parks` 0: never). None: pinned sequences are in the way. `now` is the number of this request on
    the scale of `Held.used`.
    """
    source, kept = _best_source(held, prompt)
    again = was_asked(held[source], prompt)
    desk = _Desk(held, cells=cells, parks=parks, moves_pinned=parks > 0)
    if not (again and same):  # cells that are freed elsewhere would be written first
        desk.forget(now - FORGOTTEN_AFTER, but=source)
        for index, one in enumerate(held):
            if index != source and is_front(one, prompt):
                desk.give_up(index)
        if again and desk.empty() is None:
            desk.give_up(_oldest_reply(held, prompt, but=source))
    moved = _best_move(held, prompt, gap_before=gap_before, least=kept + SHORTEST_RUN)
    if moved is not None:
        sequence, moves = moved
        kept = min(moves[-1].kept, len(prompt) - 1)
        for move in moves:
            desk.shift(sequence, move)
        desk.cut(sequence, kept)
    else:
        dispensable = again and (same or desk.empty() is None)
        target = _target(desk, source, kept, dispensable=dispensable)
        if target is None:
            return None
        sequence = target
    desk.make_room(sequence, len(prompt) - kept)
    return Plan(sequence, kept, tuple(desk.actions), desk.free)


def room(held: Sequence[Held], sequence: int, count: int, *, cells: int, parks: int = 0) -> tuple[Action, ...]:
    """Return the actions that let `sequence` grow by `count` tokens, if there is anything to give way."""
    desk = _Desk(held, cells=cells, parks=parks)
    desk.make_room(sequence, count)
    return tuple(desk.actions)


def place(held: Sequence[Held], count: int, *, cells: int, parks: int) -> tuple[int, tuple[Action, ...]] | None:
    """Return a sequence for `count` tokens that come from elsewhere, and the actions that empty it and make room.

    None: pinned sequences are in the way.
    """
    desk = _Desk(held, cells=cells, parks=parks, moves_pinned=parks > 0)
    sequence = desk.empty()
    if sequence is None:
        sequence = desk.oldest(but=())
    if sequence is None:
        return None
    desk.cut(sequence, 0)
    desk.make_room(sequence, count)
    return (sequence, tuple(desk.actions)) if desk.free >= count else None


def most_kept(held: Sequence[Held], prompt: Sequence[int], *, gap_before: int) -> int:
    """Return how many tokens of `prompt` one of the sequences gives, as it stands or after a shift."""
    kept = _best_source(held, prompt)[1]
    moved = _best_move(held, prompt, gap_before=gap_before, least=kept + SHORTEST_RUN)
    return kept if moved is None else min(moved[1][-1].kept, len(prompt) - 1)


def is_worth_a_copy(saved: int, length: int, *, parks: int) -> bool:
    """Return whether to copy a sequence of `length` tokens is better than to read `saved` tokens: if one token is read
    in the time `parks` tokens are copied."""
    return saved >= max(WORTH_KEEPING, length // parks)


class _Desk:
    """A plan in the making: which cells are taken after the actions so far."""

    def __init__(self, held: Sequence[Held], *, cells: int, parks: int, moves_pinned: bool = False) -> None:
        self._held = held
        self._parks = parks
        self._moves_pinned = moves_pinned
        self._cells = [one.cells for one in held]
        self._limit = cells
        self.actions: list[Action] = []

    def at(self, sequence: int) -> Held:
        """Return a sequence as it stood before the plan."""
        return self._held[sequence]

    @property
    def free(self) -> int:
        """Cells nobody uses."""
        return self._limit - len(set[int]().union(*self._cells))

    def empty(self) -> int | None:
        """Return a sequence that holds nothing."""
        return next((index for index, cells in enumerate(self._cells) if not cells), None)

    def may_go(self, sequence: int) -> bool:
        """Return whether a sequence need not stay where it is."""
        return self._moves_pinned or not self._held[sequence].pinned

    def oldest(self, *, but: Iterable[int]) -> int | None:
        """Return the least recently used sequence that holds something and may go."""
        passed = set(but)
        able = (at for at, cells in enumerate(self._cells) if cells and self.may_go(at) and at not in passed)
        return min(able, key=lambda index: self._held[index].used, default=None)

    def forget(self, time: int, *, but: int) -> None:
        """Drop what was last used before `time`."""
        while (old := self.oldest(but=(but,))) is not None and self._held[old].used < time:
            self.give_up(old)

    def give_up(self, sequence: int | None) -> None:
        """Empty a sequence nobody comes back to, if there is one."""
        if sequence is not None:
            self._empty(sequence, 0)

    def make_room(self, sequence: int, count: int) -> None:
        """Drop sequences, the oldest first, until `sequence` can grow by `count` tokens or no other is left."""
        while self.free < count and (old := self.oldest(but=(sequence,))) is not None:
            self.cut(old, 0)

    def lost(self, sequence: int, keep: int) -> int:
        """Return how many tokens nobody would hold any more if a sequence were cut."""
        others = set[int]().union(*(cells for index, cells in enumerate(self._cells) if index != sequence))
        return len(set(self._cells[sequence][keep:]) - others)

    def cut(self, sequence: int, keep: int) -> None:
        """Cut a sequence that is longer than that; what is worth it is parked before."""
        if self._parks and self._is_worth_parking(sequence, keep):
            self.actions.append(Park(sequence))
        self._empty(sequence, keep)

    def _empty(self, sequence: int, keep: int) -> None:
        if len(self._cells[sequence]) > keep:
            self._cells[sequence] = self._cells[sequence][:keep]
            self.actions.append(Cut(sequence, keep))

    def _is_worth_parking(self, sequence: int, keep: int) -> bool:
        held, lost = self._held[sequence], self.lost(sequence, keep)
        whole = len(self._cells[sequence]) == len(held.ids)
        return whole and (is_worth_a_copy(lost, len(held.ids), parks=self._parks) or (held.pinned and lost > 0))

    def copy(self, source: int, target: int, count: int) -> None:
        """Copy the front of a sequence; nothing is no action."""
        if count:
            self._cells[target] = self._cells[source][:count]
            self.actions.append(Copy(source, target, count))

    def shift(self, sequence: int, move: Move) -> None:
        """Drop whoever shares a cell that moves: a cell has one position for all. Then move."""
        mine = self._cells[sequence]
        moving = set(mine[move.stop :])
        for index, cells in enumerate(self._cells):
            if index != sequence and not moving.isdisjoint(cells):
                self.cut(index, 0)
        self._cells[sequence] = [*mine[: move.start], *mine[move.stop :]]
        self.actions.append(Shift(sequence, move.start, move.stop))


def _best_source(held: Sequence[Held], prompt: Sequence[int]) -> tuple[int, int]:
    """Return the sequence that gives most of the prompt, and how much.

    Among equals it is one that was asked just this, or one that can go on as it is, or the latest.
    """

    def rank(index: int) -> tuple[int, bool, bool, int]:
        one = held[index]
        return given[index], was_asked(one, prompt), len(one.ids) == given[index], one.used

    given = [usable(one, prompt) for one in held]
    source = max(range(len(held)), key=rank)
    return source, given[source]


def _oldest_reply(held: Sequence[Held], prompt: Sequence[int], *, but: int) -> int | None:
    """Return the least recently used of the other sequences that were asked just this."""
    replies = (index for index, one in enumerate(held) if index != but and not one.pinned and was_asked(one, prompt))
    return min(replies, key=lambda index: held[index].used, default=None)


def _target(desk: _Desk, source: int, kept: int, *, dispensable: bool) -> int | None:
    """Return the sequence that holds the first `kept` tokens of the prompt, after cutting `source` or copying it.

    `dispensable`: what `source` holds besides need not be kept.
    """
    held = desk.at(source)
    if not held.pinned and kept and (dispensable or desk.lost(source, kept) < WORTH_KEEPING):
        desk.cut(source, kept)
        return source
    if kept and len(held.ids) == kept:
        return source
    target = desk.empty()
    if target is None:
        target = desk.oldest(but=(source,))
    if target is None:
        if not desk.may_go(source):
            return None
        desk.cut(source, kept)
        return source
    desk.cut(target, 0)
    desk.copy(source, target, kept)
    return target


def _best_move(
    held: Sequence[Held], prompt: Sequence[int], *, gap_before: int, least: int
) -> tuple[int, tuple[Move, ...]] | None:
    """Return the shifts that keep most of the prompt, `least` tokens or more, and touch nothing pinned; and of what."""
    pinned = set[int]().union(*(one.cells for one in held if one.pinned))
    best: tuple[int, tuple[Move, ...]] | None = None
    for index, one in enumerate(held):
        moves = () if one.pinned else moves_of(one, prompt, gap_before=gap_before)
        if not moves or not pinned.isdisjoint(one.cells[moves[0].stop :]):
            continue
        if moves[-1].kept >= (least if best is None else best[1][-1].kept + 1):
            best = index, moves
    return best
