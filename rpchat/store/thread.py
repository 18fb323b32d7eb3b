"""One thread for work that must not be done twice at once, and must not hold up the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


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
