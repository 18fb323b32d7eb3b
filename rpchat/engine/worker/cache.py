"""The KV cache of one context: several sequences that share cells, and which tokens each of them holds.

Invariant: the ids of a sequence are exactly the tokens whose keys and values llama.cpp has for it, in order. A token
that was sampled but not decoded is not among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rpchat.engine.worker.plan import Action, Copy, Cut, Held, Shift, decide, room, usable


class Memory(Protocol):
    """What holds the keys and values: `memory.LlamaMemory`, or a test's model of it."""

    @property
    def can_shift(self) -> bool:
        """Whether `shift` works."""
        ...

    def clear(self) -> None:
        """Empty every sequence."""
        ...

    def cut(self, sequence: int, keep: int) -> None:
        """Remove what stands behind the first `keep` tokens, if it can."""
        ...

    def copy(self, source: int, target: int, count: int) -> None:
        """Let `target`, which is empty, share the first `count` tokens of `source`."""
        ...

    def shift(self, sequence: int, start: int, stop: int) -> None:
        """Take out the tokens `start` to `stop` and move the later ones up."""
        ...

    def length(self, sequence: int) -> int:
        """Return how many tokens a sequence holds."""
        ...

    def floor(self, sequence: int) -> int:
        """Return the fewest tokens a sequence can be cut to, other than none."""
        ...


@dataclass(slots=True)
class _Sequence:
    ids: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    used: int = 0
    asked: int = 0

    def cut(self, keep: int) -> None:
        del self.ids[keep:]
        del self.cells[keep:]


class Cache:
    """Keeps `sequences` sequences in `cells` cells. What is decoded next goes behind the sequence `active`."""

    def __init__(self, memory: Memory, *, sequences: int, cells: int, shift: bool = False) -> None:
        self._memory = memory
        self._sequences = [_Sequence() for _ in range(sequences)]
        self._limit = cells
        self._free = cells
        self._shift = shift and memory.can_shift
        self._now = 0
        self._next_cell = 0
        self._current = 0
        self._pinned = set[int]()
        self.active = 0
        self.turned = True
        """Whether what was moved is as if it had been read where it stands: the next decode sees to that."""

    @property
    def ids(self) -> list[int]:
        """The tokens of the active sequence, not to be changed."""
        return self._sequences[self.active].ids

    @property
    def asked(self) -> int:
        """The length of the prompt the active sequence last gave a reply to; 0 if it gave none."""
        return self._sequences[self.active].asked

    @property
    def contents(self) -> tuple[tuple[int, ...], ...]:
        """What each sequence holds."""
        return tuple(tuple(sequence.ids) for sequence in self._sequences)

    @property
    def free(self) -> int:
        """Cells nobody uses."""
        return self._free

    def prepare(self, prompt: Sequence[int], *, same: bool = False) -> int:
        """Make active the sequence that holds most of `prompt`, cut to that, and return how many tokens it is.

        With `same`, a prompt that comes once more stands in the same cells again.
        """
        self._pinned = set()
        found = self._carry_out(prompt, same=same)
        assert found is not None
        self._current = self.active
        self._sequences[self.active].asked = len(prompt)
        return found[0]

    def prepare_ahead(self, prompt: Sequence[int], *, replacing: bool = False) -> tuple[int, int]:
        """Do the same for a prompt that may come; return its tokens that are there, and how many of it can be.

        Unless it is `replacing` it, the sequence of the latest `prepare` keeps all it holds, and no cell is taken.
        """
        self._pinned = set() if replacing else {self._current}
        kept, space = self._carry_out(prompt) or (0, 0)
        if replacing:
            self._current = self.active
        return kept, min(len(prompt), kept + space)

    def hold(self) -> None:
        """Let the active sequence keep all it holds, until `release` or `rejoin`."""
        self._pinned.add(self.active)

    def hold_latest(self) -> None:
        """Hold the sequence of the latest `prepare`, and no other."""
        self._pinned = {self._current}

    @property
    def can_fork(self) -> bool:
        """Whether there is a sequence that is not held."""
        return len(self._pinned) < len(self._sequences)

    def fork_room(self, prompt: Sequence[int]) -> int:
        """Return the cells for what is written behind `prompt` in one more sequence, if all that is not held goes."""
        held = [one for one in self._held() if one.pinned]
        taken = len(set[int]().union(*(one.cells for one in held)))
        return self._limit - taken - (len(prompt) - max((usable(one, prompt) for one in held), default=0))

    def fork(self, prompt: Sequence[int]) -> int:
        """Make active one more sequence, which shares with another what that holds of `prompt`; return how much it is.

        `can_fork` must be true. What is held stays.
        """
        self._now += 1
        held = self._held()
        given = [usable(one, prompt) for one in held]
        source = max(range(len(held)), key=given.__getitem__)
        target = min(
            (index for index in range(len(held)) if index not in self._pinned),
            key=lambda index: (bool(held[index].ids), index == source, held[index].used),
        )
        kept = given[source]
        actions = [] if target == source else [Copy(source, target, kept)] * bool(kept)
        self._do([Cut(target, kept if target == source else 0), *actions])
        self.active = target
        self._sequences[target].used = self._now
        if self._memory.length(target) == kept:
            return kept
        self._drop(target)
        self._count()
        return 0

    def release(self, sequence: int, *, keep: bool) -> None:
        """Hold a sequence no longer; without `keep` it is emptied."""
        self._pinned.discard(sequence)
        if not keep:
            self._drop(sequence)
            self._count()

    def rejoin(self) -> None:
        """Hold no sequence any longer, and make that of the latest `prepare` active again."""
        self._pinned = set()
        self.active = self._current

    def reusable(self, prompt: Sequence[int]) -> int:
        """Return how many of the first tokens of `prompt` are there for it. The last is evaluated all the same."""
        if not prompt:
            return 0
        held = self._held(pinned=False)
        plan = decide(held, prompt, cells=self._limit, shift=self._shift, now=self._now)
        assert plan is not None
        whole = plan.kept == len(prompt) - 1 and any(list(one.ids[: len(prompt)]) == list(prompt) for one in held)
        return len(prompt) if whole else plan.kept

    def goes_on_from(self, prompt: Sequence[int]) -> bool:
        """Return whether of a longer prompt that begins with `prompt` nothing of that would be evaluated again."""
        count = len(prompt)
        return any(one.floor <= count and list(one.ids[:count]) == list(prompt) for one in self._held(pinned=False))

    def make_room(self, count: int) -> None:
        """Let the active sequence grow by `count` tokens; the least recently used of the others give way."""
        if count > self._free:
            self._do(room(self._held(), self.active, count, cells=self._limit))

    def grown(self, ids: Iterable[int]) -> None:
        """Note that `ids` were decoded behind the active sequence."""
        sequence = self._sequences[self.active]
        before = len(sequence.ids)
        sequence.ids.extend(ids)
        count = len(sequence.ids) - before
        sequence.cells.extend(range(self._next_cell, self._next_cell + count))
        self._next_cell += count
        self._free -= count
        self.turned = self.turned or count > 0

    def grown_each(self, tokens: Iterable[tuple[int, int]]) -> None:
        """Note of each pair of a sequence and a token that it was decoded."""
        for self.active, token in tokens:
            self.grown((token,))

    def settle_each(self, tokens: Iterable[tuple[int, int]]) -> None:
        """After a decode of such pairs that failed: believe the memory."""
        for self.active, token in tokens:
            self.settle((token,))

    def settle(self, ids: Sequence[int]) -> int:
        """After a decode of `ids` that failed: believe the memory about how many of them are there, and return it."""
        before = len(self.ids)
        there = self._memory.length(self.active) - before
        if 0 <= there <= len(ids):
            self.grown(ids[:there])
            return there
        self._drop(self.active)
        self._count()
        return 0

    def vacate(self, count: int) -> int:
        """Return an empty sequence for `count` tokens that come from elsewhere; the least recently used give way."""
        sequence = next((index for index, one in enumerate(self._sequences) if not one.ids), None)
        if sequence is None:
            sequence = min(range(len(self._sequences)), key=lambda index: self._sequences[index].used)
            self._drop(sequence)
            self._count()
        self._do(room(self._held(pinned=False), sequence, count, cells=self._limit))
        return sequence

    def take_in(self, sequence: int, ids: Sequence[int], *, asked: int) -> bool:
        """Believe that the vacated `sequence` holds `ids` now, if the memory says so, and make it active as if it had
        given the reply to its first `asked` tokens; return whether it does."""
        if self._memory.length(sequence) != len(ids) or len(ids) > self._free:
            self._drop(sequence)
            return False
        self._now += 1
        self._sequences[sequence] = _Sequence(used=self._now, asked=asked)
        self._pinned = set()
        self._current = self.active = sequence
        turned = self.turned
        self.grown(ids)
        self.turned = turned
        return True

    def give_way(self) -> bool:
        """Drop every sequence that may go, but the active one; return whether there was any."""
        actions = room(self._held(), self.active, self._limit, cells=self._limit)
        self._do(actions)
        return bool(actions)

    def clear(self) -> None:
        """Empty the cache."""
        self._memory.clear()
        self.turned = True
        for sequence in self._sequences:
            sequence.cut(0)
        self._count()

    def _carry_out(self, prompt: Sequence[int], *, same: bool = False) -> tuple[int, int] | None:
        """Do what the plan for a prompt says; return how much of it is there then, and for how much more is room."""
        self._now += 1
        plan = decide(self._held(), prompt, cells=self._limit, shift=self._shift, now=self._now, same=same)
        if plan is None:
            return None
        self._do(plan.actions)
        self.active = plan.sequence
        self._sequences[self.active].used = self._now
        if self._memory.length(self.active) == plan.kept:
            return plan.kept, plan.room
        self._drop(self.active)
        self._count()
        return 0, self._free

    def _held(self, *, pinned: bool = True) -> list[Held]:
        return [
            Held(
                ids=one.ids,
                cells=one.cells,
                used=one.used,
                asked=one.asked,
                floor=self._memory.floor(index) if one.ids else 0,
                pinned=pinned and index in self._pinned,
            )
            for index, one in enumerate(self._sequences)
        ]

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Cut(sequence, keep):
                    self._memory.cut(sequence, keep)
                    self._sequences[sequence].cut(keep)
                case Copy(source, target, count):
                    self._memory.copy(source, target, count)
                    one = self._sequences[source]
                    self._sequences[target] = _Sequence(one.ids[:count], one.cells[:count])
                case Shift(sequence, start, stop):
                    self._memory.shift(sequence, start, stop)
                    self.turned = False
                    del self._sequences[sequence].ids[start:stop]
                    del self._sequences[sequence].cells[start:stop]
        self._count()

    def _drop(self, sequence: int) -> None:
        self._memory.cut(sequence, 0)
        self._sequences[sequence].cut(0)

    def _count(self) -> None:
        self._free = self._limit - len(set[int]().union(*(one.cells for one in self._sequences)))
