"""The parent's side of the engine: a worker process that holds the model, and is started again when it dies.

Invariants: one order is under way at a time; after every order the worker is either idle or gone; nothing that was
started outlives `close`. What is done in idle time gives way: whoever wants the worker cancels it first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from rpchat.engine.death import death_of
from rpchat.engine.gguf import read_header
from rpchat.engine.host import Host, Target, checked, with_header
from rpchat.engine.machine import Machine
from rpchat.engine.port import (
    Ended,
    EngineSettings,
    Inspection,
    LoadEvent,
    ModelInfo,
    Piece,
    Reading,
    Request,
    StreamEvent,
)
from rpchat.engine.process import Worker, WorkerDiedError, python_module
from rpchat.engine.sandbox import Sandbox
from rpchat.engine.wire import Fields, inspection_of
from rpchat.errors import EngineError, PromptError, RpchatError
from rpchat.prompt.segment import Segment

_WORKER = python_module("rpchat.engine.worker")
_CANCEL_PATIENCE = 5.0


class ChildEngine:
    """`port.Engine` with llama.cpp in a child process.

    `log` receives what the child prints; `machine` is the JSON file that remembers whether safe mode is needed. The
    child is started by the first call. `command` is what starts it; tests give another.
    """

    def __init__(self, *, log: Path, machine: Path, command: Sequence[str] = _WORKER) -> None:
        self._host = Host(log=log, machine=Machine(machine), command=command)
        self._sandbox = Sandbox(log=log)
        self._lock = asyncio.Lock()
        self._number = 1
        self._ahead = 0
        self._wanted = 0

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

        Closing the generator early ends the worker. After a failure, the model before, if there was one, is loaded
        again by the next call.
        """
        async with self._turn():
            header = await asyncio.to_thread(read_header, path)
            target = Target(header, settings, tuple(controls))
            async with aclosing(self._host.start(target)) as events:
                async for event in events:
                    yield event

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the token ids of a prompt, exactly as `stream` would read it. Raises PromptError, EngineError."""
        async with self._turn():
            content = await self._ask("tokenize", segments=list(segments))
        ids: list[int] = content["ids"]
        return ids

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token; a control token has none. Raises EngineError."""
        async with self._turn():
            content = await self._ask("pieces", ids=list(ids))
        return [bytes.fromhex(piece) for piece in content["pieces"]]

    async def reusable(self, ids: Sequence[int]) -> int:
        """Return how many of a prompt's first tokens the worker would not read again. Raises EngineError."""
        async with self._turn():
            content = await self._ask("reusable", ids=list(ids))
        count: int = content["count"]
        return count

    async def read_ahead(
        self, segments: Sequence[Segment], *, continue_ids: Sequence[int] = (), replacing: bool = False
    ) -> bool:
        """Read a prompt that may come; return whether all of it is read. Any other call ends it at once.

        Raises PromptError, EngineError. When its task is cancelled, the worker stays, idle.
        """
        order = {"segments": list(segments), "continue_ids": list(continue_ids), "replacing": replacing}
        content = await self._aside("read_ahead", order)
        return bool(content.get("whole"))

    async def save_state(self, path: Path, *, limit: int) -> bool:
        """Put what was read or written last into a file; return whether it is there now.

        Any other call ends it at once. Raises EngineError. When its task is cancelled, the worker stays, idle.
        """
        if self.worker_pid is None:
            return False
        content = await self._aside("save_state", {"path": path, "limit": limit})
        return bool(content.get("saved"))

    async def restore_state(self, path: Path) -> int:
        """Take back what `save_state` put into a file; return how many tokens it is. Raises EngineError.

        When its task is cancelled, the worker stays, idle.
        """
        async with self._turn():
            worker = await self._host.ready()
            self._number += 1
            content = await self._carry_out(worker, "restore_state", {"path": path})
        count: int = content["count"]
        return count

    async def score(self, prompts: Sequence[Sequence[Segment]]) -> list[float]:
        """Return how likely the model finds each prompt's end, as natural logarithms. Raises PromptError, EngineError.

        When its task is cancelled, the worker stays, idle.
        """
        async with self._turn():
            worker = await self._host.ready()
            self._number += 1
            content = await self._carry_out(worker, "score", {"prompts": [list(prompt) for prompt in prompts]})
        scores: list[float] = content["scores"]
        return scores

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Read the prompt and generate. Closing the generator cancels and waits until the worker is idle."""
        async with self._turn():
            worker = await self._host.ready()
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

    async def stream_many(
        self, request: Request, count: int, *, wanted: Callable[[int], bool], idle: bool = False
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Write `count` versions of one reply together. Closing the generator cancels, as that of `stream` does."""
        async with self._spare_turn() if idle else self._turn():
            if idle and self._wanted:
                return
            worker = await self._host.ready()
            if not idle:
                self._number += 1
            order = {"request": request, "count": count, "aside": idle}
            async with aclosing(self._versions(worker, order, wanted)) as events:
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
        worker = await self._host.spawn()
        try:
            await worker.send(
                "inspect", path=None if header is None else header.absolute_path, controls=tuple(controls)
            )
            content = checked(*await worker.receive())
        except WorkerDiedError as error:
            death = death_of(error)
            raise EngineError(f"the engine cannot start: {death.reason}", death.hint) from None
        finally:
            await worker.end()
        inspection = inspection_of(content["inspection"])
        quantisation = header.quantisation if header is not None else ""
        model = inspection.model
        if header is not None and model is not None:
            model = with_header(model, header)
        return replace(inspection, model=model, safe_mode=self._host.machine.safe(quantisation))

    async def close(self) -> None:
        """End the worker and everything it started. Never raises; may be called twice."""
        await asyncio.gather(self._host.close(), self._sandbox.close())

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None, None]:
        """Have the worker to oneself. Nobody waits for reading ahead: it is cancelled, or does not begin."""
        self._wanted += 1
        try:
            if self._ahead and self._host.worker is not None:
                # A worker that is gone is noticed by whoever holds it.
                with suppress(WorkerDiedError):
                    await self._host.worker.send("cancel", number=self._ahead)
            await self._lock.acquire()
        finally:
            self._wanted -= 1
        try:
            yield
        finally:
            self._lock.release()

    @asynccontextmanager
    async def _spare_turn(self) -> AsyncGenerator[None, None]:
        """Have the worker while nobody wants it: whoever does cancels the order with the number that is now given."""
        async with self._lock:
            self._number += 1
            self._ahead = self._number
            try:
                yield
            finally:
                self._ahead = 0

    async def _aside(self, kind: str, order: Fields) -> Fields:
        """Have done what gives way to everything else; return the answer, which is empty where it gave way."""
        async with self._spare_turn():
            if self._wanted:
                return {}
            worker = await self._host.ready()
            return {} if self._wanted else await self._carry_out(worker, kind, order)

    async def _versions(
        self, worker: Worker, order: Fields, wanted: Callable[[int], bool]
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        left: set[int] = set()
        over = False
        try:
            await self._send(worker, "stream_many", number=self._number, **order)
            while not over:
                kind, content = await self._receive(worker)
                over = kind in ("ended", "cancelled")
                version: int = content.get("version", 0)
                if over or version in left:
                    continue
                yield version, _stream_event(kind.removeprefix("version_"), content)
                if kind == "version_piece" and not wanted(version):
                    left.add(version)
                    await self._send(worker, "leave", number=self._number, version=version)
        except RpchatError:
            over = True
            raise
        finally:
            if not over:
                await self._cancel(worker)

    async def _carry_out(self, worker: Worker, kind: str, order: Fields) -> Fields:
        """Have an order carried out that can be cancelled, and return what it answers; nothing where it was."""
        idle = False
        try:
            await self._send(worker, kind, number=self._number, **order)
            _, content = await self._receive(worker)
            idle = True
        except RpchatError:
            idle = True
            raise
        finally:
            if not idle:
                await self._cancel(worker)
        return content

    async def _ask(self, kind: str, **content: object) -> Fields:
        """Send one order and return its only answer."""
        worker = await self._host.ready()
        try:
            await self._send(worker, kind, **content)
            return (await self._receive(worker))[1]
        except asyncio.CancelledError:
            # The answer would be taken for that of the next order.
            await self._host.drop()
            raise

    async def _send(self, worker: Worker, kind: str, **content: object) -> None:
        try:
            await worker.send(kind, **content)
        except WorkerDiedError as error:
            raise self._host.died(error) from None

    async def _receive(self, worker: Worker) -> tuple[str, Fields]:
        try:
            kind, content = await worker.receive()
        except WorkerDiedError as error:
            raise self._host.died(error) from None
        return kind, checked(kind, content)

    async def _cancel(self, worker: Worker) -> None:
        """Cancel what is under way and wait until the worker is idle; one that does not listen is ended."""
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
            if not idle and self._host.worker is worker:
                worker.kill()
                await self._host.drop()


_EVENTS: dict[str, Callable[[Fields], StreamEvent]] = {
    "piece": lambda content: Piece(content["id"], bytes.fromhex(content["data"])),
    "reading": lambda content: Reading(content["done"], content["total"]),
    "ended": lambda content: Ended(**content["end"]),
}


def _stream_event(kind: str, content: Fields) -> StreamEvent:
    return _EVENTS[kind](content)
