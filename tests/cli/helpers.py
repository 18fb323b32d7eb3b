"""The program as its users run it: a process with arguments, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rpchat.store.scenes import SceneStore
from rpchat.story.scene import Scene

ANN = """
name: Ann
language: en
system_prompt: Answer in one sentence.
first_message: Hello.
alternate_greetings: [Good evening.]
"""
CONFIG = "engine: {n_threads: 1, n_ctx: 1024}\n"
_MARK = "RPCHAT_TEST_MARK"
COMMAND = (sys.executable, "-m", "rpchat")


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of a run that failed."""
        assert self.out == ""
        assert "Traceback" not in self.err
        (line,) = self.err.splitlines()
        assert line.startswith("rpchat: ")
        return line


@dataclass(slots=True)
class Terminal:
    """Runs rpchat with a home of its own, from a folder that is not the checkout."""

    home: Path
    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def environment(self) -> dict[str, str]:
        """A user's environment, marked, and with every warning an error."""
        ours = ("RPCHAT_", "PYTEST_", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {"RPCHAT_HOME": str(self.home), "PYTHONWARNINGS": "error", _MARK: self.mark}

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> Result:
        """Run rpchat to its end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env={**self.environment, **(environment or {})},
            stdin=stdin,
            capture_output=True,
            timeout=300,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start rpchat in a process group of its own, its output on pipes."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            # A shell that runs the tests in the background has SIGINT ignored, and a child inherits that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def left(self) -> list[psutil.Process]:
        """Return the processes of this terminal that are still there."""
        return [process for process in psutil.process_iter() if _mark_of(process) == self.mark]

    def scene(self, number: int = 1) -> Scene:
        """Return a scene as it is on disk."""
        store = SceneStore.open(self.home / "rpchat.db", read_only=True)
        try:
            return store.load(number)
        finally:
            store.close()


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else process.environ().get(_MARK)
    except psutil.Error:
        return None


def until(condition: Callable[[], object], *, seconds: float = 90.0) -> None:
    """Wait for another process; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "still waiting"
        time.sleep(0.005)


def furnish(home: Path, *, machine: Path | None = None) -> None:
    """Make a home with a card, one thread for the model, and what is known of this machine."""
    (home / "cards").mkdir(parents=True)
    (home / "cards" / "ann.yaml").write_text(ANN, encoding="utf-8")
    (home / "config.yaml").write_text(CONFIG, encoding="utf-8")
    if machine is not None and machine.exists():
        (home / "machine.json").write_bytes(machine.read_bytes())
