"""One thread for work that must not be done twice at once, and must not hold up the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def to_its_end(work: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Decorate a coroutine function so that a call that has begun is finished even when its caller is cancelled.

    The cancellation is raised then, not before: what the call changed on disk and what it remembers of it agree.
    """

    @wraps(work)
    async def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        task = asyncio.ensure_future(work(*args, **kwargs))
        cancelled: asyncio.CancelledError | None = None
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled from task.exception()
        return task.result()

    return whole


class OneThread:
    """Runs functions one after the other, in the order of the calls, on a thread of its own.

    A call that has begun is always finished: cancelling the caller stops the waiting, not the work, and the next
    call still comes after it.
    """

    def __init__(self, name: str = "store") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function` on the thread; return what it returns, raise what it raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(function, *args, **kwargs))

    def close(self) -> None:
        """Finish what has been asked for, and end the thread. May be called twice."""
        self._executor.shutdown(wait=True)
