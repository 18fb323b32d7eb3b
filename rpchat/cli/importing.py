"""`rpchat import`: takes files of other programs into the home, and says what became of each."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from rpchat.cli.build import Options, running
from rpchat.errors import RpchatError
from rpchat.library import Importing, Refused, TakenIn
from rpchat.story.text import one_line

WAIT_SECONDS = 10.0


async def run(options: Options, paths: Sequence[Path], *, as_json: bool) -> int:
    """Take files in: a line for each on standard output, for a refused one on standard error. 0 if all are there."""
    # A long chat is hundreds of thousands of small objects without a cycle; looking for some took a fifth of the time.
    gc.set_threshold(100_000)
    count = refused = 0
    async with running(options, wait=WAIT_SECONDS) as program, aclosing(program.library.import_files(paths)) as steps:
        async for step in steps:
            match step:
                case Importing():
                    _progress(f"{step.done + 1} of {step.total}  {one_line(step.name)}")
                case TakenIn():
                    _progress("")
                    count += 1
                    print(json.dumps(_values(step), ensure_ascii=False) if as_json else _lines(step), flush=True)
                case Refused():
                    _progress("")
                    refused += 1
                    if as_json:
                        print(json.dumps({"file": step.name, "refused": str(step.error)}, ensure_ascii=False))
                    else:
                        print(f"rpchat: {one_line(str(step.error), 400)}", file=sys.stderr, flush=True)
    if not count and not refused:
        raise RpchatError(
            "there is nothing in there that could be taken in", "Name cards, chats, presets or lorebooks."
        )
    return 1 if refused else 0


def _progress(line: str) -> None:
    """Show what is going on where somebody watches, in place of what was shown before."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _lines(step: TakenIn) -> str:
    known = " · there already" if step.known else ""
    return "\n    ".join([f"{step.name} · {step.kind} · {step.where}{known}", *step.notes])


def _values(step: TakenIn) -> dict[str, object]:
    return {
        "file": one_line(step.file),
        "name": step.name,
        "kind": step.kind,
        "id": step.id,
        "where": step.where,
        "notes": step.notes,
        "known": step.known,
    }
