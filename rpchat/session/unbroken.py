"""Work that a cancelled caller must not leave half done: what the disk has and what the scene says stay the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

Work = Coroutine[object, None, R]


def unbroken(function: Callable[P, Work[R]]) -> Callable[P, Work[R]]:
    """Return `function` so that a call that has begun is always finished; the caller is cancelled only behind it."""

    @wraps(function)
    async def finished(*args: P.args, **kwargs: P.kwargs) -> R:
        task = asyncio.ensure_future(function(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([task])
            raise asyncio.CancelledError from task.exception()

    return finished
