"""The worker's end of the pipes. They must be taken before anything else runs in the process."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable

from rpchat.engine.wire import Fields, pack, unpack


class Pipes:
    """The protocol's pipes, moved away from where libraries print: stdin is empty, stdout goes to the log."""

    def __init__(self) -> None:
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _forbid_core_dumps()

    def send(self, kind: str, **content: object) -> None:
        """Send one message."""
        self.send_line(pack(kind, **content))

    def send_line(self, line: bytes) -> None:
        """Send one packed message, whole. The parent's end closed means this process is to end."""
        try:
            while line:
                line = line[os.write(self._output, line) :]
        except OSError:
            os._exit(0)

    def receive(self) -> tuple[str, Fields] | None:
        """Wait for the next message; None when the parent's end is closed."""
        line = self._input.readline()
        return unpack(line) if line.endswith(b"\n") else None


class Inbox:
    """Messages read by a thread of its own, so that a cancel or the parent's end is seen in the middle of work.

    `cancel` is called from that thread, with the number of the request to cancel; `leave` with that and the version
    that is wanted no more.
    """

    def __init__(self, pipes: Pipes) -> None:
        self.cancel: Callable[[int], None] = lambda _number: None
        self.leave: Callable[[int, int], None] = lambda _number, _version: None
        self._pipes = pipes
        self._messages: queue.SimpleQueue[tuple[str, Fields]] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next(self) -> tuple[str, Fields]:
        """Wait for the next message that is an order."""
        return self._messages.get()

    def _read(self) -> None:
        while message := self._pipes.receive():
            kind, content = message
            if kind == "cancel":
                self.cancel(content["number"])
            elif kind == "leave":
                self.leave(content["number"], content["version"])
            else:
                self._messages.put(message)
        # Nobody is left to speak to. Python's own ending would wait for the computation; this does not.
        os._exit(0)


def _forbid_core_dumps() -> None:
    """A dead worker is expected and told; a core file of the size of the model is not."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
