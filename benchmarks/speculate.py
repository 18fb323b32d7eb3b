"""Whether guessing ahead would pay: n-gram lookup on stories the model wrote, and what a guess costs to check.

    python benchmarks/speculate.py [--model FILE] [--threads N] [--stories N] [--safe]

A lookup proposes what followed the latest words when they stood in the text before. A sampled reply takes a proposed
token where it is the one that is drawn, so what would have been taken is read off the stories themselves, without loss.
The gain is the tokens a step yields, divided by what a step over the proposals costs beside one over a single token;
where checking is free, on a machine that only waits for its memory, it is the yield itself.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import llama_cpp

sys.path.insert(0, str(Path(__file__).parent))

from decode import demo_model, plain_llama
from shift import fronts, story_of

LOOKUPS = ((2, 4), (3, 4), (3, 8), (4, 8))
"""Words that must match, in tokens, and the longest proposal."""
ROUNDS = 40


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=demo_model())
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stories", type=int, default=8)
    parser.add_argument("--safe", action="store_true", help="no CPU-specific weight layouts")
    options = parser.parse_args()
    llama = plain_llama(options.model, threads=options.threads, safe=options.safe)
    stories = [
        (front, story_of(llama, front, seed=seed))
        for seed, front in enumerate(islice(cycle(fronts(llama)), options.stories))
    ]
    costs = {size: cost(llama, stories[0][0], size) for size in sorted({longest for _, longest in LOOKUPS})}
    for matched, longest in LOOKUPS:
        shares = [spoken(front, story, matched=matched, longest=longest) for front, story in stories]
        tried = statistics.mean(share for _, share in shares)
        gain = statistics.mean(tokens for tokens, _ in shares)
        spent = 1 + tried * (costs[longest] - 1)
        print(
            f"match {matched}, propose {longest}: {gain:.3f} tokens a step, proposals at {tried:.0%} of the steps, "
            f"checking costs {costs[longest]:.2f} steps; gain here {gain / spent:.3f}, at best {gain:.3f}"
        )


def spoken(front: Sequence[int], story: Sequence[int], *, matched: int, longest: int) -> tuple[float, float]:
    """Return how many tokens a step yields on average, and in which share of the steps there is a proposal."""
    ids, at, steps, proposals = [*front, *story], len(front), 0, 0
    while at < len(ids):
        proposed = proposal(ids[:at], matched=matched, longest=longest)
        taken = next(
            (n for n, (one, real) in enumerate(zip(proposed, ids[at:], strict=False)) if one != real), len(proposed)
        )
        at += taken + 1
        steps += 1
        proposals += bool(proposed)
    return len(story) / steps, proposals / steps


def proposal(ids: Sequence[int], *, matched: int, longest: int) -> Sequence[int]:
    """Return what followed the last `matched` tokens when they stood there before, the latest time."""
    tail = list(ids[-matched:])
    for start in range(len(ids) - matched - 1, -1, -1):
        if list(ids[start : start + matched]) == tail:
            return ids[start + matched : start + matched + longest]
    return ()


def cost(llama: llama_cpp.Llama, front: Sequence[int], size: int) -> float:
    """Return how long `size` more tokens in one decode take beside a single one: the median of ratios in turns."""
    ratios = []
    llama.reset()
    llama.eval([*front, *front])
    for _ in range(ROUNDS):
        seconds = {}
        for count in (1, 1 + size):
            began = time.perf_counter()
            llama.eval(front[:count])
            seconds[count] = time.perf_counter() - began
            llama.n_tokens -= count
        ratios.append(seconds[1 + size] / seconds[1])
    return statistics.median(ratios)


if __name__ == "__main__":
    main()
