"""One try at a reply: what the engine is asked, and what is made of its answer. It awaits nothing but the prompt."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from rpchat.engine.port import Engine, Notice, Piece, Reading, Request, StreamEvent
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.segment import Stops
from rpchat.reply.doctor import Attempt
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
    noted: Mapping[str, object] = field(default_factory=dict)
    """What the turn's record tells beside how it came to be."""
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


WriterEvent = Reading | Notice | Thinking | Delta | Retrying | Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a try begins: what the engine is asked, and what its answer is read with."""

    attempt: int
    request: Request
    prefill: str
    """Written for the model at the end of the prompt."""
    shown: str
    """What of the reply the reader sees before the model has written anything, or saw before this try."""
    stops: Stops
    manners: Manners
    first_kept: int


async def opening_of(job: Job, plan: Attempt) -> Opening:
    """Return how the try of this plan begins. Raises PromptError."""
    begins = not job.shown
    prefill = job.adapter.opening(job.speaker) if begins and plan.primed else job.prefill
    shown = _visible(prefill, job.speaker) if begins else job.shown
    manners = job.manners
    if plan.thoughts_closed and manners.reasoning is not None:
        prefill = closed_thoughts(manners.reasoning) + prefill
        manners = replace(manners, reasoning=replace(manners.reasoning, opened=False))
    fitted = await job.fitted(prefill, len(job.continue_ids))
    stops = fitted.prompt.stops
    request = Request(
        segments=fitted.prompt.segments,
        sampling=job.sampling or job.preset.sampling,
        seed=(job.seed + plan.number - 1) % MAX_SEED,
        max_tokens=fitted.max_tokens,
        stop_controls=tuple(name.removesuffix("?") for name in stops.control),
        continue_ids=job.continue_ids,
        forbid_end=max(plan.forbid_end, job.forbid_end),
    )
    return Opening(
        attempt=plan.number, request=request, prefill=prefill, shown=shown, stops=stops, manners=manners,
        first_kept=fitted.first_kept,
    )  # fmt: skip


def _visible(opening: str, speaker: str) -> str:
    return opening.removeprefix(speaker).lstrip(":：")


class Take:
    """The answer of one try, from events to what a reader sees. `causes` are those of the empty tries before it."""

    def __init__(self, job: Job, opening: Opening, *, causes: Sequence[str] = ()) -> None:
        self._job = job
        self._opening = opening
        self._causes = tuple(causes)
        self._reader = ReplyReader(
            stops=opening.stops, user=job.user, speaker=job.speaker, others=job.others, prefill=opening.shown,
            manners=opening.manners,
        )  # fmt: skip
        self._pending = "" if job.shown else opening.shown
        self.tally = Tally()

    @property
    def done(self) -> bool:
        """Whether the model need not go on."""
        return self._reader.done

    def feed(self, event: StreamEvent) -> Iterator[WriterEvent]:
        """Yield what the reader is told of an event of the engine's."""
        reader = self._reader
        if isinstance(event, Reading):
            if not self.tally.reply_ids:
                self.tally.read(event)
                yield event
        elif isinstance(event, Notice):
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

    def too_short(self, end: End) -> bool:
        """Whether a reply that ended by itself is to go on: the preset wants more of it, and there is something."""
        written, reader = len(self.tally.reply_ids), self._reader
        wanted = min(self._job.preset.min_tokens, self._job.preset.max_tokens)
        return end in ("eos", "stop") and 0 < written < wanted and not reader.done and not says_nothing(reader.added)

    def further(self) -> Request:
        """Return the request that goes on behind what was written since the first one."""
        first, written = self._opening.request, self.tally.reply_ids
        return replace(
            first,
            continue_ids=(*self._job.continue_ids, *written),
            max_tokens=max(1, first.max_tokens - len(written)),
            forbid_end=GOING_ON,
        )

    def finish(self, end: End) -> Written:
        """Return the reply, now that no more of it comes."""
        return self._written(self._reader.finish(end))

    def interrupted(self) -> Written | None:
        """Return what was written before the try was stopped; None if there is nothing a reader could see."""
        return None if says_nothing(self._reader.added) else self.finish("cancelled")

    def _written(self, reply: Reply) -> Written:
        record: dict[str, object] = {
            "attempts": self._opening.attempt,
            "causes": list(self._causes),
            "preset": self._job.preset.name,
            "ids_of": ids_of(self._job.engine),
            **self.tally.figures(),
            **self._job.noted,
        }
        if reply.removed:
            record["removed"] = reply.removed
        if reply.folded:
            record["folded"] = [asdict(fold) for fold in reply.folded]
        if reply.whole:
            record["ids"] = [*self._job.continue_ids, *self.tally.reply_ids]
            record["prefill"] = self._opening.prefill
        return Written(reply, record, self._opening.first_kept)


def ids_of(engine: Engine) -> str:
    """Return what tells whose token ids these are: kept under another name, they mean other words."""
    model = engine.model
    return f"{model.server or model.path.name} {model.name} {model.n_vocab}" if model is not None else ""
