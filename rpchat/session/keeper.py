"""The turn that is being written, kept on disk: stored with its first text, saved at least once a second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rpchat.session.book import Book
from rpchat.store.thread import to_its_end
from rpchat.story.turn import Turn

CHECKPOINT_SECONDS = 0.8
"""Saved when a piece comes and this much time has passed: below the promised second, with room for the write."""

OPEN = "open"
"""The finish of a turn that is still being written; a crash leaves it so."""


@dataclass(slots=True)
class Keeper:
    """Keeps one reply. `turn` is a draft (id 0) until it is stored; its text is what the reader sees from the start.

    If it is not `told`, it becomes a version for the reader to come to, and the told line stays as it is.
    """

    book: Book
    turn: Turn
    action: str
    told: bool = True
    _saved: float = field(init=False, default=0.0)

    @property
    def stored(self) -> bool:
        """Whether the turn is in the scene."""
        return self.turn.id != 0

    def take(self, text: str) -> bool:
        """Take more text; return whether it is time to save: at once when the reply begins, then about every second."""
        self.turn = replace(self.turn, text=self.turn.text + text)
        return not self.stored or time.monotonic() - self._saved >= CHECKPOINT_SECONDS

    @to_its_end
    async def save(self) -> Turn | None:
        """Put what there is on disk; return the turn if this stored it."""
        began = not self.stored
        if began:
            turn = replace(self.turn, finish=OPEN)
            self.turn = await (self.book.add(turn, action=self.action) if self.told else self.book.add_version(turn))
        else:
            await self.book.update(self.turn)
        self._saved = time.monotonic()
        return self.turn if began else None

    @to_its_end
    async def finish(self, *, text: str, finish: str, record: Mapping[str, object]) -> Turn:
        """Store the final text; return the turn."""
        if not self.stored:
            await self.save()
        self.turn = replace(self.turn, text=text, finish=finish, record=record)
        await self.book.update(self.turn)
        return self.turn
