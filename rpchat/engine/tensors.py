"""The tensors a GGUF file lists: their names, shapes and sizes, without their data."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from rpchat.engine.cursor import Cursor

_MOST_DIMENSIONS = 4
_LONGEST_NAME = 1 << 16

# Tensor types: (elements in a block, bytes of a block).
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the list."""

    name: str
    dimensions: tuple[int, ...]
    """Elements along each dimension, the one that lies together in memory first."""
    offset: int
    """Where its data begins, in bytes behind the start of all data."""
    size: int
    """Bytes of its data; 0 for a type that is not known."""

    @property
    def elements(self) -> int:
        """Return how many numbers it holds."""
        return prod(self.dimensions)


def read_tensors(cursor: Cursor, count: int) -> tuple[Tensor, ...]:
    """Read the list of `count` tensors at the cursor. Raises ModelError for one that cannot be."""
    return tuple(_read(cursor) for _ in range(count))


def _read(cursor: Cursor) -> Tensor:
    name = cursor.name(_LONGEST_NAME)
    rank = cursor.number("<I")
    if not 0 < rank <= _MOST_DIMENSIONS:
        raise cursor.damaged(f"a tensor of {rank} dimensions")
    dimensions = tuple(cursor.number("<Q") for _ in range(rank))
    kind, offset = cursor.number("<I"), cursor.number("<Q")
    elements, size = _BLOCKS.get(kind, (1, 0))
    return Tensor(name, dimensions, offset, prod(dimensions) // elements * size)
