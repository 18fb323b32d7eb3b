"""A chat template from a stranger's file, rendered where it can do no harm: in a small process with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from rpchat.engine.process import Worker, WorkerDiedError, python_module
from rpchat.errors import PromptError

TIME_LIMIT = 1.0
"""Seconds a template may take."""

_START_LIMIT = 30.0
_COMMAND = python_module("rpchat.engine.worker.template")


class Sandbox:
    """Renders templates one at a time. The process is started by the first and kept; a slow one is killed."""

    def __init__(self, *, log: Path) -> None:
        self._log = log
        self._lock = asyncio.Lock()
        self._worker: Worker | None = None
        self._closed = False

    async def render(self, template: str, messages: Sequence[Mapping[str, str]], *, bos: str, eos: str) -> str:
        """Return the text of `messages` with the header of the reply. Raises PromptError."""
        async with self._lock:
            worker = await self._ready()
            answered = False
            try:
                plain = [dict(message) for message in messages]
                await worker.send("render", template=template, messages=plain, bos=bos, eos=eos)
                async with asyncio.timeout(TIME_LIMIT):
                    kind, content = await worker.receive()
                answered = True
            except TimeoutError:
                raise PromptError(f"the model's chat template takes longer than {TIME_LIMIT:.0f} s") from None
            except WorkerDiedError:
                raise PromptError("the model's chat template takes too much time or memory") from None
            finally:
                if not answered:
                    worker.kill()
                    await self._drop()
        if kind == "failed":
            raise PromptError(f"the model's chat template cannot be used: {content['message']}")
        text: str = content["text"]
        return text

    async def close(self) -> None:
        """End the process, if there is one, and start no other."""
        self._closed = True
        await self._drop()

    async def _drop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()

    async def _ready(self) -> Worker:
        """Return a process that waits for work; its start does not count for the time limit."""
        if self._worker is not None and self._worker.alive:
            return self._worker
        await self._drop()
        try:
            worker = self._worker = await Worker.start(_COMMAND, log=self._log)
            async with asyncio.timeout(_START_LIMIT):
                await worker.receive()
        except (OSError, TimeoutError, WorkerDiedError) as error:
            await self._drop()
            raise PromptError("the process for chat templates cannot be started") from error
        except asyncio.CancelledError:
            await self._drop()
            raise
        if self._closed:
            await self._drop()
            raise PromptError("the engine was closed")
        return worker
