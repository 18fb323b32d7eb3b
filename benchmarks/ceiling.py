"""Decode speed against what the hardware gives: this program's engine beside llama-bench, which does not sample.

    LLAMA_CPP_LIB_PATH=FOLDER python benchmarks/ceiling.py --bench FOLDER/llama-bench [--model FILE] [--threads N]

llama-bench must be of the same build and load the same library files, which is why LLAMA_CPP_LIB_PATH names its folder.
The three take turns within one run: llama-bench, our replies with greedy sampling, and with all samplers a roleplay
preset uses. Speed is tokens per second behind a prompt of the same length; a ratio is taken within its round, and the
median of the ratios is what counts: goals 0.95 greedy, 0.90 with all samplers. By itself llama-bench takes flash
attention, which is slower here; it is told to do without, as our engine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from decode import PROMPT, demo_model, load, speed_of

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Request
from rpchat.prompt.segment import text
from rpchat.story.preset import Sampling

GREEDY = Sampling(temperature=0.0, order=("temperature",))
WHOLE = Sampling(
    order=("penalties", "dry", "min_p", "xtc", "temperature"), temperature=1.0, min_p=0.05, repeat_penalty=1.05,
    dry_multiplier=0.8, xtc_probability=0.5, seed=1,
)  # fmt: skip
"""With a seed, which has each reply written in the cells of the one before: llama-bench holds one sequence, too."""
GOALS = {"greedy": 0.95, "all samplers": 0.90}
SAMPLINGS = {"greedy": GREEDY, "all samplers": WHOLE}


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", type=Path, required=True, help="llama-bench")
    parser.add_argument("--model", type=Path, default=demo_model())
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--depth", type=int, default=256, help="tokens of the prompt in front")
    parser.add_argument("--flash", choices=("on", "off", "auto"), default="off", help="what our engine takes on a CPU")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if Path(os.environ.get("LLAMA_CPP_LIB_PATH", "")).resolve() != options.bench.parent.resolve():
        sys.exit("set LLAMA_CPP_LIB_PATH to the folder of llama-bench: both must load the same library")
    report(asyncio.run(compare(options)))


async def compare(options: argparse.Namespace) -> list[dict[str, float]]:
    """Return the speeds of every round but the first, in which the prompt is read."""
    with tempfile.TemporaryDirectory() as folder:
        engine = ChildEngine(log=Path(folder, "log"), machine=Path(folder, "machine.json"))
        try:
            await load(engine, options.model, options.threads)
            ids = await engine.tokenize((text(PROMPT),))
            prompt = tuple(islice(cycle(ids), options.depth))
            rounds = []
            for turn in range(options.rounds + 1):
                speeds = {"llama-bench": await asyncio.to_thread(bench_speed, options)}
                for name in SAMPLINGS if turn % 2 else reversed(SAMPLINGS):
                    speeds[name] = await our_speed(engine, prompt, SAMPLINGS[name], tokens=options.tokens, seed=turn)
                rounds.append(speeds)
        finally:
            await engine.close()
    return rounds[1:]


def bench_speed(options: argparse.Namespace) -> float:
    """Return the speed llama-bench reaches."""
    command = [
        str(options.bench), "-m", str(options.model), "-p", "0", "-n", str(options.tokens), "-d", str(options.depth),
        "-t", str(options.threads), "-ngl", "0", "-fa", options.flash, "-r", "1", "-o", "json",
    ]  # fmt: skip
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(told)[0]["avg_ts"])


async def our_speed(
    engine: ChildEngine, prompt: tuple[int, ...], sampling: Sampling, *, tokens: int, seed: int
) -> float:
    """Return the speed of a reply behind `prompt`, as its tokens arrive."""
    request = Request(
        segments=(), continue_ids=prompt, sampling=sampling, seed=seed, max_tokens=tokens, forbid_end=tokens
    )
    return await speed_of(engine, request)


def report(rounds: list[dict[str, float]]) -> None:
    """Print the median speed of each, and the median of the ratios."""
    for name in rounds[0]:
        speeds = [one[name] for one in rounds]
        print(f"{name:>12}: median {statistics.median(speeds):7.1f} tok/s ({min(speeds):.1f} … {max(speeds):.1f})")
    for name, goal in GOALS.items():
        ratios = sorted(one[name] / one["llama-bench"] for one in rounds)
        spread = f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} … {ratios[-1]:.3f})"
        print(f"{name} / llama-bench: median {spread}, goal {goal}")


if __name__ == "__main__":
    main()
