"""A model on its way here, while the reader does something else: one at a time, for as long as the app runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from rpchat.errors import RpchatError
from rpchat.fetch.events import Fetched, FetchEvent, Fetching, Pace
from rpchat.fetch.wanted import Wanted
from rpchat.tui.border import shown

_REDRAW = 0.1
"""Seconds between two calls of `changed` while nothing but bytes has come."""


class ModelFetching:
    """Fetches into the folder that `folder` returns; `changed` is called whenever there is something new to show."""

    def __init__(self, folder: Callable[[], Path], *, changed: Callable[[], None]) -> None:
        self._folder = folder
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._told = 0.0
        self._later: asyncio.TimerHandle | None = None
        self.event: FetchEvent | None = None
        """The last thing that was told; None where nothing was fetched in this run."""
        self.error = ""
        """Why it ended early; empty while it goes on and when it was stopped or done."""
        self.pace = Pace()

    @property
    def is_running(self) -> bool:
        """Whether something is being fetched."""
        return self._task is not None and not self._task.done()

    @property
    def fetched(self) -> Path | None:
        """The file of the model that has arrived last."""
        return self.event.path if isinstance(self.event, Fetched) else None

    def start(self, wish: Wanted) -> None:
        """Fetch it. Raises RpchatError while another one is being fetched."""
        if self.is_running:
            raise RpchatError("another model is being fetched", "Wait for it, or stop it with Esc.")
        self.event, self.error, self.pace = None, "", Pace()
        self._task = asyncio.create_task(shown(self._run(wish), self._fail))

    async def stop(self) -> None:
        """Stop; what has arrived is kept, and the same goes on from there."""
        if self._task is not None and self.is_running:
            self._task.cancel()
            await asyncio.wait([self._task])
            self.event = None
            self._tell()

    async def _run(self, wish: Wanted) -> None:
        # The room that speaks with a hub takes long to import, and most runs fetch nothing.
        from rpchat.fetch.download import fetch

        async with aclosing(fetch(wish, self._folder())) as events:
            async for event in events:
                self._note(event)
        # Behind the end of the task: whoever looks now finds nothing running and everything closed.
        asyncio.get_running_loop().call_soon(self._tell)

    def _note(self, event: FetchEvent) -> None:
        now = time.monotonic()
        self.event = event
        if isinstance(event, Fetching):
            self.pace.note(event.done, now=now)
            if now - self._told < _REDRAW:
                self._later = self._later or asyncio.get_running_loop().call_later(_REDRAW, self._tell)
                return
        self._tell()

    def _tell(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._told = time.monotonic()
        self._changed()

    def _fail(self, line: str) -> None:
        self.error, self.event = line, None
        asyncio.get_running_loop().call_soon(self._tell)
