"""The scene being played and the store it lives in, moved on together.

Every method commits before it returns: what the reader sees is on disk. One is carried out behind the other, each on
the scene the one before it left, and to its end even if its caller is cancelled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from rpchat.errors import StoreError
from rpchat.store.scenes import SceneStore
from rpchat.store.thread import OneThread, to_its_end
from rpchat.story.change import AnyChange
from rpchat.story.scene import Member, Scene
from rpchat.story.turn import Turn


class Book:
    """A scene that is written down. `scene` is always the latest value."""

    def __init__(
        self,
        scene: Scene,
        store: SceneStore,
        thread: OneThread,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.scene = scene
        self.read_only = read_only
        self._store = store
        self._thread = thread
        self._clock = clock
        self._turnstile = asyncio.Lock()

    def writable(self) -> None:
        """Raise StoreError if another rpchat has this home open for writing."""
        if self.read_only:
            raise StoreError("another rpchat is using this home, so this one only reads", "Close it, then open again.")

    @to_its_end
    async def add(self, turn: Turn, *, action: str, instead_of: int = 0) -> Turn:
        """Add a turn and tell it; return it with its id. With `instead_of`, what was told behind that turn stays."""
        self.writable()
        async with self._turnstile:
            self.scene, turn = await self._thread.run(
                self._store.add_turn, self.scene, turn, now=self._clock(), action=action, instead_of=instead_of
            )
        return turn

    @to_its_end
    async def add_version(self, turn: Turn) -> Turn:
        """Add a version that is not told, which is no action of the user's; return it with its id."""
        self.writable()
        async with self._turnstile:
            self.scene, turn = await self._thread.run(self._store.add_version, self.scene, turn, now=self._clock())
        return turn

    @to_its_end
    async def keep_member(self, member: Member) -> None:
        """Keep a card with the scene; an action brings it in."""
        self.writable()
        async with self._turnstile:
            self.scene = await self._thread.run(self._store.add_member, self.scene, member)

    @to_its_end
    async def update(self, turn: Turn) -> None:
        """Save the text, finish and record of a turn that is being written."""
        self.writable()
        async with self._turnstile:
            self.scene = await self._thread.run(self._store.update_turn, self.scene, turn)

    @to_its_end
    async def move(self, changes: Sequence[AnyChange], *, action: str) -> None:
        """Carry out an action that moves pointers or changes settings; nothing is written if it changes nothing."""
        self.writable()
        if changes:
            async with self._turnstile:
                self.scene = await self._thread.run(
                    self._store.commit, self.scene, changes, action=action, now=self._clock()
                )

    @to_its_end
    async def undo(self) -> str | None:
        """Take the latest action back; return its name, or None if there is none."""
        self.writable()
        async with self._turnstile:
            return self._arrive(await self._thread.run(self._store.undo, self.scene))

    @to_its_end
    async def redo(self) -> str | None:
        """Do the latest undone action again; return its name, or None if there is none."""
        self.writable()
        async with self._turnstile:
            return self._arrive(await self._thread.run(self._store.redo, self.scene))

    @asynccontextmanager
    async def together(self, action: str) -> AsyncIterator[None]:
        """Make one action, called `action`, of all that are done meanwhile: undo takes them back at once."""
        since = await self._thread.run(self._store.journal_end, self.scene)
        try:
            yield
        finally:
            await self._bundle(since, action)

    @to_its_end
    async def _bundle(self, since: int, action: str) -> None:
        async with self._turnstile:
            await self._thread.run(self._store.bundle, self.scene, since=since, action=action)

    def _arrive(self, moved: tuple[Scene, str] | None) -> str | None:
        if moved is None:
            return None
        self.scene, action = moved
        return action

    @to_its_end
    async def settle(self, **values: str | int) -> None:
        """Note settings, by field name, that are no action of the user's: undo does not take them back."""
        async with self._turnstile:
            settings = self.scene.settings.changed(values)
            if settings != self.scene.settings:
                self.writable()
                self.scene = await self._thread.run(self._store.save_settings, self.scene, settings)
