"""The parent's side of the engine: a worker process that holds the model, and is started again when it dies.

Invariants: one order is under way at a time; after every order the worker is either idle or gone; nothing that was
started outlives `close`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from rpchat.engine.death import Death, death_of
from rpchat.engine.gguf import Header, read_header
from rpchat.engine.machine import Machine
from rpchat.engine.port import (
    Ended,
    EngineSettings,
    Inspection,
    Loaded,
    LoadEvent,
    Loading,
    ModelInfo,
    Piece,
    Reading,
    Request,
    StreamEvent,
)
from rpchat.engine.process import Worker, WorkerDiedError, python_module
from rpchat.engine.sandbox import Sandbox
from rpchat.engine.wire import Fields, inspection_of, model_of
from rpchat.errors import EngineError, ModelError, PromptError, RpchatError
from rpchat.prompt.segment import Segment
from rpchat.story.text import one_line

_WORKER = python_module("rpchat.engine.worker")
_DEFAULT_CONTEXT = 8192
_CANCEL_PATIENCE = 5.0
_ERRORS: dict[str, type[RpchatError]] = {
    "ModelError": ModelError,
    "PromptError": PromptError,
    "EngineError": EngineError,
}
_CACHE_BITS = {
    "f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5, "q5_1": 6.0, "q5_0": 5.5, "q4_1": 5.0, "q4_0": 4.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Target:
    """The model a worker is to hold."""

    header: Header
    settings: EngineSettings
    controls: tuple[str, ...]

    @property
    def n_ctx(self) -> int:
        trained = self.header.context_length or _DEFAULT_CONTEXT
        return self.settings.n_ctx or min(trained, _DEFAULT_CONTEXT)

    @property
    def cache_bytes(self) -> int:
        """Return what the KV cache takes with these settings, as far as the header tells."""
        keys, values = self.header.cache_elements()
        bits = keys * _CACHE_BITS[self.settings.type_k] + values * _CACHE_BITS[self.settings.type_v]
        return int(self.n_ctx * bits / 8)


class ChildEngine:
    """`port.Engine` with llama.cpp in a child process.

    `log` receives what the child prints; `machine` is the JSON file that remembers whether safe mode is needed. The
    child is started by the first call. `command` is what starts it; tests give another.
    """

    def __init__(self, *, log: Path, machine: Path, command: Sequence[str] = _WORKER) -> None:
        self._log = log
        self._machine = Machine(machine)
        self._command = command
        self._sandbox = Sandbox(log=log)
        self._lock = asyncio.Lock()
        self._worker: Worker | None = None
        self._target: _Target | None = None
        self._model: ModelInfo | None = None
        self._number = 1
        self._warming = False
        self._closed = False

    @property
    def model(self) -> ModelInfo | None:
        """The loaded model, or None before `load` has ended. It stays while a dead worker is replaced."""
        return self._model

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id; None while none is running."""
        return self._worker.pid if self._worker is not None and self._worker.alive else None

    async def load(
        self, path: Path, settings: EngineSettings, *, controls: Iterable[str] = ()
    ) -> AsyncGenerator[LoadEvent, None]:
        """Load the model file, replacing the one before; the last event is `Loaded`. Raises ModelError.

        Closing the generator early ends the worker. After a failure, the model before, if there was one, is loaded
        again by the next call.
        """
        async with self._lock:
            header = await asyncio.to_thread(read_header, path)
            target = _Target(header, settings, tuple(controls))
            async with aclosing(self._start(target)) as events:
                async for event in events:
                    yield event

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the token ids of a prompt, exactly as `stream` would read it. Raises PromptError, EngineError."""
        async with self._lock:
            content = await self._ask("tokenize", segments=list(segments))
        ids: list[int] = content["ids"]
        return ids

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Read the prompt and generate. Closing the generator cancels and waits until the worker is idle."""
        async with self._lock:
            worker = await self._ready()
            self._number += 1
            idle = False
            try:
                await self._send(worker, "stream", number=self._number, request=request)
                while not idle:
                    kind, content = await self._receive(worker)
                    idle = kind == "ended"
                    yield _stream_event(kind, content)
            except RpchatError:
                idle = True
                raise
            finally:
                if not idle:
                    await self._cancel(worker)

    async def render_template(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the model's own chat template rendered over `messages`. Raises PromptError."""
        model = self._model
        if model is None or not model.chat_template:
            raise PromptError("this model has no chat template")
        return await self._sandbox.render(model.chat_template, messages, bos=model.bos or "", eos=model.eos)

    async def inspect(self, path: Path | None = None, *, controls: Iterable[str] = ()) -> Inspection:
        """Return what can be told of library, devices and, with `path`, a model file, in a worker of its own.

        Raises ModelError for a file that is none, EngineError where the library cannot be used.
        """
        header = None if path is None else await asyncio.to_thread(read_header, path)
        worker = await self._spawn()
        try:
            await worker.send(
                "inspect", path=None if header is None else header.absolute_path, controls=tuple(controls)
            )
            content = _checked(*await worker.receive())
        except WorkerDiedError as error:
            death = death_of(error)
            raise EngineError(f"the engine cannot start: {death.reason}", death.hint) from None
        finally:
            await worker.end()
        inspection = inspection_of(content["inspection"])
        quantisation = header.quantisation if header is not None else ""
        model = inspection.model
        if header is not None and model is not None:
            model = _with_header(model, header)
        return replace(inspection, model=model, safe_mode=self._machine.safe(quantisation))

    async def close(self) -> None:
        """End the worker and everything it started. Never raises; may be called twice."""
        self._closed = True
        await asyncio.gather(self._drop(), self._sandbox.close())

    async def _spawn(self) -> Worker:
        if self._closed:
            raise EngineError("the engine is closed")
        try:
            worker = await Worker.start(self._command, log=self._log)
        except OSError as error:
            raise EngineError(f"the engine cannot start: {one_line(error.strerror or str(error))}") from error
        if self._closed:
            await worker.end()
            raise EngineError("the engine was closed")
        return worker

    async def _drop(self) -> None:
        """End the worker, if there is one."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()

    async def _start(self, target: _Target) -> AsyncGenerator[LoadEvent, None]:
        """Start a worker that holds `target`; a build that dies here is started again in safe mode."""
        quantisation = target.header.quantisation
        known = self._machine.safe(quantisation)
        safe = bool(known)
        while True:
            self._warming = False
            try:
                async with aclosing(self._attempt(target, safe=safe, warm_up=known is None)) as events:
                    async for event in events:
                        yield event
            except WorkerDiedError as error:
                death = death_of(error)
                built_wrong = death.illegal or (death.crashed and self._warming)
                if self._closed:
                    raise EngineError("the engine was closed") from None
                if safe or not built_wrong:
                    raise _loading_failed(target, death) from None
                safe = True
            else:
                break
        if known is None or safe != known:
            self._machine.remember(safe=safe, quantisation=quantisation)

    async def _attempt(self, target: _Target, *, safe: bool, warm_up: bool) -> AsyncGenerator[LoadEvent, None]:
        await self._drop()
        worker = self._worker = await self._spawn()
        loaded = False
        try:
            await worker.send(
                "load",
                path=target.header.absolute_path,
                settings=target.settings,
                controls=target.controls,
                n_ctx=target.n_ctx,
                cache_bytes=target.cache_bytes,
                safe_mode=safe,
                warm_up=warm_up,
            )
            while not loaded:
                kind, content = await worker.receive()
                content = _checked(kind, content)
                if kind != "loaded":
                    self._warming = kind == "warming"
                    yield Loading(content["done"] if kind == "loading" else 1000)
                    continue
                loaded = True
                model = _with_header(model_of(content["model"]), target.header)
                self._target, self._model = target, model
        finally:
            if not loaded:
                await self._drop()
        yield Loaded(model)

    async def _ready(self) -> Worker:
        """Return a worker that holds the model, started again where it is gone."""
        if self._target is None:
            raise EngineError("no model is loaded")
        if self._worker is None or not self._worker.alive:
            async with aclosing(self._start(self._target)) as events:
                async for _ in events:
                    pass
        assert self._worker is not None
        return self._worker

    async def _ask(self, kind: str, **content: object) -> Fields:
        """Send one order and return its only answer."""
        worker = await self._ready()
        try:
            await self._send(worker, kind, **content)
            return (await self._receive(worker))[1]
        except asyncio.CancelledError:
            # The answer would be taken for that of the next order.
            await self._drop()
            raise

    async def _send(self, worker: Worker, kind: str, **content: object) -> None:
        try:
            await worker.send(kind, **content)
        except WorkerDiedError as error:
            raise self._died(error) from None

    async def _receive(self, worker: Worker) -> tuple[str, Fields]:
        try:
            kind, content = await worker.receive()
        except WorkerDiedError as error:
            raise self._died(error) from None
        return kind, _checked(kind, content)

    def _died(self, error: WorkerDiedError) -> EngineError:
        """Return what to tell of a worker that died at work, and remember what follows for the next one."""
        self._worker = None
        if self._closed:
            return EngineError("the engine was closed")
        death = death_of(error)
        if death.illegal and self._target is not None and self._model is not None and not self._model.safe_mode:
            self._machine.remember(safe=True, quantisation=self._target.header.quantisation)
            death = replace(death, hint="From now on it runs in safe mode.")
        return EngineError(f"the engine died: {death.reason}", death.hint)

    async def _cancel(self, worker: Worker) -> None:
        """Cancel the stream under way and wait until the worker is idle; one that does not listen is ended."""
        idle = False
        try:
            await worker.send("cancel", number=self._number)
            async with asyncio.timeout(_CANCEL_PATIENCE):
                while not idle:
                    kind, _ = await worker.receive()
                    idle = kind in ("cancelled", "ended", "failed")
        except (WorkerDiedError, TimeoutError):
            pass
        finally:
            if not idle and self._worker is worker:
                worker.kill()
                await self._drop()


def _checked(kind: str, content: Fields) -> Fields:
    """Return the content of an answer; raise the error it tells, if it tells one."""
    if kind == "failed":
        raise _ERRORS[content["error"]](content["message"], content["hint"])
    return content


_EVENTS: dict[str, Callable[[Fields], StreamEvent]] = {
    "piece": lambda content: Piece(content["id"], bytes.fromhex(content["data"])),
    "reading": lambda content: Reading(content["done"], content["total"]),
    "ended": lambda content: Ended(**content["end"]),
}


def _stream_event(kind: str, content: Fields) -> StreamEvent:
    return _EVENTS[kind](content)


def _with_header(model: ModelInfo, header: Header) -> ModelInfo:
    """Return the model with what only the header tells, and where the library tells nothing."""
    metadata = {
        one_line(key): one_line(str(value), 200)
        for key, value in header.metadata.items()
        if key != "tokenizer.chat_template"
    }
    return replace(
        model,
        metadata=metadata,
        size=model.size or header.size,
        parameters=model.parameters or header.parameters,
        n_ctx_train=model.n_ctx_train or header.context_length,
    )


def _loading_failed(target: _Target, death: Death) -> ModelError:
    name = one_line(target.header.path.name)
    return ModelError(f"{name} cannot be loaded: the engine died: {death.reason}", death.hint)
