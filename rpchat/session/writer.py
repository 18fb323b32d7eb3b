"""One reply from the engine: streamed through the reader, and tried again while it is empty."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from rpchat.engine.port import Ended, Engine, Piece, Reading, Request
from rpchat.prompt.formats.common import Adapter
from rpchat.reply.doctor import CAUSES, Attempt, attempt
from rpchat.reply.ending import says_nothing
from rpchat.reply.reader import End, Reply, ReplyReader
from rpchat.session.events import Delta, Retrying
from rpchat.session.prompter import Fitted
from rpchat.story.preset import Preset

MAX_SEED = 0xFFFFFFFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A reply to be written. `fitted` makes the prompt for a prefill and the number of tokens that stand behind it."""

    engine: Engine
    adapter: Adapter
    preset: Preset
    user: str
    speaker: str
    others: tuple[str, ...]
    fitted: Callable[[str, int], Awaitable[Fitted]]
    seed: int
    prefill: str = ""
    """Written for the model at the end of the prompt."""
    shown: str = ""
    """What of the reply the reader sees already."""
    continue_ids: tuple[int, ...] = ()
    forbid_end: int = 0


@dataclass(slots=True)
class Tally:
    """Counts and times of one try, in tokens and milliseconds."""

    started: float = field(default_factory=time.monotonic)
    prompt_tokens: int = 0
    prefilled_tokens: int = 0
    reply_ids: list[int] = field(default_factory=list)
    first_piece: float = 0.0
    last_piece: float = 0.0

    def read(self, event: Reading) -> None:
        """Count the prompt; the first event tells how much of it the cache already held."""
        if not self.prompt_tokens:
            self.prompt_tokens, self.prefilled_tokens = event.total, event.total - event.done

    def wrote(self, piece: Piece) -> None:
        """Count a token."""
        now = time.monotonic()
        self.first_piece = self.first_piece or now
        self.last_piece = now
        self.reply_ids.append(piece.id)

    @property
    def tokens_per_second(self) -> float | None:
        """Decode speed behind the first token; None before there is one."""
        spent = self.last_piece - self.first_piece
        return (len(self.reply_ids) - 1) / spent if spent > 0 else None

    def figures(self) -> dict[str, object]:
        """Return the figures as they are stored with the turn."""
        now = time.monotonic()
        first = self.first_piece or now
        return {
            "prompt_tokens": self.prompt_tokens,
            "prefilled_tokens": self.prefilled_tokens,
            "reply_tokens": len(self.reply_ids),
            "prefill_ms": round((first - self.started) * 1000, 1),
            "decode_ms": round(max(self.last_piece - first, 0.0) * 1000, 1),
        }


@dataclass(frozen=True, slots=True)
class Written:
    """The end of a job: the reply and the story of how it came to be. `reply.finish` is `empty` if no try gave one."""

    reply: Reply
    record: dict[str, object]
    first_kept: int


WriterEvent = Reading | Delta | Retrying | Written


class Writer:
    """Runs one job. `tally` and `text` can be looked at while it runs; `interrupted()` gives what there is when the
    job was stopped half-way."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._causes: list[str] = []
        self._reader: ReplyReader | None = None
        self._plan = Attempt(1)
        self._prefill = job.prefill
        self._first_kept = 0
        self.tally = Tally()

    async def run(self) -> AsyncGenerator[WriterEvent, None]:
        """Yield what happens; the last event is `Written`."""
        tries = self._job.preset.tries
        for number in range(1, tries + 1):
            self._plan = attempt(number)
            async with aclosing(self._try()) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Written) and event.reply.finish != "empty":
                        return
                    if isinstance(event, Written):
                        cause = event.reply.cause
            self._causes.append(cause)
            if number < tries:
                coming = attempt(number + 1)
                yield Retrying(number + 1, tries, CAUSES.get(cause, cause), coming.change)

    async def _try(self) -> AsyncGenerator[WriterEvent, None]:
        job, plan = self._job, self._plan
        begins = not job.shown
        self._prefill = job.adapter.opening(job.speaker) if begins and plan.primed else job.prefill
        shown = _visible(self._prefill, job.speaker) if begins else job.shown
        fitted = await job.fitted(self._prefill, len(job.continue_ids))
        self._first_kept = fitted.first_kept
        stops = fitted.prompt.stops
        self._reader = reader = ReplyReader(
            stops=stops, user=job.user, speaker=job.speaker, others=job.others, prefill=shown
        )
        self.tally = Tally()
        request = Request(
            segments=fitted.prompt.segments,
            sampling=job.preset.sampling,
            seed=(job.seed + plan.number - 1) % MAX_SEED,
            max_tokens=fitted.max_tokens,
            stop_controls=tuple(name.removesuffix("?") for name in stops.control),
            continue_ids=job.continue_ids,
            forbid_end=max(plan.forbid_end, job.forbid_end),
        )
        end: End = "stop"
        pending = shown if begins else ""
        async with aclosing(job.engine.stream(request)) as events:
            async for event in events:
                if isinstance(event, Reading):
                    self.tally.read(event)
                    yield event
                elif isinstance(event, Ended):
                    end = event.reason
                else:
                    self.tally.wrote(event)
                    pending += reader.feed(event.data)
                    # 「 alone may still become 「」, which is no reply: nothing is shown before something is said.
                    if pending and not says_nothing(reader.added):
                        yield Delta(pending)
                        pending = ""
                    if reader.done:
                        break
        yield self._written(reader.finish(end))

    def interrupted(self) -> Written | None:
        """Return what was written before the job was stopped; None if there is nothing a reader could see."""
        if self._reader is None or says_nothing(self._reader.added):
            return None
        return self._written(self._reader.finish("cancelled"))

    def _written(self, reply: Reply) -> Written:
        record: dict[str, object] = {
            "attempts": self._plan.number,
            "causes": list(self._causes),
            "preset": self._job.preset.name,
            **self.tally.figures(),
        }
        if reply.removed:
            record["removed"] = reply.removed
        if reply.whole:
            record["ids"] = [*self._job.continue_ids, *self.tally.reply_ids]
            record["prefill"] = self._prefill
        return Written(reply, record, self._first_kept)


def _visible(opening: str, speaker: str) -> str:
    return opening.removeprefix(speaker).lstrip(":：")
