"""A worker process that holds a model: started, started again when it dies, in safe mode where its build needs that.

Invariants: after `close` nothing that was started here is left, and nothing is started any more.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from rpchat.engine.death import Death, death_of
from rpchat.engine.gguf import Header
from rpchat.engine.machine import Machine
from rpchat.engine.port import EngineSettings, Loaded, LoadEvent, Loading, ModelInfo
from rpchat.engine.process import Worker, WorkerDiedError
from rpchat.engine.wire import Fields, model_of
from rpchat.errors import EngineError, ModelError, PromptError, RpchatError
from rpchat.story.text import one_line

_DEFAULT_CONTEXT = 8192
_ERRORS: dict[str, type[RpchatError]] = {
    "ModelError": ModelError,
    "PromptError": PromptError,
    "EngineError": EngineError,
}
_CACHE_BITS = {
    "f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5, "q5_1": 6.0, "q5_0": 5.5, "q4_1": 5.0, "q4_0": 4.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """The model a worker is to hold."""

    header: Header
    settings: EngineSettings
    controls: tuple[str, ...]

    @property
    def n_ctx(self) -> int:
        """The context to ask for, in tokens."""
        trained = self.header.context_length or _DEFAULT_CONTEXT
        return self.settings.n_ctx or min(trained, _DEFAULT_CONTEXT)

    @property
    def cache_bytes(self) -> int:
        """Return what the KV cache takes with these settings, as far as the header tells."""
        keys, values = self.header.cache_elements()
        bits = keys * _CACHE_BITS[self.settings.type_k] + values * _CACHE_BITS[self.settings.type_v]
        return int((self.n_ctx + self.settings.n_spare) * bits / 8)


class Host:
    """Keeps a worker with `target` in it. `command` is what starts one, `log` receives what it prints."""

    def __init__(self, *, log: Path, machine: Machine, command: Sequence[str]) -> None:
        self.log = log
        self.machine = machine
        self.model: ModelInfo | None = None
        """The loaded model; it stays while a dead worker is replaced."""
        self.worker: Worker | None = None
        self._command = command
        self._target: Target | None = None
        self._warming = False
        self._closed = False

    async def close(self) -> None:
        """End the worker for good."""
        self._closed = True
        await self.drop()

    async def spawn(self) -> Worker:
        """Start a worker without a model. Raises EngineError; after `close` always."""
        if self._closed:
            raise EngineError("the engine is closed")
        try:
            worker = await Worker.start(self._command, log=self.log)
        except OSError as error:
            raise EngineError(f"the engine cannot start: {one_line(error.strerror or str(error))}") from error
        if self._closed:
            await worker.end()
            raise EngineError("the engine was closed")
        return worker

    async def drop(self) -> None:
        """End the worker, if there is one."""
        worker, self.worker = self.worker, None
        if worker is not None:
            await worker.end()

    async def start(self, target: Target) -> AsyncGenerator[LoadEvent, None]:
        """Start a worker that holds `target`; a build that dies here is started again in safe mode."""
        quantisation = target.header.quantisation
        known = self.machine.safe(quantisation)
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
            self.machine.remember(safe=safe, quantisation=quantisation)

    async def _attempt(self, target: Target, *, safe: bool, warm_up: bool) -> AsyncGenerator[LoadEvent, None]:
        await self.drop()
        worker = self.worker = await self.spawn()
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
                content = checked(kind, content)
                if kind != "loaded":
                    self._warming = kind == "warming"
                    yield Loading(content["done"] if kind == "loading" else 1000)
                    continue
                loaded = True
                model = with_header(model_of(content["model"]), target.header)
                self._target, self.model = target, model
        finally:
            if not loaded:
                await self.drop()
        yield Loaded(model)

    async def ready(self) -> Worker:
        """Return a worker that holds the model, started again where it is gone."""
        if self._target is None:
            raise EngineError("no model is loaded")
        if self.worker is None or not self.worker.alive:
            async with aclosing(self.start(self._target)) as events:
                async for _ in events:
                    pass
        assert self.worker is not None
        return self.worker

    def died(self, error: WorkerDiedError) -> EngineError:
        """Return what to tell of a worker that died at work, and remember what follows for the next one."""
        self.worker = None
        if self._closed:
            return EngineError("the engine was closed")
        death = death_of(error)
        if death.illegal and self._target is not None and self.model is not None and not self.model.safe_mode:
            self.machine.remember(safe=True, quantisation=self._target.header.quantisation)
            death = replace(death, hint="From now on it runs in safe mode.")
        return EngineError(f"the engine died: {death.reason}", death.hint)


def checked(kind: str, content: Fields) -> Fields:
    """Return the content of an answer; raise the error it tells, if it tells one."""
    if kind == "failed":
        raise _ERRORS[content["error"]](content["message"], content["hint"])
    return content


def with_header(model: ModelInfo, header: Header) -> ModelInfo:
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


def _loading_failed(target: Target, death: Death) -> ModelError:
    name = one_line(target.header.path.name)
    return ModelError(f"{name} cannot be loaded: the engine died: {death.reason}", death.hint)
