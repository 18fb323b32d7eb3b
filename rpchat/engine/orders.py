"""Orders to the worker: one at a time, cancelled from outside, and what is done in idle time gives way.

Invariants: one order is under way at a time; after every order the worker is either idle or gone; whoever wants the
worker cancels what is only done because nobody does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager, suppress

from rpchat.engine.host import Host, checked
from rpchat.engine.port import Ended, Piece, Reading, Request, StreamEvent
from rpchat.engine.process import Worker, WorkerDiedError
from rpchat.engine.wire import Fields
from rpchat.errors import RpchatError

_CANCEL_PATIENCE = 5.0


class Orders:
    """Gives orders to the worker of a host. The number of an order is what it is cancelled by."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = asyncio.Lock()
        self._number = 1
        self._ahead = 0
        self._wanted = 0

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
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

    async def ask(self, kind: str, **content: object) -> Fields:
        """In a turn: send an order that cannot be cancelled and return its only answer. Raises what that tells."""
        worker = await self._host.ready()
        try:
            await self._send(worker, kind, **content)
            return (await self._receive(worker))[1]
        except asyncio.CancelledError:
            # The answer would be taken for that of the next order.
            await self._host.drop()
            raise

    async def carry_out(self, kind: str, order: Fields) -> Fields:
        """In a turn: have an order carried out that is cancelled with its task, and return what it answers."""
        worker = await self._host.ready()
        self._number += 1
        return await self._done(worker, kind, order)

    async def aside(self, kind: str, order: Fields) -> Fields:
        """Have done what gives way to everything else; return the answer, which is empty where it gave way."""
        async with self._spare_turn():
            if self._wanted:
                return {}
            worker = await self._host.ready()
            return {} if self._wanted else await self._done(worker, kind, order)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Have one reply written. Closing the generator cancels and waits until the worker is idle."""
        async with self.turn():
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

    async def versions(
        self, request: Request, count: int, *, wanted: Callable[[int], bool], idle: bool
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Have several versions of a reply written together; `idle` ones give way. Closing cancels, as in `stream`."""
        async with self._spare_turn() if idle else self.turn():
            if idle and self._wanted:
                return
            worker = await self._host.ready()
            if not idle:
                self._number += 1
            order = {"request": request, "count": count, "aside": idle}
            async with aclosing(self._versions(worker, order, wanted)) as events:
                async for told in events:
                    yield told

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

    async def _done(self, worker: Worker, kind: str, order: Fields) -> Fields:
        """Have the order of the latest number carried out, cancelled where its task is."""
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
