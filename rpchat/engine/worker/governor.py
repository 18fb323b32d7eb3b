"""How many threads to compute with: all cores on an idle machine, one fewer on a busy one.

llama.cpp's threads wait for each other after every operation. One of them that has to share its core holds up all the
others: two threads beside one busy process are slower than one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

Usage = tuple[float, float, float]
"""Seconds of the clock, of all processors' work, and of this process's own part in it."""

_WINDOW = 0.5
"""Shortest time, in seconds, from which anything can be told."""
_BUSY = 0.5
"""Cores that others may use before one is left to them."""


class Governor:
    """Advises a number of threads, at most `most`, by what other processes used since it was last asked."""

    def __init__(self, most: int, *, usage: Callable[[], Usage] | None = None) -> None:
        self._usage = usage or _usage
        self._most = most
        self._last = self._usage()
        self.threads = most

    def advise(self) -> bool:
        """Look again; return whether `threads` has changed."""
        if self._most == 1:
            return False
        now = self._usage()
        clock, work, own = (new - old for new, old in zip(now, self._last, strict=True))
        if clock < _WINDOW:
            return False
        self._last = now
        wanted = self._most - 1 if (work - own) / clock > _BUSY else self._most
        changed = wanted != self.threads
        self.threads = wanted
        return changed


def _usage() -> Usage:
    everybody = psutil.cpu_times()
    own = time.process_time()
    return time.perf_counter(), sum(everybody) - everybody.idle - getattr(everybody, "iowait", 0.0), own
