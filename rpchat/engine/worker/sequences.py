"""The sequences of a KV cache as llama.cpp holds them: which tokens, in which cells, shared or not.

Invariant: the ids of a sequence are exactly the tokens whose keys and values llama.cpp has for it, in order. A token
that was sampled but not decoded is not among them. Where the two could differ, llama.cpp is believed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from rpchat.engine.worker.held import Held
from rpchat.engine.worker.parked import Parked, ParkedStates
from rpchat.engine.worker.plan import Action, Copy, Cut, Park, Shift


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

    def state_bytes(self, sequence: int) -> int:
        """Return how long a copy of a sequence is."""
        ...

    def state(self, sequence: int) -> bytearray | None:
        """Return a copy of a sequence; None where memory is short, or none can be had."""
        ...

    def restore(self, sequence: int, state: bytearray) -> None:
        """Let `sequence`, which is empty, hold what was copied, as far as there is room: `length` tells."""
        ...

    def length(self, sequence: int) -> int:
        """Return how many tokens a sequence holds."""
        ...

    def floor(self, sequence: int) -> int:
        """Return the fewest tokens a sequence can be cut to, other than none."""
        ...


@dataclass(slots=True)
class Row:
    """One sequence: its tokens, the number of the cell each lies in, and what is noted of its use (see `Held`)."""

    ids: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    used: int = 0
    asked: int = 0

    def cut(self, keep: int) -> None:
        """Forget what stands behind the first `keep` tokens."""
        del self.ids[keep:]
        del self.cells[keep:]


class Sequences:
    """`count` sequences in `cells` cells of `memory`, `aside` bytes beside them, and everything that happens there."""

    def __init__(self, memory: Memory, *, count: int, cells: int, aside: int = 0) -> None:
        self.memory = memory
        self.parked = ParkedStates(aside)
        self.rows = [Row() for _ in range(count)]
        self.limit = cells
        self.free = cells
        """Cells nobody uses."""
        self.turned = True
        """Whether what was moved is as if it had been read where it stands: the next decode sees to that."""
        self._next_cell = 0

    def held(self, pinned: Collection[int] = ()) -> list[Held]:
        """Return every sequence as the plan sees it; what those of `pinned` hold is needed."""
        return [
            Held(
                ids=row.ids,
                cells=row.cells,
                used=row.used,
                asked=row.asked,
                floor=self.memory.floor(index) if row.ids else 0,
                pinned=index in pinned,
            )
            for index, row in enumerate(self.rows)
        ]

    def do(self, actions: Iterable[Action]) -> None:
        """Carry out a plan."""
        for action in actions:
            match action:
                case Cut(sequence, keep):
                    self.memory.cut(sequence, keep)
                    self.rows[sequence].cut(keep)
                case Copy(source, target, count):
                    self.memory.copy(source, target, count)
                    row = self.rows[source]
                    self.rows[target] = Row(row.ids[:count], row.cells[:count])
                case Park(sequence):
                    self._park(sequence)
                case Shift(sequence, start, stop):
                    self.memory.shift(sequence, start, stop)
                    self.turned = False
                    del self.rows[sequence].ids[start:stop]
                    del self.rows[sequence].cells[start:stop]
        self._count()

    def drop(self, sequence: int) -> None:
        """Empty a sequence."""
        self.do([Cut(sequence, 0)])

    def clear(self) -> None:
        """Empty them all, and what is parked."""
        self.memory.clear()
        self.parked.clear()
        self.turned = True
        for row in self.rows:
            row.cut(0)
        self._count()

    def holds(self, sequence: int, count: int) -> bool:
        """Return whether the memory has so many tokens of a sequence; one of which it has others is emptied."""
        if self.memory.length(sequence) == count:
            return True
        self.drop(sequence)
        return False

    def grown(self, sequence: int, ids: Iterable[int]) -> None:
        """Note that `ids` were decoded behind a sequence."""
        row = self.rows[sequence]
        before = len(row.ids)
        row.ids.extend(ids)
        count = len(row.ids) - before
        row.cells.extend(range(self._next_cell, self._next_cell + count))
        self._next_cell += count
        self.free -= count
        self.turned = self.turned or count > 0

    def settle(self, sequence: int, ids: Sequence[int]) -> int:
        """After a decode of `ids` that failed: believe the memory about how many of them are there, and return it."""
        there = self.memory.length(sequence) - len(self.rows[sequence].ids)
        if 0 <= there <= len(ids):
            self.grown(sequence, ids[:there])
            return there
        self.drop(sequence)
        return 0

    def take_in(self, sequence: int, ids: Sequence[int], state: bytearray, *, asked: int) -> bool:
        """Copy the state of `ids` into an empty sequence; return whether the memory says that it is there now."""
        if len(ids) > self.free:
            return False
        self.memory.restore(sequence, state)
        if not self.holds(sequence, len(ids)):
            return False
        turned = self.turned
        self.rows[sequence] = Row(asked=asked)
        self.grown(sequence, ids)
        self.turned = turned
        return True

    def _park(self, sequence: int) -> None:
        """Copy a sequence out; not one that was moved and not turned yet: that would be lost on the way."""
        state = self.memory.state(sequence) if self.turned else None
        if state is not None:
            held = self.held()[sequence]
            self.parked.put(Parked(replace(held, ids=list(held.ids), cells=()), state))

    def _count(self) -> None:
        self.free = self.limit - len(set[int]().union(*(row.cells for row in self.rows)))
