"""Replies on their way into the scene: a job's events, with a keeper that puts what is written on disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from rpchat.engine.port import Engine
from rpchat.errors import RpchatError
from rpchat.session.book import Book
from rpchat.session.events import Drafted, Finished, Retrying, SessionEvent, Status
from rpchat.session.jobs import against_loops
from rpchat.session.keeper import Keeper
from rpchat.session.kept import Kept
from rpchat.session.notices import IN_CIRCLES, nothing_came
from rpchat.session.take import Job, Tally, Written
from rpchat.session.writer import Writer


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
        with self.alone():
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
        with self.alone():
            written: Written | None = None
            async with aclosing(writer.run()) as events:
                async for event in events:
                    if isinstance(event, Written):
                        written = event
                    else:
                        yield event
                    self.note(writer.tally)
        if written is None or written.reply.finish == "empty":
            raise nothing_came(written, job)
        yield Drafted(written.reply.text)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who writes. Raises RpchatError if somebody does."""
        if self.busy:
            raise RpchatError("a reply is being written", "Esc stops it.")
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    async def _written(self, job: Job, keeper: Keeper) -> AsyncGenerator[SessionEvent, None]:
        writer, kept = Writer(job), Kept(self._book, job, keeper)
        died = False
        try:
            async with aclosing(writer.run()) as events:
                async for event in events:
                    told = await kept.take(event)
                    if told is not None:
                        yield told
                    self.note(writer.tally)
            finished = await kept.finish()
        except RpchatError:
            died = True
            raise
        finally:
            await kept.leave(writer.interrupted(), died=died)
        if finished is None:
            raise nothing_came(kept.written, job)
        yield finished

    def note(self, tally: Tally) -> None:
        """Take the figures of what is being written."""
        model = self._engine.model
        self.status = Status(
            tokens_per_second=tally.tokens_per_second or self.status.tokens_per_second,
            context_used=tally.prompt_tokens + len(tally.reply_ids) or self.status.context_used,
            context=model.n_ctx if model is not None else None,
        )
