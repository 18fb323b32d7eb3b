"""The turn that is being written, kept on disk: stored with its first text, saved at least once a second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    _saved: float = field(init=False, default=0.0)
    _text: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._text = self.turn.text if self.turn is not None else ""

    def take(self, text: str) -> bool:
        """Take more text; return whether it is time to save: at once when the reply begins, then about every second."""
        self._text += text
        began = self.turn is None or self.turn.finish != OPEN
        return began or time.monotonic() - self._saved >= CHECKPOINT_SECONDS

    @to_its_end
    async def save(self) -> Turn | None:
        """Put what there is on disk; return the turn if this began it."""
        began = self.turn is None or self.turn.finish != OPEN
        if self.turn is None:
            self.turn = await self.book.add(
                parent=self.parent, side="member", speaker=self.speaker, member=self.member, text=self._text,
                finish=OPEN, action=self.action,
            )  # fmt: skip
        else:
            # The record tells of the text as it was: its token ids would go on from the wrong place.
            record = {} if began else self.turn.record
            self.turn = replace(self.turn, text=self._text, finish=OPEN, record=record)
            await self.book.update(self.turn)
        self._saved = time.monotonic()
        return self.turn if began else None

    @to_its_end
    async def finish(self, *, text: str, finish: str, record: Mapping[str, object]) -> Turn:
        """Store the final text; return the turn."""
        if self.turn is None:
            await self.save()
        assert self.turn is not None
        self.turn = replace(self.turn, text=text, finish=finish, record=record)
        await self.book.update(self.turn)
        return self.turn
