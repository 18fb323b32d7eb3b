"""`rpchat presets`: what there is."""

from __future__ import annotations

import sys

from rpchat.cli.build import Options, running


async def list_presets(options: Options) -> int:
    """Print a line for every preset; a broken one is printed with what is wrong with it."""
    async with running(options) as program:
        for entry in (found.load() for found in program.preset_shelf.entries()):
            if entry.value is None:
                print(f"{entry.id:<24} {entry.error}", file=sys.stderr)
            else:
                print(f"{entry.id:<24} {entry.value.adapter:<9} {entry.value.title}")
    return 0
