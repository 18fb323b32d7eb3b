"""The KV cache of one context: several sequences that share cells, and which tokens each of them holds.

Invariant: the ids of a sequence are exactly the tokens whose keys and values llama.cpp has for it, in order. A token
that was sampled but not decoded is not among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rpchat.engine.worker.plan import Action, Copy, Cut, Held, Shift, decide, room


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
        self._guessing = False
        self.active = 0

    @property
    def ids(self) -> list[int]:
        """The tokens of the active sequence, not to be changed."""
        return self._sequences[self.active].ids

    @property
    def contents(self) -> tuple[tuple[int, ...], ...]:
        """What each sequence holds."""
        return tuple(tuple(sequence.ids) for sequence in self._sequences)

    @property
    def free(self) -> int:
        """Cells nobody uses."""
        return self._free

    def prepare(self, prompt: Sequence[int]) -> int:
        """Make active the sequence that holds most of `prompt`, cut to that, and return how many tokens it is."""
        self._guessing = False
        found = self._carry_out(prompt)
        assert found is not None
        self._current = self.active
        self._sequences[self.active].asked = len(prompt)
        return found[0]

    def prepare_ahead(self, prompt: Sequence[int], *, replacing: bool = False) -> tuple[int, int]:
        """Do the same for a prompt that may come; return its tokens that are there, and how many of it can be.

        Unless it is `replacing` it, the sequence of the latest `prepare` keeps all it holds, and no cell is taken.
        """
        self._guessing = not replacing
        kept, space = self._carry_out(prompt) or (0, 0)
        if replacing:
            self._current = self.active
        return kept, min(len(prompt), kept + space)

    def reusable(self, prompt: Sequence[int]) -> int:
        """Return how many of the first tokens of `prompt` are there for it. The last is evaluated all the same."""
        if not prompt:
            return 0
        held = self._held(pinned=False)
        plan = decide(held, prompt, cells=self._limit, shift=self._shift, now=self._now)
        assert plan is not None
        whole = plan.kept == len(prompt) - 1 and any(list(one.ids[: len(prompt)]) == list(prompt) for one in held)
        return len(prompt) if whole else plan.kept

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

    def give_way(self) -> bool:
        """Drop every sequence that may go, but the active one; return whether there was any."""
        actions = room(self._held(), self.active, self._limit, cells=self._limit)
        self._do(actions)
        return bool(actions)

    def clear(self) -> None:
        """Empty the cache."""
        self._memory.clear()
        for sequence in self._sequences:
            sequence.cut(0)
        self._count()

    def _carry_out(self, prompt: Sequence[int]) -> tuple[int, int] | None:
        """Do what the plan for a prompt says; return how much of it is there then, and for how much more is room."""
        self._now += 1
        plan = decide(self._held(), prompt, cells=self._limit, shift=self._shift, now=self._now)
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
        pin = self._current if pinned and self._guessing else None
        return [
            Held(
                ids=one.ids,
                cells=one.cells,
                used=one.used,
                asked=one.asked,
                floor=self._memory.floor(index) if one.ids else 0,
                pinned=index == pin,
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
                    del self._sequences[sequence].ids[start:stop]
                    del self._sequences[sequence].cells[start:stop]
        self._count()

    def _drop(self, sequence: int) -> None:
        self._memory.cut(sequence, 0)
        self._sequences[sequence].cut(0)

    def _count(self) -> None:
        self._free = self._limit - len(set[int]().union(*(one.cells for one in self._sequences)))
