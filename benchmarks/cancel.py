"""How soon the engine is idle behind a cancel: at moments spread over the reading of a long prompt, and over a reply.

    python benchmarks/cancel.py [--model FILE] [--times N] [--threads N]

Milliseconds, from closing the stream to its end: the worker has answered then and its cache is in order. Every prompt
begins with another token, so that nothing of it is read already. Goal: at most 100 ms while a prompt is read.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import aclosing
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from decode import PROMPT, demo_model, load

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Piece, Reading, Request
from rpchat.prompt.segment import text
from rpchat.story.preset import Sampling

GOAL_MS = 100.0
LENGTH = 1800
"""Tokens of the prompt."""
REPLY = 200


def main() -> int:
    """Measure and print; 1 if a cancelled reading took longer than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=demo_model())
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    reading, writing = asyncio.run(measure(options.model, times=options.times, threads=options.threads))
    for name, spent in (("reading", reading), ("writing", writing)):
        ordered = sorted(spent)
        print(
            f"{name}: {len(spent)} cancels, median {statistics.median(spent):.1f} ms, "
            f"95 % within {ordered[int(0.95 * (len(ordered) - 1))]:.1f} ms, longest {ordered[-1]:.1f} ms"
        )
    print(f"goal while reading: {GOAL_MS:.0f} ms")
    return 1 if max(reading) > GOAL_MS else 0


async def measure(model: Path, *, times: int, threads: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of every cancel while the prompt was read, and while the reply was written."""
    with tempfile.TemporaryDirectory() as folder:
        engine = ChildEngine(log=Path(folder, "log"), machine=Path(folder, "machine.json"))
        try:
            await load(engine, model, threads)
            ids = await engine.tokenize((text(PROMPT),))
            first, *rest = islice(cycle(ids), LENGTH)
            whole = await seconds_to_read(engine, (first, *rest))
            reading = [
                await cancelled_after(engine, (1000 + turn, *rest), seconds=whole * (turn + 0.5) / times)
                for turn in range(times)
            ]
            writing = [await cancelled_behind(engine, (first, *rest[:300]), pieces=turn + 1) for turn in range(times)]
        finally:
            await engine.close()
    return reading, writing


def ask(ids: tuple[int, ...]) -> Request:
    """Return a request for a long reply to a prompt of these tokens."""
    return Request(
        segments=(), continue_ids=ids, sampling=Sampling(temperature=0.0), seed=1, max_tokens=REPLY, forbid_end=REPLY
    )


async def seconds_to_read(engine: ChildEngine, ids: tuple[int, ...]) -> float:
    """Return how long it takes until the first token comes, with nothing read before."""
    begun = time.perf_counter()
    async with aclosing(engine.stream(ask(ids))) as events:
        async for event in events:
            if isinstance(event, Piece):
                break
    return time.perf_counter() - begun


async def cancelled_after(engine: ChildEngine, ids: tuple[int, ...], *, seconds: float) -> float:
    """Return the milliseconds a cancel took that came so long behind the request."""
    events = engine.stream(ask(ids))
    begun = time.perf_counter()
    waiting = asyncio.ensure_future(anext(events))
    while time.perf_counter() - begun < seconds:
        done, _ = await asyncio.wait((waiting,), timeout=max(0.0, seconds - (time.perf_counter() - begun)))
        if done:
            assert isinstance(waiting.result(), Reading), "the prompt was read before the cancel came"
            waiting = asyncio.ensure_future(anext(events))
    cancelled = time.perf_counter()
    waiting.cancel()
    await asyncio.wait((waiting,))
    await events.aclose()
    return (time.perf_counter() - cancelled) * 1000


async def cancelled_behind(engine: ChildEngine, ids: tuple[int, ...], *, pieces: int) -> float:
    """Return the milliseconds a cancel took that came behind so many tokens of the reply."""
    events = engine.stream(ask(ids))
    async for event in events:
        pieces -= isinstance(event, Piece)
        if not pieces:
            break
    cancelled = time.perf_counter()
    await events.aclose()
    return (time.perf_counter() - cancelled) * 1000


if __name__ == "__main__":
    sys.exit(main())
