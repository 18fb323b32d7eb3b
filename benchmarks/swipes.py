"""Several swipes at once against one after another: the same prompt, samplers, seeds and lengths, side by side.

    python benchmarks/swipes.py [--model FILE] [--swipes K] [--tokens N] [--rounds N] [--threads N]

The two take turns within one run, and which of them goes first alternates. The prompt is in the cache before, so what
is compared is writing alone: tokens of all versions over the time from asking to the last token.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from decode import SAMPLING, demo_model, load

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Piece, Request, seed_of
from rpchat.prompt.segment import text

PROMPT = "The old lighthouse keeper opened his journal and wrote down everything he had seen that night. " * 4


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=demo_model())
    parser.add_argument("--swipes", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.model is None:
        sys.exit("this benchmark needs the demo extra, or --model")
    asyncio.run(compare(options))


async def compare(options: argparse.Namespace) -> None:
    """Measure both in turns and print the median speeds and the median of the rounds' ratios."""
    with tempfile.TemporaryDirectory() as folder:
        engine = ChildEngine(log=Path(folder, "log"), machine=Path(folder, "machine.json"))
        try:
            await load(engine, options.model, options.threads)
            pairs = []
            for number in range(options.rounds + 1):
                request = Request(
                    segments=(text(PROMPT),), sampling=SAMPLING, seed=number, max_tokens=options.tokens,
                    forbid_end=options.tokens,
                )  # fmt: skip
                pair: dict[str, float] = {}
                for name in ("at once", "in turn") if number % 2 else ("in turn", "at once"):
                    measure = at_once if name == "at once" else in_turn
                    pair[name] = options.swipes * options.tokens / await measure(engine, request, options.swipes)
                pairs.append(pair)
        finally:
            await engine.close()
    report(pairs[1:], options)


def report(pairs: list[dict[str, float]], options: argparse.Namespace) -> None:
    """Print one line for each way and the ratio. The first round, which reads the prompt, is not among `pairs`."""
    print(f"{options.model.stem}, {options.swipes} swipes, {options.threads} threads, {len(pairs)} rounds")
    for name in ("at once", "in turn"):
        speeds = [pair[name] for pair in pairs]
        print(f"{name:>8}: median {statistics.median(speeds):6.1f} tok/s  ({min(speeds):.1f} … {max(speeds):.1f})")
    ratios = [pair["at once"] / pair["in turn"] for pair in pairs]
    print(f"   ratio: median {statistics.median(ratios):.2f}  ({min(ratios):.2f} … {max(ratios):.2f})")


async def at_once(engine: ChildEngine, request: Request, count: int) -> float:
    """Return the seconds it takes to write all versions together."""
    begun = time.perf_counter()
    written = 0
    async with aclosing(engine.stream_many(request, count, wanted=lambda _version: True)) as events:
        async for _, event in events:
            written += isinstance(event, Piece)
    assert written == count * request.max_tokens
    return time.perf_counter() - begun


async def in_turn(engine: ChildEngine, request: Request, count: int) -> float:
    """Return the seconds it takes to write them one after another."""
    begun = time.perf_counter()
    for version in range(count):
        async with aclosing(engine.stream(replace(request, seed=seed_of(request.seed, version)))) as events:
            async for _ in events:
                pass
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
