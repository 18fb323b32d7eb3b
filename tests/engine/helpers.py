"""Short forms for what engine tests do again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from rpchat.engine.port import Ended, Engine, Loaded, LoadEvent, ModelInfo, Piece, Reading, Request, StreamEvent
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import Segment, control, text
from rpchat.story.preset import Sampling

GREEDY = Sampling(temperature=0)
WARM = Sampling(temperature=1.0, min_p=0.05, seed=1)

STORY = " ".join(f"On day {day} the old sailor counted {day * 7} gulls above the harbour." for day in range(1, 7))


def quick(*, n_ctx: int = 256) -> EngineSettings:
    """Return settings of a small model on a busy machine: two threads that wait for each other are slower than one."""
    return EngineSettings(n_ctx=n_ctx, n_threads=1, n_batch=32)


def question(words: str) -> tuple[Segment, ...]:
    """Return a ChatML prompt that asks `words`."""
    return (
        control("<|im_start|>"),
        text(f"user\n{words}"),
        control("<|im_end|>"),
        text("\n"),
        control("<|im_start|>"),
        text("assistant\n"),
    )


def ask(
    segments: tuple[Segment, ...],
    *,
    sampling: Sampling = GREEDY,
    seed: int = 1,
    max_tokens: int = 24,
    stop_controls: tuple[str, ...] = (),
    continue_ids: tuple[int, ...] = (),
    forbid_end: int = 0,
) -> Request:
    """Return a request with a test's defaults."""
    return Request(
        segments=segments,
        sampling=sampling,
        seed=seed,
        max_tokens=max_tokens,
        stop_controls=stop_controls,
        continue_ids=continue_ids,
        forbid_end=forbid_end,
    )


@dataclass(slots=True)
class Reply:
    """What a stream told."""

    readings: list[Reading] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    ended: Ended | None = None

    @property
    def data(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(piece.id for piece in self.pieces)

    @property
    def end(self) -> Ended:
        assert self.ended is not None
        return self.ended


async def reply(engine: Engine, request: Request) -> Reply:
    """Return everything a stream says."""
    result = Reply()
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            match event:
                case Reading():
                    result.readings.append(event)
                case Piece():
                    result.pieces.append(event)
                case Ended():
                    result.ended = event
    return result


async def load_events(engine: Engine, path: Path, settings: EngineSettings) -> list[LoadEvent]:
    """Return everything loading says."""
    async with aclosing(engine.load(path, settings)) as events:
        return [event async for event in events]


async def loaded(engine: Engine, path: Path, settings: EngineSettings) -> ModelInfo:
    """Load a model and return what it is."""
    last = (await load_events(engine, path, settings))[-1]
    assert isinstance(last, Loaded)
    return last.model


async def until(condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Wait for something another process does; a test fails when it does not come."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nothing in this process hears of it
            await asyncio.sleep(0.005)


async def drain(events: AsyncGenerator[StreamEvent, None], told: list[StreamEvent]) -> None:
    """Put everything a stream says into `told`, also when it ends with an error."""
    async with aclosing(events):
        async for event in events:
            told.append(event)
