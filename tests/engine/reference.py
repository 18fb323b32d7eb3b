"""A memory without a model: what llama.cpp's unified cache does with cells, positions and sequences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from rpchat.engine.port import MemoryKind
from rpchat.engine.worker.cache import Cache


@dataclass(slots=True, eq=False)
class Cell:
    """A token and its one position for every sequence that sees it."""

    token: int
    position: int


@dataclass(slots=True)
class ReferenceMemory:
    """Which cells each sequence sees. `window` is how many tokens a `window` memory keeps of each sequence."""

    limit: int
    """Cells there are."""
    kind: MemoryKind = "full"
    window: int = 0
    seen: defaultdict[int, list[Cell]] = field(default_factory=lambda: defaultdict(list))

    @property
    def can_shift(self) -> bool:
        return self.kind == "full"

    @property
    def taken(self) -> int:
        """Cells that somebody sees."""
        return len({id(cell) for cells in self.seen.values() for cell in cells})

    def clear(self) -> None:
        self.seen.clear()

    def cut(self, sequence: int, keep: int) -> None:
        if self.kind == "recurrent" and 0 < keep < self.length(sequence):
            return
        self.seen[sequence] = [cell for cell in self.seen[sequence] if cell.position < keep]

    def copy(self, source: int, target: int, count: int) -> None:
        assert not self.seen[target]
        self.seen[target] = [cell for cell in self.seen[source] if cell.position < count]

    def shift(self, sequence: int, start: int, stop: int) -> None:
        self.seen[sequence] = [cell for cell in self.seen[sequence] if not start <= cell.position < stop]
        for cell in self.seen[sequence]:
            if cell.position >= stop:
                cell.position -= stop - start

    def length(self, sequence: int) -> int:
        return max((cell.position + 1 for cell in self.seen[sequence]), default=0)

    def floor(self, sequence: int) -> int:
        length = self.length(sequence)
        if self.kind == "recurrent":
            return length
        return max(0, length - self.window) if self.kind == "window" else 0

    def state_bytes(self, sequence: int) -> int:
        return len(self.state(sequence) or b"")

    def state(self, sequence: int) -> bytearray | None:
        """Return the tokens, each in four bytes: that is as good as a state of them."""
        return bytearray().join(token.to_bytes(4, "little") for token in self.tokens(sequence))

    def restore(self, sequence: int, state: bytearray) -> None:
        assert not self.seen[sequence]
        self.decode(sequence, [int.from_bytes(state[at : at + 4], "little") for at in range(0, len(state), 4)])

    def decode(self, sequence: int, ids: Sequence[int]) -> None:
        """Put tokens behind a sequence, each into a cell of its own."""
        start = self.length(sequence)
        self.seen[sequence] += [Cell(token, start + index) for index, token in enumerate(ids)]
        assert self.taken <= self.limit, "more cells than there are"

    def tokens(self, sequence: int) -> tuple[int, ...]:
        """Return what a sequence sees, which has no gap and nothing twice."""
        seen = sorted(self.seen[sequence], key=lambda cell: cell.position)
        assert [cell.position for cell in seen] == list(range(len(seen)))
        return tuple(cell.token for cell in seen)


def contents(cache: Cache) -> tuple[tuple[int, ...], ...]:
    """Return what each sequence of a cache holds."""
    return tuple(tuple(one.ids) for one in cache.held)
