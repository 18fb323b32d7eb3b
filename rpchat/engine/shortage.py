"""Memory that ran out while a model was loaded: the one failure that is answered by asking for less."""

from __future__ import annotations

import re
from pathlib import Path

from rpchat.errors import ModelError

_TELLING = re.compile(
    r"bad_alloc|MemoryError|(?i:out of memory|(failed to|unable to|cannot) allocate|insufficient memory)"
)


class ShortageError(ModelError):
    """A model cannot be loaded because memory ran out."""


def tells_shortage(text: str) -> bool:
    """Return whether what a library printed says that memory ran out."""
    return _TELLING.search(text) is not None


def system_kills() -> int | None:
    """Return how often the system has ended a process for want of memory; None where it does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
