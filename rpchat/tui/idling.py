"""Reading ahead while the reader reads or types: what the next prompt begins with is read before it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rpchat.engine.port import ModelInfo
from rpchat.session import Session
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene
from rpchat.tui.verifying import Do

_PAUSE = 0.3
"""Seconds of quiet before it begins, and before it is tried again after something else came in between."""
_MOST_TRIES = 5


class Idling:
    """Has one session's next prompt read whenever nothing else is going on, and then `ready_swipes` versions written.

    It runs by `do`, one reading at a time; real work ends it by itself.
    """

    def __init__(self, session: Session, *, do: Do, is_writing: Callable[[], bool], ready_swipes: int = 0) -> None:
        self._session = session
        self._do = do
        self._is_writing = is_writing
        self._ready_swipes = ready_swipes
        self._running = False
        self._done: tuple[Scene, Preset, ModelInfo] | None = None

    def look(self) -> None:
        """See whether there is something to read: the scene, the preset or the model is another than before."""
        if not self._running and self._unread() is not None:
            self._running = True
            self._do(self._read())

    def _unread(self) -> tuple[Scene, Preset, ModelInfo] | None:
        """What is played, if its next prompt was not read yet and nothing else is going on."""
        session, model = self._session, self._session.model
        if model is None or session.read_only or self._is_writing():
            return None
        now = (session.scene, session.preset, model)
        return now if self._done is None or any(a is not b for a, b in zip(now, self._done, strict=True)) else None

    async def _read(self) -> None:
        tries = 0
        try:
            while self._unread() is not None:
                await asyncio.sleep(_PAUSE)
                # If it fails, that is said once, and not tried again before something changes.
                self._done = asked = self._unread()
                if asked is None:
                    return
                tries += 1
                whole = await self._session.read_ahead()
                if whole and self._ready_swipes and not self._is_writing():
                    whole = await self._session.many.make_ready(self._ready_swipes)
                # Dropping turns for want of room makes it another scene, whose next prompt is the one that was read.
                self._done = (self._session.scene, *asked[1:]) if whole or tries == _MOST_TRIES else None
        finally:
            self._running = False
