"""`rpchat bench`: how fast the model reads and writes here, and what each action makes one wait for."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from rpchat.cli.build import Options, build, running
from rpchat.cli.script import scripts
from rpchat.cli.waits import Played, Stage
from rpchat.cli.waits_table import rows_of, table
from rpchat.engine.port import ModelInfo
from rpchat.errors import ModelError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.store.config import change_config
from rpchat.store.folders import Folders

CONTEXT = 2048
"""Tokens; small, so that it is full soon."""
LONGEST = 32
IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second in reading prompts and in writing; None where there was too little of it to tell."""

    reading: float | None
    writing: float | None


async def run(options: Options, *, actions: int, as_json: bool) -> int:
    """Play the scenes of the script, `actions` actions in each, in homes of their own; print what was seen.

    Raises ModelError without a model. The user's own scenes are not touched. What is otherwise than asked for, because
    memory does not hold it, goes to standard error.
    """
    notes = Notes()
    model: ModelInfo | None = None
    with tempfile.TemporaryDirectory(prefix="rpchat-bench-") as folder:
        async with running(options) as program:
            borrowed = await asyncio.to_thread(_borrowed, program, options, Path(folder))
        played: list[Played] = []
        for script in scripts(actions):
            stage = Stage(start=partial(build, borrowed), script=script, longest=LONGEST, idle=idle, tell=notes.tell)
            async for one in stage.play():
                played.append(one)
                print(f"{script.title}: {one.action:<20}", end="\r", file=sys.stderr, flush=True)
            model = stage.model
    print(" " * 40, end="\r", file=sys.stderr, flush=True)
    assert model is not None
    _print(model, played, as_json=as_json)
    return 0


class Notes:
    """Tells each line once, although the model is loaded again and again."""

    def __init__(self) -> None:
        self._told = set[str]()

    def tell(self, line: str) -> None:
        """Print a line that was not told yet on standard error."""
        if line not in self._told:
            self._told.add(line)
            print(f"rpchat: {line:<40}", file=sys.stderr, flush=True)


async def idle(session: Session) -> None:
    """Let the engine read ahead as the screen does while the user thinks and types: at most five seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(IDLE_SECONDS):
            await session.read_ahead()


def _borrowed(program: Program, options: Options, folder: Path) -> Options:
    """The options that play the same model in a new home in `folder` as it would be played in the user's."""
    choice = program.choices.model()
    if choice is None:
        raise ModelError("there is no model to measure", "`rpchat doctor` says where one is looked for.")
    mine, theirs = Folders(folder), program.folders
    for name in (theirs.config_file, theirs.machine_file):
        if name.exists():
            shutil.copyfile(name, folder / name.name)
    shutil.copytree(theirs.presets, mine.presets)
    change_config(mine.config_file, "models_folder", str(program.choices.models_folder))
    change_config(mine.config_file, "engine.n_ctx", CONTEXT)
    # What a server calls its model is no file: there the same is asked for again.
    model = options.wishes.model if program.choices.server.url else str(choice.path)
    return Options(home=folder, wishes=replace(options.wishes, model=model))


def speed_of(played: Sequence[Played]) -> Speed:
    """Return how fast was read, where much was read at once, and written, over all replies."""
    records = [one.scene.line()[-1].record for one in played]

    def total(name: str, of: Sequence[int]) -> float:
        return sum(float(str(records[at].get(name, 0))) for at in of)

    much = [at for at, one in enumerate(played) if one.evaluated >= LONGEST]
    every = range(len(played))
    read_ms, written_ms = total("prefill_ms", much), total("decode_ms", every)
    return Speed(
        reading=round(1000 * total("prefilled_tokens", much) / read_ms, 1) if read_ms else None,
        # The first token of a reply comes with the reading.
        writing=round(1000 * (total("reply_tokens", every) - len(played)) / written_ms, 1) if written_ms else None,
    )


def _print(model: ModelInfo, played: Sequence[Played], *, as_json: bool) -> None:
    rows, speed = rows_of(played), speed_of(played)
    name = f"{model.name} on {model.server}" if model.server else model.path.name
    if as_json:
        told = {"model": name, "context": model.n_ctx, **asdict(speed), "actions": [asdict(row) for row in rows]}
        print(json.dumps(told, ensure_ascii=False))
        return
    print(f"{name} · {len(played)} actions in {model.n_ctx:,} tokens of context")
    print(f"reads {_rate(speed.reading)} · writes {_rate(speed.writing)}\n")
    print("Tokens read before the first new one, with time to read ahead between the actions:")
    print(table(rows))


def _rate(rate: float | None) -> str:
    return "too little to tell" if rate is None else f"{rate:,.0f} tok/s"
