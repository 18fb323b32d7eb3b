"""A reply on its way into the scene: what a writer or a take tells, put on disk and told on to the reader."""

from __future__ import annotations

from rpchat.session.book import Book
from rpchat.session.events import Delta, Finished, Retrying, SessionEvent, Started
from rpchat.session.keeper import OPEN, Keeper
from rpchat.session.notices import NOTHING_ADDED, notice_of
from rpchat.session.take import Job, WriterEvent, Written
from rpchat.story.turn import Turn


class Kept:
    """One reply of `job`, kept by `keeper`. `written` is its latest end, None while it is being written."""

    def __init__(self, book: Book, job: Job, keeper: Keeper) -> None:
        self._book = book
        self._job = job
        self.keeper = keeper
        self.written: Written | None = None

    async def take(self, event: WriterEvent) -> SessionEvent | None:
        """Keep what an event brings; return what the reader is told of it."""
        if isinstance(event, Written):
            self.written = event
            return None
        if isinstance(event, Delta):
            begun = await self.keeper.save() if self.keeper.take(event.text) else None
            return event if begun is None else Started(begun)
        if isinstance(event, Retrying):
            # Behind an empty try there is a next one, and what that one writes is not written yet.
            self.written = None
        return event

    @property
    def is_empty(self) -> bool:
        """Whether it has come to an end, or not begun, with nothing said."""
        return self.written is None or self.written.reply.finish == "empty"

    async def finish(self) -> Finished | None:
        """Store the reply that was written; None if it is empty, and nothing of it was stored."""
        if self.written is not None and not self.is_empty:
            turn = await self._keep(self.written)
            return Finished(turn, notice_of(self.written, user=self._book.scene.persona.name))
        if self.keeper.stored:
            await self._close()
            return Finished(self.keeper.turn, NOTHING_ADDED)
        return None

    async def leave(self, partial: Written | None, *, died: bool) -> None:
        """Keep what there is when no more will come; `partial` is what was written when it was stopped half-way."""
        if self.written is None and partial is not None:
            await self._keep(partial, finish="interrupted" if died else "")
        else:
            await self._close()

    async def _close(self) -> None:
        """What was put back by the reader stays, whether the model had something to add or not."""
        turn = self.keeper.turn
        if self.keeper.stored and turn.finish == OPEN:
            await self.keeper.finish(text=turn.text, finish="eos", record=turn.record)

    async def _keep(self, written: Written, *, finish: str = "") -> Turn:
        text = written.reply.text
        turn = await self.keeper.finish(
            text=text, finish=finish or written.reply.finish, record=record_of(written, self._job)
        )
        await self._book.settle(first_kept=written.first_kept)
        return turn


def record_of(written: Written, job: Job) -> dict[str, object]:
    """Return what is kept with a turn of how it came to be."""
    length = job.adapter.length_of(written.reply.text)
    return {**written.record, "length": length} if length else written.record
