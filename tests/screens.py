"""rpchat in a real terminal: a pseudo-terminal it draws on, and a screen that reads what it drew."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pexpect
import pyte


class Frame:
    """What a terminal shows of what was drawn on it."""

    def __init__(self, *, size: tuple[int, int]) -> None:
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> None:
        """Draw."""
        self._stream.feed(data)

    @property
    def lines(self) -> list[str]:
        """The screen, row by row, without the space at the ends."""
        return [row.rstrip() for row in self._screen.display]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)


class Terminal:
    """A program in a pseudo-terminal, in a session of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        size: tuple[int, int] = (80, 24),
    ) -> None:
        columns, rows = size
        self._frame = Frame(size=size)
        colours = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(folder),
            env={**environment, **colours},
            dimensions=(rows, columns),
            timeout=None,
        )
        self._child.delaybeforesend = None

    @property
    def pid(self) -> int:
        """The program's process id, and its group's."""
        pid: int = self._child.pid
        return pid

    @property
    def text(self) -> str:
        """What its user sees."""
        return self._frame.text

    def type(self, keys: str) -> None:
        """Send keys as the user's terminal would."""
        self._child.send(keys)

    def until(self, condition: Callable[[], object], *, seconds: float = 90.0) -> None:
        """Read what is drawn until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"still waiting; the screen:\n{self.text}"
            self.read(0.02)

    def read(self, seconds: float) -> bool:
        """Take what is drawn within the time; return whether there was anything. Nothing comes from a dead program."""
        data = self._next(seconds)
        self._frame.feed(data)
        return bool(data)

    def record(self, marks: Sequence[str], *, quiet: float, seconds: float = 90.0) -> list[tuple[float, bytes]]:
        """Return what is drawn and when (`time.perf_counter`), until all marks were sent and nothing more comes."""
        deadline = time.perf_counter() + seconds
        came: list[tuple[float, bytes]] = []
        sent = b""
        while not all(mark.encode() in sent for mark in marks) or came[-1][0] + quiet > time.perf_counter():
            assert time.perf_counter() < deadline, sent[-2000:]
            if data := self._next(0.02):
                came.append((time.perf_counter(), data))
                sent += data
        return came

    def _next(self, seconds: float) -> bytes:
        try:
            data: bytes = self._child.read_nonblocking(65536, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return b""
        return data

    def wait(self, *, seconds: float = 90.0) -> int:
        """Read until the program has ended; return its exit code, negative for a signal."""
        self.until(lambda: not self._child.isalive(), seconds=seconds)
        self._child.close()
        code: int | None = self._child.exitstatus
        return code if code is not None else -int(self._child.signalstatus)

    def close(self) -> None:
        """End the program, whatever it does."""
        self._child.close(force=True)
