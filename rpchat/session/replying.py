"""Replies on their way into the scene: a job's events, with a keeper that puts what is written on disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from rpchat.engine.port import Engine, Reading
from rpchat.errors import RpchatError
from rpchat.session.book import Book
from rpchat.session.events import Delta, Drafted, Finished, Retrying, SessionEvent, Started, Status, Thinking
from rpchat.session.jobs import against_loops
from rpchat.session.keeper import OPEN, Keeper
from rpchat.session.notices import IN_CIRCLES, NOTHING_ADDED, nothing_came, notice_of
from rpchat.session.writer import Job, Writer, Written
from rpchat.story.scene import Turn


class Replying:
    """Writes one reply at a time. `status` has the figures of the latest one."""

    def __init__(self, book: Book, engine: Engine) -> None:
        self.busy = False
        self.status = Status()
        self._book = book
        self._engine = engine

    async def write(self, job: Job, keeper: Keeper) -> AsyncGenerator[SessionEvent, None]:
        """Write a reply into the scene; one that goes in circles stays, and another version is written, once.

        Raises what `Session.reply` raises; what was written is kept in any case.
        """
        self._book.writable()
        draft = keeper.turn
        with self._alone():
            first = None
            async with aclosing(self._written(job, keeper)) as events:
                async for event in events:
                    first = event if isinstance(event, Finished) else None
                    yield event
            if first is None or first.turn.finish != "loop":
                return
            yield Retrying(2, 2, *IN_CIRCLES)
            again = Keeper(self._book, draft, "regenerate")
            async with aclosing(self._written(against_loops(job), again)) as events:
                async for event in events:
                    yield event

    async def draft(self, job: Job) -> AsyncGenerator[SessionEvent, None]:
        """Write a line for the user, which is stored nowhere. Raises what `Session.reply` raises."""
        writer = Writer(job)
        with self._alone():
            written: Written | None = None
            async with aclosing(writer.run()) as events:
                async for event in events:
                    if isinstance(event, Written):
                        written = event
                    else:
                        yield event
                    self._note(writer)
        if written is None or written.reply.finish == "empty":
            raise nothing_came(written, job)
        yield Drafted(written.reply.text)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self.busy:
            raise RpchatError("a reply is being written", "Esc stops it.")
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    async def _written(self, job: Job, keeper: Keeper) -> AsyncGenerator[SessionEvent, None]:
        writer = Writer(job)
        written: Written | None = None
        died = False
        try:
            async with aclosing(writer.run()) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        begun = await keeper.save() if keeper.take(event.text) else None
                        yield event if begun is None else Started(begun)
                    elif isinstance(event, Written):
                        written = event
                    elif isinstance(event, Reading | Retrying | Thinking):
                        # Behind an empty try there is a next one, and what that one writes is not written yet.
                        written = None if isinstance(event, Retrying) else written
                        yield event
                    self._note(writer)
            if written is not None and written.reply.finish != "empty":
                turn = await self._keep(job, keeper, written)
                yield Finished(turn, notice_of(written, user=self._book.scene.persona.name))
                return
        except RpchatError:
            died = True
            raise
        finally:
            partial_reply = writer.interrupted() if written is None else None
            if partial_reply is not None:
                await self._keep(job, keeper, partial_reply, finish="interrupted" if died else "")
            elif keeper.stored and keeper.turn.finish == OPEN:
                # What was put back by the reader stays, whether the model had something to add or not.
                await keeper.finish(text=keeper.turn.text, finish="eos", record=keeper.turn.record)
        if keeper.stored:
            yield Finished(keeper.turn, NOTHING_ADDED)
            return
        raise nothing_came(written, job)

    async def _keep(self, job: Job, keeper: Keeper, written: Written, *, finish: str = "") -> Turn:
        text = written.reply.text
        length = job.adapter.length_of(text)
        record = {**written.record, "length": length} if length else written.record
        turn = await keeper.finish(text=text, finish=finish or written.reply.finish, record=record)
        await self._book.settle(first_kept=written.first_kept)
        return turn

    def _note(self, writer: Writer) -> None:
        tally, model = writer.tally, self._engine.model
        self.status = Status(
            tokens_per_second=tally.tokens_per_second or self.status.tokens_per_second,
            context_used=tally.prompt_tokens + len(tally.reply_ids) or self.status.context_used,
            context=model.n_ctx if model is not None else None,
        )
