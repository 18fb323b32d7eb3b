"""Why a worker died, in the user's words."""

from __future__ import annotations

import re
import signal
import sys
from dataclasses import dataclass

from rpchat.engine.process import WorkerDiedError
from rpchat.engine.shortage import tells_shortage
from rpchat.story.text import one_line

_WINDOWS_CODES = {0xC000001D: "SIGILL", 0xC0000005: "SIGSEGV", 0xC0000409: "SIGABRT", 0xC0000017: "SIGKILL"}
_NO_SERVER = re.compile(r"Failed to connect to (\S+)|RPC handshake failed for (\S+)")
_SERVER_GONE = "Remote RPC server crashed"
_TELLING = re.compile(r"GGML_ASSERT|GGML_ABORT|what\(\)|Error\b|error:")

_MEMORY_HINT = "Choose a smaller model or a smaller n_ctx, or close other programs."
_SERVER_HINT = "The scene goes on when it is back."
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
    short: bool = False
    """Whether memory ran out."""
    killed: bool = False
    """Whether somebody killed it: the system does that when memory runs out, but a user can do it, too."""
    remote: bool = False
    """Whether another machine is what failed."""


def death_of(error: WorkerDiedError) -> Death:
    """Return the reason behind a worker's exit code and the last telling line of its log."""
    name = _signal_name(error.code)
    last = _last_line(error.log_tail)
    unreachable = _NO_SERVER.search(error.log_tail)
    if unreachable is not None:
        server = one_line(unreachable[1] or unreachable[2], 80)
        return Death(f"the RPC server {server} does not answer", _SERVER_HINT, remote=True)
    if _SERVER_GONE in error.log_tail:
        return Death("an RPC server is gone", _SERVER_HINT, remote=True)
    if name == "SIGILL":
        return Death("it used an instruction this CPU does not have (SIGILL)", _BUILD_HINT, illegal=True, crashed=True)
    if name == "SIGKILL":
        return Death("it was killed, most likely because memory ran out", _MEMORY_HINT, killed=True)
    if tells_shortage(error.log_tail):
        return Death("memory ran out", _MEMORY_HINT, short=True)
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
