"""The parent's side of the engine: llama.cpp in a worker process, which is started again when it dies.

Invariants: nothing that was started outlives `close`; what `orders` says of one order at a time holds for every method.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from rpchat.engine.death import death_of
from rpchat.engine.fit import Fit
from rpchat.engine.gguf import read_header
from rpchat.engine.host import Host, checked, prepared, with_header
from rpchat.engine.machine import Machine
from rpchat.engine.orders import Orders
from rpchat.engine.port import Inspection, Loaded, LoadEvent, ModelInfo, Request, StreamEvent
from rpchat.engine.process import Worker, WorkerDiedError, python_module
from rpchat.engine.sandbox import Sandbox
from rpchat.engine.settings import EngineSettings
from rpchat.engine.target import Fitting, Target, read_target
from rpchat.engine.wire import inspection_of
from rpchat.errors import EngineError, PromptError
from rpchat.prompt.segment import Segment

_T = TypeVar("_T")
_WORKER = python_module("rpchat.engine.worker")


class ChildEngine:
    """`port.Engine` with llama.cpp in a child process.

    `log` receives what the child prints; `machine` is the JSON file that remembers whether safe mode is needed, and
    what memory did not hold. The child is started by the first call. `command` is what starts it; tests give another.
    """

    def __init__(self, *, log: Path, machine: Path, command: Sequence[str] = _WORKER) -> None:
        self._host = Host(log=log, machine=Machine(machine), command=command)
        self._sandbox = Sandbox(log=log)
        self._orders = Orders(self._host)

    @property
    def model(self) -> ModelInfo | None:
        """The loaded model, or None before `load` has ended. It stays while a dead worker is replaced."""
        return self._host.model

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id; None while none is running."""
        worker = self._host.worker
        return worker.pid if worker is not None and worker.alive else None

    async def load(
        self, path: Path, settings: EngineSettings, *, controls: Iterable[str] = ()
    ) -> AsyncGenerator[LoadEvent, None]:
        """Load the model file, replacing the one before; the last event is `Loaded`. Raises ModelError.

        Where only the scales of the adapters are new, they are set and nothing is loaded. Closing the generator early
        ends the worker. After a failure, the model before, if there was one, is loaded again by the next call.
        """
        async with self._orders.turn():
            target = await asyncio.to_thread(read_target, path, settings, controls)
            if self._host.differs_in_scales_only(target):
                await self._rescale(target)
                yield Loaded(self._host.loaded)
                return
            async with aclosing(self._host.start(target)) as events:
                async for event in events:
                    yield event

    async def fit(self, path: Path, settings: EngineSettings) -> Fit:
        """Return how a model file would be loaded now, found out in a worker of its own.

        Raises ModelError, EngineError.
        """
        target = await asyncio.to_thread(read_target, path, settings, ())
        resources = await self._aside(lambda worker: prepared(worker, settings))
        return Fitting(target, self._host.machine).fit(resources)

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the token ids of a prompt, exactly as `stream` would read it. Raises PromptError, EngineError."""
        async with self._orders.turn():
            content = await self._orders.ask("tokenize", segments=list(segments))
        ids: list[int] = content["ids"]
        return ids

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token; a control token has none. Raises EngineError."""
        async with self._orders.turn():
            content = await self._orders.ask("pieces", ids=list(ids))
        return [bytes.fromhex(piece) for piece in content["pieces"]]

    async def reusable(self, segments: Sequence[Segment], *, continue_ids: Sequence[int] = ()) -> int:
        """Return how many of a prompt's first tokens the worker has and would not read again.

        Raises PromptError, EngineError.
        """
        async with self._orders.turn():
            content = await self._orders.ask("reusable", segments=list(segments), continue_ids=list(continue_ids))
        count: int = content["count"]
        return count

    async def read_ahead(
        self, segments: Sequence[Segment], *, continue_ids: Sequence[int] = (), replacing: bool = False
    ) -> bool:
        """Read a prompt that may come; return whether all of it is read. Any other call ends it at once.

        Raises PromptError, EngineError. When its task is cancelled, the worker stays, idle.
        """
        order = {"segments": list(segments), "continue_ids": list(continue_ids), "replacing": replacing}
        content = await self._orders.aside("read_ahead", order)
        return bool(content.get("whole"))

    async def save_state(self, path: Path, *, limit: int) -> bool:
        """Put what was read or written last into a file; return whether it is there now.

        Any other call ends it at once. Raises EngineError. When its task is cancelled, the worker stays, idle.
        """
        if self.worker_pid is None:
            return False
        content = await self._orders.aside("save_state", {"path": path, "limit": limit})
        return bool(content.get("saved"))

    async def restore_state(self, path: Path) -> int:
        """Take back what `save_state` put into a file; return how many tokens it is. Raises EngineError.

        When its task is cancelled, the worker stays, idle.
        """
        async with self._orders.turn():
            content = await self._orders.carry_out("restore_state", {"path": path})
        count: int = content["count"]
        return count

    async def score(self, prompts: Sequence[Sequence[Segment]]) -> list[float]:
        """Return how likely the model finds each prompt's end, as natural logarithms. Raises PromptError, EngineError.

        When its task is cancelled, the worker stays, idle.
        """
        async with self._orders.turn():
            content = await self._orders.carry_out("score", {"prompts": [list(prompt) for prompt in prompts]})
        scores: list[float] = content["scores"]
        return scores

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Read the prompt and generate. Closing the generator cancels and waits until the worker is idle."""
        async with aclosing(self._orders.stream(request)) as events:
            async for event in events:
                yield event

    async def stream_many(
        self, request: Request, count: int, *, wanted: Callable[[int], bool], idle: bool = False
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Write `count` versions of one reply together. Closing the generator cancels, as that of `stream` does."""
        async with aclosing(self._orders.versions(request, count, wanted=wanted, idle=idle)) as events:
            async for told in events:
                yield told

    async def render_template(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the model's own chat template rendered over `messages`. Raises PromptError."""
        model = self._host.model
        if model is None or not model.chat_template:
            raise PromptError("this model has no chat template")
        return await self._sandbox.render(model.chat_template, messages, bos=model.bos or "", eos=model.eos)

    async def inspect(self, path: Path | None = None, *, controls: Iterable[str] = ()) -> Inspection:
        """Return what can be told of library, devices and, with `path`, a model file, in a worker of its own.

        Raises ModelError for a file that is none, EngineError where the library cannot be used.
        """
        header = None if path is None else await asyncio.to_thread(read_header, path)
        wanted = None if header is None else header.absolute_path

        async def ask(worker: Worker) -> Inspection:
            await worker.send("inspect", path=wanted, controls=tuple(controls))
            return inspection_of(checked(*await worker.receive())["inspection"])

        inspection = await self._aside(ask)
        quantisation = header.quantisation if header is not None else ""
        model = inspection.model
        if header is not None and model is not None:
            model = with_header(model, header)
        return replace(inspection, model=model, safe_mode=self._host.machine.safe(quantisation))

    async def close(self) -> None:
        """End the worker and everything it started. Never raises; may be called twice."""
        await asyncio.gather(self._host.close(), self._sandbox.close())

    async def _rescale(self, target: Target) -> None:
        await self._orders.ask("scale", settings=target.settings)
        self._host.rescaled(target)

    async def _aside(self, ask: Callable[[Worker], Awaitable[_T]]) -> _T:
        """Ask a worker that has no model, and is ended then."""
        worker = await self._host.spawn()
        try:
            return await ask(worker)
        except WorkerDiedError as error:
            death = death_of(error)
            raise EngineError(f"the engine cannot start: {death.reason}", death.hint) from None
        finally:
            await worker.end()
