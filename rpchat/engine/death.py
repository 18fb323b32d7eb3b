"""Why a worker died, in the user's words."""

from __future__ import annotations

import re
import signal
import sys
from dataclasses import dataclass

from rpchat.engine.process import WorkerDiedError
from rpchat.story.text import one_line

_WINDOWS_CODES = {0xC000001D: "SIGILL", 0xC0000005: "SIGSEGV", 0xC0000409: "SIGABRT", 0xC0000017: "SIGKILL"}
_TELLING = re.compile(r"GGML_ASSERT|GGML_ABORT|what\(\)|Error\b|error:")

_MEMORY_HINT = "Choose a smaller model or a smaller n_ctx, or close other programs."
_BUILD_HINT = "Reinstall llama-cpp-python with CMAKE_ARGS=-DGGML_NATIVE=OFF."


@dataclass(frozen=True, slots=True)
class Death:
    """What killed a worker: the reason, and what can be done; both may stand in an error."""

    reason: str
    hint: str
    illegal: bool = False
    """Whether it was an instruction this CPU does not have."""
    crashed: bool = False
    """Whether the system ended it for what it computed or touched. An instruction used wrongly can look so, too."""


def death_of(error: WorkerDiedError) -> Death:
    """Return the reason behind a worker's exit code and the last telling line of its log."""
    name = _signal_name(error.code)
    last = _last_line(error.log_tail)
    if name == "SIGILL":
        return Death("it used an instruction this CPU does not have (SIGILL)", _BUILD_HINT, illegal=True, crashed=True)
    if name == "SIGKILL":
        return Death("it was killed, most likely because memory ran out", _MEMORY_HINT)
    if "MemoryError" in error.log_tail or "bad_alloc" in error.log_tail:
        return Death("memory ran out", _MEMORY_HINT)
    if name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE"):
        return Death(f"it crashed ({name}){last}", "", crashed=True)
    if name:
        return Death(f"it was ended by {name}", "")
    return Death(f"it stopped with exit code {error.code}{last}", "")


def _signal_name(code: int) -> str:
    """Return the signal's name, or the empty string for an ordinary exit."""
    if sys.platform == "win32":
        return _WINDOWS_CODES.get(code & 0xFFFFFFFF, "")
    if code >= 0:
        return ""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _last_line(log_tail: str) -> str:
    """Return `: line` for the last line that tells something, or the empty string."""
    for line in reversed(log_tail.splitlines()):
        if _TELLING.search(line):
            return f": {one_line(line, 160)}"
    return ""
