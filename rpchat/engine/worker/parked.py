"""Prompts copied out of the KV cache into ordinary memory, from where they are copied back and not read again.

Copying takes as long as reading a few tokens, and what comes back is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rpchat.engine.worker.held import Held, common


@dataclass(frozen=True, slots=True, eq=False)
class Parked:
    """A sequence as it stood, in no cells, and its state as llama.cpp gives it."""

    held: Held
    state: bytearray


@dataclass(slots=True)
class ParkedStates:
    """At most `limit` bytes of them; when there are more, what was used least recently goes."""

    limit: int
    _all: list[Parked] = field(default_factory=list)

    def __iter__(self) -> Iterator[Parked]:
        return iter(self._all)

    @property
    def size(self) -> int:
        """What they take, in bytes."""
        return sum(len(one.state) for one in self._all)

    def put(self, new: Parked) -> None:
        """Add one, if it is not too long. What it holds all of goes: one that can be cut gives its front as well."""
        if len(new.state) > self.limit:
            return
        ids, floor = new.held.ids, new.held.floor
        self._all = [
            one for one in self._all if floor > len(one.held.ids) or common(one.held.ids, ids) < len(one.held.ids)
        ]
        self._all.append(new)
        while self.size > self.limit:
            self.take(min(self._all, key=lambda one: one.held.used))

    def take(self, one: Parked) -> None:
        """Remove one."""
        self._all.remove(one)

    def clear(self) -> None:
        """Remove them all."""
        self._all.clear()
