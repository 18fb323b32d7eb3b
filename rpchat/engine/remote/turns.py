"""One thing at a time, and what is done in idle time gives way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """Who may ask the server. Whoever takes a turn is not kept waiting by what is done in a spare one."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._called = asyncio.Event()

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[None, None]:
        """Have the server to oneself."""
        self._waiting += 1
        self._called.set()
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._called.clear()
        try:
            yield
        finally:
            self._lock.release()

    @asynccontextmanager
    async def spare(self) -> AsyncGenerator[None, None]:
        """Have the server as long as nobody wants it; what is awaited meanwhile goes through `unless_called`."""
        async with self._lock:
            yield

    async def unless_called(self, work: Coroutine[object, object, T]) -> T | None:
        """Return what `work` returns; it is cancelled, and None returned, as soon as somebody wants a turn."""
        task = asyncio.ensure_future(work)
        call = asyncio.ensure_future(self._called.wait())
        try:
            await asyncio.wait((task, call), return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            call.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))
