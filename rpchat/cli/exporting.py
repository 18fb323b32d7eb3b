"""`rpchat export`: writes a card, a scene, a preset or a lorebook to a file that other programs read."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rpchat.cli.build import Options, running
from rpchat.library.exporting import What


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporting:
    """What is exported, and where to. An empty `target` goes by the file's name."""

    what: What
    name: str
    to: Path
    target: str = ""
    overwrite: bool = False


async def run(options: Options, wanted: Exporting) -> int:
    """Write the file; what it cannot hold is told on standard error, a line each."""
    async with running(options) as program:
        scene = wanted.what == "scene"
        name = str(await program.scene_named(wanted.name)) if scene else wanted.name
        report = await program.library.exports.write(
            wanted.what, name, wanted.to, target=wanted.target, overwrite=wanted.overwrite
        )
    for line in report:
        print(f"rpchat: {line}", file=sys.stderr)
    return 0
