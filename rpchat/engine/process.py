"""The parent's end of a worker process: start it, speak with it, notice its death, end it.

Messages go over the child's stdin and stdout, which the child moves out of the way of everything else first; what its
libraries print goes to the log. Closing its stdin is the request to end, and it obeys in the middle of anything.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path

from rpchat.engine.wire import LINE_LIMIT, Fields, pack, unpack

_LOG_LIMIT = 1024 * 1024
_ENDING_TIME = 1.0


class WorkerDiedError(Exception):
    """The worker is gone. `code` is its exit code, negative for a signal; `log_tail` the end of what it printed."""

    def __init__(self, code: int, log_tail: str) -> None:
        super().__init__(f"worker ended with {code}")
        self.code = code
        self.log_tail = log_tail


class Worker:
    """One running worker process. Made by `start`; `end` must be called once it is no longer wanted."""

    def __init__(self, process: Process, log: Path, log_start: int) -> None:
        self._process = process
        self._log = log
        self._log_start = log_start

    @classmethod
    async def start(cls, command: Sequence[str], *, log: Path) -> Worker:
        """Start `command` with its protocol on pipes and its stderr appended to `log`, which is kept small."""
        descriptor = _open_log(log)
        try:
            start = os.fstat(descriptor).st_size
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=descriptor,
                limit=LINE_LIMIT,
                env=os.environ | {"GGML_NO_BACKTRACE": "1", "PYTHONIOENCODING": "utf-8"},
            )
        finally:
            os.close(descriptor)
        return cls(process, log, start)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Return whether the process has not been seen to end."""
        return self._process.returncode is None

    async def send(self, kind: str, **content: object) -> None:
        """Send one message. Raises WorkerDiedError if nobody is there to read it."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(pack(kind, **content))
            await stdin.drain()
        except (ConnectionError, RuntimeError):
            raise await self._death() from None

    async def receive(self) -> tuple[str, Fields]:
        """Return the next message. Raises WorkerDiedError if there will be none."""
        stdout = self._process.stdout
        assert stdout is not None
        line = await stdout.readline()
        if not line.endswith(b"\n"):
            raise await self._death()
        return unpack(line)

    def kill(self) -> None:
        """Kill the process, without waiting for its end."""
        if self.alive:
            try:
                self._process.kill()
            except ProcessLookupError:
                return

    async def end(self) -> None:
        """End the process: ask, wait a second, kill. May be called twice."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _ENDING_TIME)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        except asyncio.CancelledError:
            self.kill()
            raise

    async def _death(self) -> WorkerDiedError:
        await self.end()
        code = self._process.returncode
        assert code is not None
        return WorkerDiedError(code, self._log_tail())

    def _log_tail(self) -> str:
        try:
            with self._log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start, size - 8192))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""


def python_module(name: str) -> tuple[str, ...]:
    """Return the command that runs a module of this installation, whatever folder the user is in."""
    return (sys.executable, "-P", "-m", name)


def _open_log(path: Path) -> int:
    """Return a descriptor that appends to `path`, begun anew once it is long; the null device if it cannot be."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_LIMIT:
            flags |= os.O_TRUNC
        return os.open(path, flags, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
