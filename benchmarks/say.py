"""Decode speed of `rpchat say` against the same library's `Llama(...)(…, stream=True)`: same model, prompt, threads
and samplers.

    python benchmarks/say.py [--rounds N] [--tokens N]

The two take turns. Of `rpchat say --json` its own figures are taken: tokens behind the first one over the time from the
first to the last, measured where the reply is consumed, with the whole way through session, reader and store included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from decode import demo_model, plain_llama, plain_speed

from rpchat.store.folders import shipped
from rpchat.store.shelf import Shelf
from rpchat.story.preset import Preset

PRESET = "smollm2-demo"
CARD = ("--card", "mira", "--new")
LINE = "Tell me everything you know about this lake, slowly."


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tokens", type=int, default=128)
    options = parser.parse_args()
    model = demo_model()
    if model is None:
        sys.exit("this benchmark needs the demo extra")
    with tempfile.TemporaryDirectory() as home:
        Path(home, "config.yaml").write_text("engine: {n_threads: 2, n_ctx: 2048}\n", "utf-8")
        ids = rpchat(home, "prompt", "--say", LINE)["token_ids"]
        say(home, tokens=8, seed=0)
        machine = json.loads(Path(home, "machine.json").read_text("utf-8"))
        plain = plain_llama(model, threads=2, safe="safe" in json.dumps(machine))
        sampling = Shelf(Preset, Path(home), shipped("presets")).find(PRESET)[1].sampling
        pairs = []
        for turn in range(options.rounds + 1):
            ours = say(home, tokens=options.tokens, seed=turn)
            pairs.append((ours, plain_speed(plain, ids, tokens=options.tokens, seed=turn, sampling=sampling)))
    for name, speeds in zip(("rpchat say", "plain"), zip(*pairs[1:], strict=True), strict=True):
        print(f"{name:>10}: median {statistics.median(speeds):6.1f} tok/s ({min(speeds):.1f} … {max(speeds):.1f})")
    print(f"     ratio: median {statistics.median(a / b for a, b in pairs[1:]):.3f} of {len(pairs) - 1} rounds")


def say(home: str, *, tokens: int, seed: int) -> float:
    """Return the decode speed of one reply, in tokens a second."""
    told = rpchat(home, "say", LINE, "--seed", str(seed), "--max-tokens", str(tokens))
    return 1000 * (told["reply_tokens"] - 1) / told["decode_ms"] if told["reply_tokens"] > 1 else float("nan")


def rpchat(home: str, command: str, *arguments: str) -> Any:
    """Run a command of rpchat and return the JSON it prints."""
    line = [sys.executable, "-m", "rpchat", "--home", home, command, *arguments, *CARD, "--json"]
    return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
