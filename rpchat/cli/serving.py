"""What `rpchat doctor` says of a server: which one it is, its model and context, and how it is spoken to."""

from __future__ import annotations

from contextlib import aclosing

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
