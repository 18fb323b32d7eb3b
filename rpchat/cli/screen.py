"""`rpchat`: the screen."""

from __future__ import annotations

import asyncio

from rpchat.cli.build import Options, build, open_session
from rpchat.program import Program
from rpchat.session import Session


def open_screen(options: Options) -> None:
    """Open the screen, on a scene if the options name one. Raises RpchatError before anything is drawn."""
    program = build(options)
    session = asyncio.run(_opened(program, options)) if options.cards or options.scene else None

    from rpchat.tui.app import RpchatApp

    RpchatApp(program, session).run()


async def _opened(program: Program, options: Options) -> Session | None:
    try:
        return await open_session(program, options)
    except BaseException:
        await program.close()
        raise
