"""Fetching a model: find its files, bring them into the models folder, and go on where an earlier try stopped.

Closing the generator is stopping: what has arrived is on the disk then, and the next call goes on behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TypeVar

from rpchat.errors import ModelError, StoreError
from rpchat.fetch.events import Checking, Fetched, FetchEvent, Fetching, Looking, Waiting
from rpchat.fetch.hub import Hub
from rpchat.fetch.hub_errors import Passing
from rpchat.fetch.partial import Partial, need_space
from rpchat.fetch.wanted import Listing, RemoteFile, Wanted, chosen_files
from rpchat.store.lock import HomeLock
from rpchat.story.text import one_line

T = TypeVar("T")

RESTS: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds to wait before each further try, while nothing arrives in between."""

_LOCK = ".rpchat-fetch.lock"
_BATCH = 1 << 19
_LINGER = 0.25
"""Bytes that are written at once, and how long fewer are waited with, in seconds."""
_ASKED_AGAIN = 1
"""So often the hub is asked for a list again: who is offline wants to know it soon."""
_KEPT = "What has arrived is kept: the same command goes on from there."
_AGAIN = "Is this machine online? The same command begins where it can."


async def fetch(wish: Wanted, folder: Path, *, rests: Sequence[float] = RESTS) -> AsyncGenerator[FetchEvent, None]:
    """Fetch a model into `folder`; the last event is `Fetched`.

    Raises ModelError: there is no such model, it is closed to the user, the hub cannot be reached for longer than
    `rests` together, the disk is full, the checksum is wrong, another program fetches into the same folder.
    """
    _make(folder)
    with HomeLock(folder / _LOCK) as lock:
        if not _taken(lock):
            raise ModelError(f"another rpchat is fetching a model into {folder}", "Wait for it, or stop it there.")
        async with aclosing(_Fetch(folder, rests).run(wish)) as events:
            async for event in events:
                yield event


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"the folder {folder} cannot be made: {one_line(error.strerror or str(error))}") from error


def _taken(lock: HomeLock) -> bool:
    try:
        return lock.acquire()
    except StoreError as error:
        raise ModelError(f"nothing can be fetched: {error.message}") from error


class _Fetch:
    """One model on its way."""

    def __init__(self, folder: Path, rests: Sequence[float]) -> None:
        self._folder = folder
        self._rests = rests
        self._hub = Hub()
        self._tries = 0
        self._before = 0
        """Bytes of the files that are there."""
        self._total = 0

    async def run(self, wish: Wanted) -> AsyncGenerator[FetchEvent, None]:
        yield Looking(wish.repository)
        listing: Listing | None = None
        while listing is None:
            try:
                listing = await self._hub.listing(wish.repository)
            except Passing as passing:
                waiting = self._waiting(passing, self._rests[:_ASKED_AGAIN], hint=_AGAIN)
                yield waiting
                await asyncio.sleep(waiting.seconds)
        self._tries = 0
        files = chosen_files(listing, wish)
        self._total = sum(file.size for file in files)
        parts = [Partial(self._folder, file, revision=listing.revision) for file in files]
        need_space(self._folder, sum(part.missing for part in parts if not part.target.exists()))
        came = False
        for file, part in zip(files, parts, strict=True):
            came = came or not part.target.exists()
            async with aclosing(self._file(listing, file, part)) as events:
                async for event in events:
                    yield event
            self._before += file.size
        yield Fetched(parts[0].target, already=not came)

    async def _file(self, listing: Listing, file: RemoteFile, part: Partial) -> AsyncGenerator[FetchEvent, None]:
        if part.target.exists():
            async for done in _steps(part.check_target()):
                yield Checking(file.name, done, file.size)
            return
        try:
            async for done in _steps(part.open()):
                yield Checking(file.name, done, file.size)
            while part.size < file.size:
                try:
                    async with aclosing(self._flow(listing, file, part)) as events:
                        async for event in events:
                            yield event
                except Passing as passing:
                    waiting = self._waiting(passing, self._rests, hint=_KEPT)
                    yield waiting
                    await asyncio.sleep(waiting.seconds)
            await _on_disk(part.finish)
        finally:
            part.close()

    async def _flow(self, listing: Listing, file: RemoteFile, part: Partial) -> AsyncGenerator[FetchEvent, None]:
        """Let bytes come until the file is there or the connection ends."""
        async with self._hub.reading(listing, file, start=part.size) as flow:
            if flow.start != part.size:
                await _on_disk(part.restart)
            yield self._standing(file, part)
            async with aclosing(_batches(flow.chunks)) as batches:
                async for batch in batches:
                    await _on_disk(partial(part.add, batch))
                    self._tries = 0
                    yield self._standing(file, part)
        if part.size < file.size:
            raise Passing("the connection ended early")

    def _standing(self, file: RemoteFile, part: Partial) -> Fetching:
        return Fetching(file.name, self._before + part.size, self._total)

    def _waiting(self, passing: Passing, rests: Sequence[float], *, hint: str) -> Waiting:
        """Return how long to wait before the next try. Raises ModelError when there have been enough."""
        if self._tries >= len(rests):
            raise ModelError(f"{passing.why}, so the model was not fetched", hint)
        rest = max(rests[self._tries], passing.after)
        self._tries += 1
        return Waiting(passing.why, rest)


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield what comes in pieces that are worth a write, but nothing later than a moment after it came."""
    clock = asyncio.get_running_loop().time
    batch, since = bytearray(), clock()
    async for chunk in chunks:
        batch += chunk
        if len(batch) >= _BATCH or clock() - since >= _LINGER:
            yield bytes(batch)
            batch, since = bytearray(), clock()
    if batch:
        yield bytes(batch)


async def _steps(work: Iterator[int]) -> AsyncIterator[int]:
    """Go through blocking work in a thread, step by step."""
    while (done := await _on_disk(partial(next, work, None))) is not None:
        yield done


async def _on_disk(work: Callable[[], T]) -> T:
    """Do something blocking in a thread; cancelled, it is waited for all the same, so that nothing is half written."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        # Not `shield`: interrupted while that hands on a result, it prints an error of its own.
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
    return task.result()
