"""A worker process that holds a model: started, started again when it dies, in safe mode where its build needs that,
with less where memory runs out.

Invariants: after `close` nothing that was started here is left, and nothing is started any more.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from rpchat.engine.death import Death, death_of
from rpchat.engine.gguf import Header
from rpchat.engine.machine import Machine
from rpchat.engine.port import Loaded, LoadEvent, Loading, ModelInfo, Resources, Stepping
from rpchat.engine.process import Worker, WorkerDiedError
from rpchat.engine.settings import EngineSettings
from rpchat.engine.shortage import ShortageError, system_kills
from rpchat.engine.target import Fitting, Target
from rpchat.engine.wire import Fields, model_of, resources_of
from rpchat.errors import EngineError, ModelError, PromptError, RpchatError
from rpchat.story.text import one_line

_ERRORS: dict[str, type[RpchatError]] = {
    "ModelError": ModelError,
    "ShortageError": ShortageError,
    "PromptError": PromptError,
    "EngineError": EngineError,
}


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
        self._fitting: Fitting | None = None
        self._warming = False
        self._kills: int | None = None
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
        """Start a worker that holds `target`.

        A build that dies here is started again in safe mode; where memory runs out, less and less is asked for.
        """
        quantisation = target.header.quantisation
        known = self.machine.safe(quantisation)
        safe = bool(known)
        fitting = (self._fitting if self._target is target else None) or Fitting(target, self.machine)
        stepped = False
        while True:
            self._warming = False
            try:
                async with aclosing(self._attempt(target, fitting, safe=safe, warm_up=known is None)) as events:
                    async for event in events:
                        # What was given up a moment ago need not be told twice.
                        if not (stepped and isinstance(event, Stepping)):
                            yield event
                break
            except ShortageError:
                given_up = fitting.step()
                if given_up is None:
                    raise
            except WorkerDiedError as error:
                if self._closed:
                    raise EngineError("the engine was closed") from None
                death = death_of(error)
                given_up = fitting.step() if death.short or death.killed else None
                built_wrong = death.illegal or (death.crashed and self._warming)
                if given_up is None and (safe or not built_wrong):
                    raise _loading_failed(target, death) from None
                safe = safe or given_up is None
            if given_up is not None:
                stepped = True
                yield Stepping(f"memory ran out, trying again with {given_up}")
        fitting.remember()
        if known is None or safe != known:
            self.machine.remember(safe=safe, quantisation=quantisation)

    async def _attempt(
        self, target: Target, fitting: Fitting, *, safe: bool, warm_up: bool
    ) -> AsyncGenerator[LoadEvent, None]:
        await self.drop()
        worker = self.worker = await self.spawn()
        self._kills = system_kills()
        loaded = False
        try:
            fit = fitting.possible(await prepared(worker, target.settings))
            for line in fit.told:
                yield Stepping(line)
            await worker.send(
                "load",
                path=target.header.absolute_path,
                settings=fit.settings,
                n_prompts=fit.n_prompts,
                controls=target.controls,
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
                self._target, self._fitting, self.model = target, fitting, model
        finally:
            if not loaded:
                await self.drop()
        yield Loaded(model)

    @property
    def loaded(self) -> ModelInfo:
        """The model that is loaded; there must be one."""
        assert self.model is not None
        return self.model

    def differs_in_scales_only(self, target: Target) -> bool:
        """Return whether the worker holds this model already, but for how strongly its adapters count."""
        mine = self._target
        if mine is None or mine.settings == target.settings or self.worker is None or not self.worker.alive:
            return False
        same = (mine.header, mine.controls) == (target.header, target.controls)
        return same and _unscaled(mine.settings) == _unscaled(target.settings)

    def rescaled(self, target: Target) -> None:
        """Note that the model held now has the adapters' scales of `target`."""
        self._target, self._fitting = target, Fitting(target, self.machine)

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
        if self._fitting is not None and self._ran_short(death):
            given_up = self._fitting.step()
            if given_up is not None:
                self._fitting.remember()
                death = replace(death, hint=f"From now on: {given_up}.")
        if death.illegal and self._target is not None and self.model is not None and not self.model.safe_mode:
            self.machine.remember(safe=True, quantisation=self._target.header.quantisation)
            death = replace(death, hint="From now on it runs in safe mode.")
        return EngineError(f"the engine died: {death.reason}", death.hint)

    def _ran_short(self, death: Death) -> bool:
        """Return whether a death at work was for want of memory: a kill is one only if the system says that it was."""
        kills = system_kills()
        return death.short or (death.killed and None not in (kills, self._kills) and kills != self._kills)


async def prepared(worker: Worker, settings: EngineSettings) -> Resources:
    """Have a fresh worker heed its limits and find its devices; return what there is. Raises what the worker tells."""
    await worker.send("prepare", memory_limit_mb=settings.memory_limit_mb, rpc_servers=settings.rpc_servers)
    return resources_of(checked(*await worker.receive())["resources"])


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
    reason = death.reason if death.remote else f"the engine died: {death.reason}"
    return ModelError(f"{target.name} cannot be loaded: {reason}", death.hint)


def _unscaled(settings: EngineSettings) -> EngineSettings:
    return replace(settings, lora=tuple(replace(file, scale=1.0) for file in settings.lora))
