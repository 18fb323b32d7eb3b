"""What the engine has read of one scene, on disk between the times the scene is open.

It is only ever a saving: without the file, or with a wrong one, the prompt is read again and nothing else is different.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from rpchat.engine.port import Engine
from rpchat.errors import EngineError
from rpchat.session.events import Status
from rpchat.store.kv_files import KvFiles
from rpchat.store.thread import OneThread

SAVE_SECONDS = 2.0
"""Longer than this nobody waits for a scene to be closed."""
RESTORE_SECONDS = 5.0
"""Longer than this no reply waits for what was read before; then it is read again."""
REST_SECONDS = 60.0
"""While a scene is played its file is written at most this often: it may be hundreds of megabytes."""


class Resume:
    """Keeps and brings back the state of scene `scene_id`. All calls but the engine's run on `thread`."""

    def __init__(
        self,
        engine: Engine,
        files: KvFiles,
        thread: OneThread,
        *,
        scene_id: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._files = files
        self._thread = thread
        self._scene_id = scene_id
        self._clock = clock
        self._restored_for: object = None
        self._saved = Status()
        self._saved_at: float | None = None

    async def restore(self) -> int:
        """Bring back what the loaded model had read, once for each time it was loaded; return how many tokens.

        A file that is of no use is removed, and one the engine dies of.
        """
        if self._engine.model is None or self._restored_for is self._engine.model:
            return 0
        self._restored_for = self._engine.model
        path = await self._thread.run(self._files.find, self._scene_id)
        if path is None:
            return 0
        count = 0
        try:
            async with asyncio.timeout(RESTORE_SECONDS):
                count = await self._engine.restore_state(path)
        except TimeoutError:
            # A slow disk is no fault of the file.
            return 0
        except EngineError:
            # The next call starts the engine again; what it does not survive must not meet it twice.
            count = 0
        if not count:
            await self._thread.run(self._files.remove, self._scene_id)
        return count

    async def save(self, figures: Status, *, resting: bool = False) -> bool:
        """Keep what was read, if it is something new; return whether it was kept. No error is worth telling here.

        `figures` are those of the latest reply: the same as the last time mean that nothing was read since. `resting`:
        the scene goes on, so once in a while is enough.
        """
        if figures.context_used is None or figures == self._saved or (resting and self._saved_lately()):
            return False
        path = await self._thread.run(self._files.place, self._scene_id)
        if path is None:
            return False
        try:
            async with asyncio.timeout(SAVE_SECONDS):
                saved = await self._engine.save_state(path, limit=self._files.quota)
        except (TimeoutError, EngineError):
            return False
        if saved:
            self._saved, self._saved_at = figures, self._clock()
        await self._thread.run(self._files.trim)
        return saved

    def _saved_lately(self) -> bool:
        return self._saved_at is not None and self._clock() - self._saved_at < REST_SECONDS
