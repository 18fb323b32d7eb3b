"""The model behind the screens: which one it is, how far it is loaded, and waiting for it.

Loading is a task of its own. Who waits may give up waiting (Esc); the model is loaded all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress

from rpchat.engine.port import Loaded, Loading, ModelInfo, Stepping
from rpchat.errors import ModelError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.store.models import ModelChoice


class ModelLoader:
    """Loads the model of whoever asks. `changed` is called whenever there is something new to show."""

    def __init__(self, program: Program, *, changed: Callable[[], None]) -> None:
        self._program = program
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self.looked = False
        """Whether it is known what there is."""
        self.choice: ModelChoice | None = None
        """The model that is played with; once `looked`, None means that there is none."""
        self.info: ModelInfo | None = None
        """The loaded model."""
        self.progress: Loading | None = None
        """How far it is, while it is being loaded."""
        self.told: tuple[str, ...] = ()
        """What was done otherwise than asked for when it was loaded last, because memory does not hold it."""
        self.size = 0
        """Bytes of its file; 0 where that is not known."""

    async def ready(self, session: Session | None) -> None:
        """Return when the model of the session, or with None that of a new scene, is loaded.

        Raises ModelError if there is none for a session, or it cannot be loaded.
        """
        while self._task is not None and not self._task.done() and self._session is not session:
            await asyncio.wait([self._task])
        if self._task is None or self._task.done():
            self._session = session
            self._task = asyncio.create_task(self._load(session))
        await asyncio.shield(self._task)
        if self.choice is None and session is not None:
            raise ModelError("there is no model yet", "Ctrl+N leads to where it is said how to get one")

    async def close(self) -> None:
        """Stop loading."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def is_ready(self) -> bool:
        """Whether a model is loaded and none is being loaded."""
        return self.info is not None and self.progress is None

    @property
    def label(self) -> str:
        """What the top line calls the model."""
        if self.choice is None:
            return "no model" if self.looked else ""
        if self.progress is not None:
            return f"loading {self.choice.name} {self.progress.done / self.progress.total:.0%}"
        return f"demo model: {self.choice.name}" if self.choice.demo else self.choice.name

    @property
    def place(self) -> str:
        """What the loaded model is computed on; empty before there is one."""
        if self.info is None:
            return ""
        if self.info.server:
            return f"on {self.info.server}"
        threads = "1 thread" if self.info.threads == 1 else f"{self.info.threads} threads"
        return "GPU" if self.info.offloaded else f"CPU · {threads}"

    async def _load(self, session: Session | None) -> None:
        self.choice = self._program.choices.model(session.scene if session is not None else None)
        self.looked = True
        self.told = ()
        self._changed()
        if self.choice is None:
            return
        with suppress(OSError):
            self.size = self.choice.path.stat().st_size
        try:
            async with aclosing(self._program.models.load(session)) as events:
                async for event in events:
                    if isinstance(event, Loaded):
                        self.info = event.model
                        if event.model.server:
                            # Only now has the server told what its model is called.
                            self.choice = self._program.choices.model(session.scene if session is not None else None)
                    elif isinstance(event, Stepping):
                        self.told = (*self.told, event.what)
                    else:
                        self.progress = event
                        self._changed()
        finally:
            self.progress = None
        self._changed()
