"""What commands say of the server that is played on: which one it is, its model and context, how it is spoken to."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from rpchat.choices import Choices
from rpchat.engine.port import Engine, Loaded, ModelInfo
from rpchat.engine.remote.settings import address_of
from rpchat.errors import RpchatError
from rpchat.program import Program

Row = tuple[str, str]


async def server_rows(program: Program) -> tuple[bool, list[Row]]:
    """Ask the server that is played on; return whether it can be, and what to say of it."""
    choice = program.choices.model()
    rows = [("address", program.choices.server.url), ("chosen", choice.why if choice is not None else "")]
    try:
        async with aclosing(program.models.load_for(None)) as events:
            async for _ in events:
                pass
        preset, why = program.choices.preset()
    except RpchatError as error:
        return False, [*rows, ("trouble", str(error))]
    model = program.engine.model
    assert model is not None
    template = "its own chat template" if model.chat_template else "no chat template told"
    counts = "estimated: it takes only text, so control tokens are written out" if model.text_only else "its own"
    return True, [
        *rows,
        ("server", model.library),
        ("model", " · ".join(filter(None, (model.name, model.description)))),
        ("context", f"{model.n_ctx:,} tokens · {template}"),
        ("tokens", counts),
        ("preset", f"{preset.name} · adapter {preset.adapter} · {why}"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The server that is played on. Without a `model` it cannot be, and `error` says why."""

    label: str
    """Host and port."""
    model: ModelInfo | None = None
    preset: str = ""
    why: str = ""
    """Why that preset."""
    error: str = ""


async def served(choices: Choices, engine: Engine) -> Served:
    """Ask the server what it has. `engine` is on it. Raises ModelError for an address that is none, FileError for a
    preset that is asked for and not there."""
    label = address_of(choices.server.url).label
    try:
        async with aclosing(engine.load(Path(label), choices.config.engine, controls=choices.controls())) as events:
            async for event in events:
                if isinstance(event, Loaded):
                    choices.served = event.model
    except RpchatError as error:
        return Served(label=label, error=str(error))
    preset, why = choices.preset()
    return Served(label=label, model=choices.served, preset=preset.name, why=why)
