"""One reply from the engine: streamed through a take, and tried again while it is empty."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from rpchat.engine.port import Ended, Engine, Request
from rpchat.reply.doctor import CAUSES, attempt
from rpchat.reply.reader import End
from rpchat.session.events import Retrying
from rpchat.session.take import Job, Take, Tally, WriterEvent, Written, opening_of


class Writer:
    """Runs one job. `tally` can be looked at while it runs; `interrupted()` gives what there is when the job was
    stopped half-way. With `causes`, so many tries were made before, and were empty for these."""

    def __init__(self, job: Job, *, causes: Sequence[str] = ()) -> None:
        self._job = job
        self._causes = list(causes)
        self._take: Take | None = None

    @property
    def tally(self) -> Tally:
        """The figures of the latest try."""
        return Tally() if self._take is None else self._take.tally

    async def run(self) -> AsyncGenerator[WriterEvent, None]:
        """Yield what happens; the last event is `Written`. Tries made before are followed by `Retrying` first."""
        tries = self._job.preset.tries
        for number in range(len(self._causes) + 1, tries + 1):
            if self._causes:
                coming = attempt(number, causes=self._causes)
                cause = self._causes[-1]
                yield Retrying(number, tries, CAUSES.get(cause, cause), coming.change)
            async with aclosing(self._try(number)) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Written) and event.reply.finish != "empty":
                        return
                    if isinstance(event, Written):
                        self._causes.append(event.reply.cause)

    async def _try(self, number: int) -> AsyncGenerator[WriterEvent, None]:
        opening = await opening_of(self._job, attempt(number, causes=self._causes))
        self._take = Take(self._job, opening, causes=self._causes)
        async with aclosing(streamed(self._job.engine, self._take, opening.request)) as events:
            async for event in events:
                yield event

    def interrupted(self) -> Written | None:
        """Return what was written before the job was stopped; None if there is nothing a reader could see."""
        return None if self._take is None else self._take.interrupted()


async def streamed(engine: Engine, take: Take, request: Request) -> AsyncGenerator[WriterEvent, None]:
    """Let the engine write until the take is done, and long enough; the last event is `Written`."""
    end: End | None = None
    while end is None or take.too_short(end):
        if end is not None:
            request = take.further()
        async with aclosing(engine.stream(request)) as events:
            async for event in events:
                if isinstance(event, Ended):
                    end = event.reason
                for told in take.feed(event):
                    yield told
                if take.done:
                    break
        end = end or "stop"
    yield take.finish(end)
