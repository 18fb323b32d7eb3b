"""From starting `rpchat` to its first full frame, side by side with `import textual.app`, in a real pseudo-terminal.

    python benchmarks/first_frame.py [--rounds 15] [--json]

The frame is full when the home screen's keys and its last card are drawn. The two are started in turn, so that what
else the machine does weighs on both; the figure is the median of the rounds' ratios. The goal is at most 2.0.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.screens import Frame, Terminal

GOAL = 2.0
RPCHAT = Path(sys.executable).with_name("rpchat")
COMMAND = [str(RPCHAT)] if RPCHAT.exists() else [sys.executable, "-m", "rpchat"]
BASELINE = [sys.executable, "-c", "import textual.app"]
MARKS = ("Professor Tock", " keys")
SIZE = (120, 40)
QUIET = 0.3
"""Seconds without news after which a frame that has all its marks is taken for whole."""
QUIT = "\x11"


def first_frame(folder: Path, environment: Mapping[str, str]) -> float:
    """Return the seconds from the start of rpchat to its first full frame; end it then."""
    begun = time.perf_counter()
    terminal = Terminal(COMMAND, folder=folder, environment=environment, size=SIZE)
    try:
        # Reading the screen takes time of its own, so what came when is noted first, and looked at then.
        came = terminal.record(MARKS, quiet=QUIET)
        terminal.type(QUIT)
        terminal.wait()
    finally:
        terminal.close()
    frame = Frame(size=SIZE)
    for at, data in came:
        frame.feed(data)
        if all(mark in frame.text for mark in MARKS):
            return at - begun
    raise AssertionError(f"the home screen was never whole:\n{frame.text}")


def to_its_end(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """Return the seconds a command takes in the same kind of terminal."""
    begun = time.perf_counter()
    terminal = Terminal(command, folder=folder, environment=environment)
    try:
        terminal.wait()
        return time.perf_counter() - begun
    finally:
        terminal.close()


def measure(rounds: int) -> dict[str, object]:
    """Return both times of every round, in milliseconds, and the median ratio; one round before is not counted."""
    pairs = []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        environment = {**os.environ, "RPCHAT_HOME": home, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        # As after any first run: what was imported once is compiled, for both.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(rounds + 1):
            ours = first_frame(folder, environment)
            pairs.append((ours, to_its_end(BASELINE, folder, environment)))
    counted = pairs[1:]
    return {
        "ratio": round(statistics.median(ours / theirs for ours, theirs in counted), 2),
        "goal": GOAL,
        "first_frame_ms": round(statistics.median(ours for ours, _ in counted) * 1000),
        "import_ms": round(statistics.median(theirs for _, theirs in counted) * 1000),
        "rounds": [[round(ours * 1000), round(theirs * 1000)] for ours, theirs in counted],
    }


def main() -> int:
    """Measure and print; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="every round, as one JSON object")
    options = parser.parse_args()
    result = measure(options.rounds)
    if options.json:
        print(json.dumps(result))
    else:
        ours, theirs = result["first_frame_ms"], result["import_ms"]
        print(f"first frame {ours} ms · import textual.app {theirs} ms · ratio {result['ratio']} (goal {GOAL})")
    return 0 if float(str(result["ratio"])) <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
