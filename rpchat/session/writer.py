"""One reply from the engine: streamed through the reader, and tried again while it is empty."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace

from rpchat.engine.port import Ended, Engine, Piece, Reading, Request, StreamEvent
from rpchat.prompt.formats.common import Adapter
from rpchat.reply.doctor import CAUSES, Attempt, attempt
from rpchat.reply.ending import says_nothing
from rpchat.reply.reader import End, Manners, Reply, ReplyReader
from rpchat.reply.thoughts import closed_thoughts
from rpchat.session.events import Delta, Retrying, Thinking
from rpchat.session.prompter import Fitted
from rpchat.story.preset import Preset, Sampling

MAX_SEED = 0xFFFFFFFE
GOING_ON = 4
"""A reply that had come to its end and is to go on may not end again for this many tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A reply to be written. `fitted` makes the prompt for a prefill and the number of tokens that stand behind it."""

    engine: Engine
    adapter: Adapter
    preset: Preset
    user: str
    speaker: str
    others: tuple[str, ...]
    manners: Manners
    fitted: Callable[[str, int], Awaitable[Fitted]]
    seed: int
    sampling: Sampling | None = None
    """How tokens are chosen; None as the preset says."""
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


WriterEvent = Reading | Thinking | Delta | Retrying | Written


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
        self._pending = ""
        self.tally = Tally()

    async def run(self) -> AsyncGenerator[WriterEvent, None]:
        """Yield what happens; the last event is `Written`."""
        tries = self._job.preset.tries
        for number in range(1, tries + 1):
            self._plan = attempt(number, causes=self._causes)
            async with aclosing(self._try()) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Written) and event.reply.finish != "empty":
                        return
                    if isinstance(event, Written):
                        cause = event.reply.cause
            self._causes.append(cause)
            if number < tries:
                coming = attempt(number + 1, causes=self._causes)
                yield Retrying(number + 1, tries, CAUSES.get(cause, cause), coming.change)

    async def _try(self) -> AsyncGenerator[WriterEvent, None]:
        job, plan = self._job, self._plan
        begins = not job.shown
        opening = job.adapter.opening(job.speaker) if begins and plan.primed else job.prefill
        shown = _visible(opening, job.speaker) if begins else job.shown
        manners = job.manners
        self._prefill = opening
        if plan.thoughts_closed and manners.reasoning is not None:
            self._prefill = closed_thoughts(manners.reasoning) + opening
            manners = replace(manners, reasoning=replace(manners.reasoning, opened=False))
        fitted = await job.fitted(self._prefill, len(job.continue_ids))
        self._first_kept = fitted.first_kept
        stops = fitted.prompt.stops
        self._reader = ReplyReader(
            stops=stops, user=job.user, speaker=job.speaker, others=job.others, prefill=shown, manners=manners
        )
        self._pending = shown if begins else ""
        self.tally = Tally()
        first = request = Request(
            segments=fitted.prompt.segments,
            sampling=job.sampling or job.preset.sampling,
            seed=(job.seed + plan.number - 1) % MAX_SEED,
            max_tokens=fitted.max_tokens,
            stop_controls=tuple(name.removesuffix("?") for name in stops.control),
            continue_ids=job.continue_ids,
            forbid_end=max(plan.forbid_end, job.forbid_end),
        )
        end: End | None = None
        while end is None or self._too_short(end):
            if end is not None:
                request = self._further(first)
            async with aclosing(job.engine.stream(request)) as events:
                async for event in events:
                    if isinstance(event, Ended):
                        end = event.reason
                    for told in self._take(event):
                        yield told
                    if self._reader.done:
                        break
            end = end or "stop"
        yield self._written(self._reader.finish(end))

    def _take(self, event: StreamEvent) -> Iterator[WriterEvent]:
        """What the reader is told of an event of the engine's."""
        reader = self._reader
        assert reader is not None
        if isinstance(event, Reading):
            if not self.tally.reply_ids:
                self.tally.read(event)
                yield event
        elif isinstance(event, Piece):
            self.tally.wrote(event)
            self._pending += reader.feed(event.data)
            if reader.thinking:
                yield Thinking(len(reader.thoughts))
            # 「 alone may still become 「」, which is no reply: nothing is shown before something is said.
            if self._pending and not says_nothing(reader.added):
                yield Delta(self._pending)
                self._pending = ""

    def _too_short(self, end: End) -> bool:
        """Whether a reply that ended by itself is to go on: the preset wants more of it, and there is something."""
        written, reader = len(self.tally.reply_ids), self._reader
        assert reader is not None
        wanted = min(self._job.preset.min_tokens, self._job.preset.max_tokens)
        return end in ("eos", "stop") and 0 < written < wanted and not reader.done and not says_nothing(reader.added)

    def _further(self, first: Request) -> Request:
        """The request that goes on behind what was written since the first one."""
        written = self.tally.reply_ids
        return replace(
            first,
            continue_ids=(*self._job.continue_ids, *written),
            max_tokens=max(1, first.max_tokens - len(written)),
            forbid_end=GOING_ON,
        )

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
        if reply.folded:
            record["folded"] = [asdict(fold) for fold in reply.folded]
        if reply.whole:
            record["ids"] = [*self._job.continue_ids, *self.tally.reply_ids]
            record["prefill"] = self._prefill
        return Written(reply, record, self._first_kept)


def _visible(opening: str, speaker: str) -> str:
    return opening.removeprefix(speaker).lstrip(":：")
