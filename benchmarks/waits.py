"""What every action makes the user wait for: 201 scripted actions with the demo model, the context overflowing.

    python benchmarks/waits.py [--idle] [--pause SECONDS] [--reread] [--scene TITLE] [--actions N] [--server PATH]
                               [--threads N] [--json]

The figure is the number of tokens evaluated before the first new token of a reply; the goal, at most what was typed and
16 more. With `--idle` the engine reads ahead between the actions, as it does while people read and type, at most five
seconds; how much that is depends on the machine, so `--pause` sets it. With `--server` a llama-server of the same
version gets the same scenes laid out the usual way (`benchmarks/usual.py`), once as it is and once with `--cache-reuse
64`. Seeds are fixed: every run tells one story.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent))

from decode import demo_model
from usual import Server, replay

from rpchat.choices import Wishes
from rpchat.cli.build import Options, build
from rpchat.cli.script import ACTIONS, Action, Script, scripts
from rpchat.cli.waits import Played, Stage
from rpchat.cli.waits_table import FILL_GOAL, fill, rows_of, table
from rpchat.session import Session

CONTEXT = 2048
LONGEST = 60
REUSE = 64
TOTAL_GOALS = {"plain": 1 / 10, "tuned": 1 / 3}


@dataclass(slots=True)
class Told:
    """Everything that was measured."""

    played: list[Played] = field(default_factory=list)
    given_up: int = 0
    unread: int = 0
    """How often the time between two actions was over before all was read ahead."""
    served: dict[str, list[int]] = field(default_factory=dict)
    """What llama-server evaluated, action by action: `plain` and `tuned`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A way to run the server: its figures by action (median, worst), its total, and ours as a part of that."""

    actions: dict[Action, tuple[float, int]]
    total: int
    ratio: float
    goal: float
    read_less: list[str]
    """The actions for which it evaluated fewer tokens than we did."""


async def play(model: Path, options: argparse.Namespace) -> Told:
    """Play the scenes, each in a home of its own, and have the server read them too, if there is one."""
    told = Told()

    async def idle(session: Session) -> None:
        if options.idle:
            try:
                async with asyncio.timeout(options.pause):
                    told.unread += not await session.read_ahead()
            except TimeoutError:
                told.unread += 1

    for script in (script for script in scripts(options.actions // 3) if options.scene in script.title):
        with tempfile.TemporaryDirectory() as home:
            here = _furnished(Path(home), model, threads=options.threads, shift=not options.reread)
            stage = Stage(start=partial(build, here), script=script, longest=LONGEST, idle=idle)
            played = [_said(one, script) async for one in stage.play()]
            told.given_up += stage.given_up
            told.played += played
            for name, reuse in (("plain", 0), ("tuned", REUSE)) if options.server else ():
                server = Server(
                    binary=options.server, model=model, context=CONTEXT, threads=options.threads, reuse=reuse,
                    log=Path(home, "server.log"),
                )  # fmt: skip
                counts = await asyncio.to_thread(replay, server, played, longest=LONGEST)
                told.served.setdefault(name, []).extend(counts)
    return told


def _furnished(home: Path, model: Path, *, threads: int, shift: bool) -> Options:
    engine = {"n_ctx": CONTEXT, "n_threads": threads, "shift": shift}
    (home / "config.yaml").write_text(json.dumps({"engine": engine}), "utf-8")
    return Options(home=home, wishes=Wishes(model=str(model)))


def _said(one: Played, script: Script) -> Played:
    print(f"{script.title}: {one.action:<20}", end="\r", file=sys.stderr, flush=True)
    return one


def reached(played: Sequence[Played]) -> dict[str, list[int]]:
    """Return of author's notes and of example dialogue: in how many prompts they belong, and in how many they stood.

    A note belongs among as many of the last turns as it is told again behind.
    """
    notes, examples = [0, 0], [0, 0]
    for one in played:
        if one.looked_at is None:
            continue
        conversation = one.looked_at.preview.prompt.conversation
        if one.scene.settings.note:
            notes[0] += 1
            sides = [line.side for line in conversation.lines if line.side in ("user", "char", "note")]
            notes[1] += "note" in sides[-one.scene.settings.note_every - 1 :]
        wanted = [char.examples for char in conversation.chars if char.examples.strip()]
        examples[0] += bool(wanted)
        text = one.looked_at.preview.prompt.text
        examples[1] += bool(wanted) and all(line in text for part in wanted for line in _lines(part))
    return {"notes": notes, "examples": examples}


def _lines(examples: str) -> list[str]:
    return [line for line in examples.replace("<START>", "").splitlines() if line.strip()]


def compared(told: Told) -> dict[str, Comparison]:
    """Return what the server evaluated in each of the ways it was run."""
    ours = sum(one.evaluated for one in told.played)
    result = {}
    for name, counts in told.served.items():
        pairs = list(zip(told.played, counts, strict=True))
        kinds = {action: [count for one, count in pairs if one.action == action] for action in ACTIONS}
        result[name] = Comparison(
            actions={action: (median(some), max(some)) for action, some in kinds.items() if some},
            total=sum(counts),
            ratio=round(ours / sum(counts), 4),
            goal=TOTAL_GOALS[name],
            read_less=[
                f"{at} {one.action}: {count} against {one.evaluated}"
                for at, (one, count) in enumerate(pairs, start=1)
                if count < one.evaluated
            ],
        )
    return result


def missed(told: Told) -> list[str]:
    """Return the actions that took more than they may; and from where on was read, where that was looked at."""
    lines = []
    for at, one in enumerate(told.played, start=1):
        if one.waited:
            change = one.looked_at.first_change if one.looked_at is not None else None
            begun = f", from {change}" if change is not None else ""
            lines.append(f"{at} {one.action}: {one.evaluated} of {one.prompt} for {one.typed} typed{begun}")
    return lines


def summary(told: Told) -> dict[str, object]:
    """Return the figures as they are printed in JSON."""
    return {
        "actions": [asdict(row) for row in rows_of(told.played)],
        "total": sum(one.evaluated for one in told.played),
        "typed": sum(one.typed for one in told.played),
        "given_up": told.given_up,
        "unread": told.unread,
        "fill": fill(told.played, CONTEXT),
        "fill_goal": FILL_GOAL,
        **reached(told.played),
        "servers": {name: asdict(comparison) for name, comparison in compared(told).items()},
        "missed": missed(told),
    }


def report(told: Told) -> None:
    """Print the tables."""
    ours, typed = (sum(counts) for counts in zip(*((one.evaluated, one.typed) for one in told.played), strict=True))
    share = fill(told.played, CONTEXT)
    print(table(rows_of(told.played)))
    print(f"\ntotal: {ours:,} evaluated for {typed:,} typed; replies given up: {told.given_up}")
    filled = "it never overflowed" if share is None else f"{share:.1%} (goal {FILL_GOAL:.0%})"
    print(f"mean fill of the context since it overflowed: {filled}")
    for name, (wanted, there) in reached(told.played).items():
        print(f"{name} where they belong: {there} of {wanted} prompts")
    print(f"not all read ahead in time: {told.unread}")
    print(*(f"missed: {line}" for line in missed(told)), sep="\n")
    for name, comparison in compared(told).items():
        goal = f"(goal {comparison.goal:.1%})"
        print(f"\nllama-server {name}: total {comparison.total:,}; ours {comparison.ratio:.1%} of it {goal}")
        for action, (middle, worst) in comparison.actions.items():
            print(f"{action:<13} median {middle:>6g} worst {worst:>6}")
        print(*(f"it read less: {line}" for line in comparison.read_less), sep="\n")


def main() -> int:
    """Measure and print; 1 if an action took more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--idle", action="store_true", help="read ahead between the actions")
    parser.add_argument("--pause", type=float, default=5.0, help="the longest that is, in seconds")
    parser.add_argument(
        "--reread", action="store_true", help="shift nothing when old turns are dropped: `engine.shift`"
    )
    parser.add_argument("--scene", default="", help="only scenes with this in their title: alone, joined, own")
    parser.add_argument("--actions", type=int, default=201, help="a third of them in each of three scenes")
    parser.add_argument("--server", type=Path, help="llama-server of the same version, to compare with")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")
    options = parser.parse_args()
    model = demo_model()
    if model is None:
        sys.exit("this benchmark needs the demo extra")
    told = asyncio.run(play(model, options))
    if options.json:
        print(json.dumps(summary(told)))
    else:
        report(told)
    return 1 if any(one.waited for one in told.played) else 0


if __name__ == "__main__":
    sys.exit(main())
