"""The turn that is being written, kept on disk: stored with its first text, saved at least once a second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rpchat.session.book import Book
from rpchat.store.thread import to_its_end
from rpchat.story.scene import Turn

CHECKPOINT_SECONDS = 0.8
"""Saved when a piece comes and this much time has passed: below the promised second, with room for the write."""

OPEN = "open"
"""The finish of a turn that is still being written; a crash leaves it so."""


@dataclass(slots=True)
class Keeper:
    """Keeps one reply. For a new turn, `parent` is set; for one that goes on, `turn` is."""

    book: Book
    speaker: str
    member: str
    action: str
    parent: int = 0
    turn: Turn | None = None
    _saved: float = 0.0

    @to_its_end
    async def grow(self, text: str) -> Turn | None:
        """Take more text; return the turn if this began it. On disk at once when it begins, then about every second."""
        now = time.monotonic()
        if self.turn is None:
            self.turn = await self.book.add(
                parent=self.parent, side="member", speaker=self.speaker, member=self.member, text=text, finish=OPEN,
                action=self.action,
            )  # fmt: skip
            self._saved = now
            return self.turn
        began = self.turn.finish != OPEN
        # The record tells of the text as it was: its token ids would go on from the wrong place.
        record = {} if began else self.turn.record
        self.turn = replace(self.turn, text=self.turn.text + text, finish=OPEN, record=record)
        if began or now - self._saved >= CHECKPOINT_SECONDS:
            await self.book.update(self.turn)
            self._saved = now
        return self.turn if began else None

    @to_its_end
    async def finish(self, *, text: str, finish: str, record: Mapping[str, object]) -> Turn:
        """Store the final text; return the turn."""
        if self.turn is None:
            await self.grow(text)
        assert self.turn is not None
        self.turn = replace(self.turn, text=text, finish=finish, record=record)
        await self.book.update(self.turn)
        return self.turn
