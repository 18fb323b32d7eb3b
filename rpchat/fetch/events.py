"""What is told while a model is fetched, and how people read it. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

from rpchat.story.text import one_line

_WINDOW = 8.0
"""Seconds over which the speed is taken."""


@dataclass(frozen=True, slots=True)
class Looking:
    """The hub is asked what the repository holds."""

    repository: str


@dataclass(frozen=True, slots=True)
class Checking:
    """What is there already is read, to go on behind it: `done` of `total` bytes."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Fetching:
    """`done` of `total` bytes of the model are there, all its files together. `name` is the file that comes now."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something went wrong that may pass; in `seconds` it is tried again."""

    why: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """The model is there. `path` is its file, or the first of several; `already`: nothing had to come."""

    path: Path
    already: bool = False


FetchEvent = Looking | Checking | Fetching | Waiting | Fetched


class Pace:
    """How fast bytes have come lately. Times are seconds of any clock that goes on evenly."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, done: int, *, now: float) -> None:
        """Note that `done` bytes are there now; fewer than before begins anew."""
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW:
            self._seen.popleft()

    @property
    def bytes_per_second(self) -> float:
        """Return the speed; 0 while it is not known."""
        if len(self._seen) < 2:
            return 0.0
        (begin, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - begin) if end - begin >= 0.2 else 0.0


def told(event: FetchEvent, pace: Pace) -> str:
    """Return the line that says where fetching stands."""
    match event:
        case Looking(repository):
            return f"asking for {one_line(repository, 80)}"
        case Checking(name, done, total):
            return f"{one_line(name, 60)} · checking what is there · {done / max(1, total):.0%}"
        case Fetching(name, done, total):
            return f"{one_line(name, 60)} · {progress(done, total, pace.bytes_per_second)}"
        case Waiting(why, seconds):
            return f"{why} · trying again in {seconds:.0f} s"
        case Fetched(path, already):
            return f"{one_line(path.name, 80)} {'is there already' if already else 'is there'}"


def progress(done: int, total: int, speed: float) -> str:
    """Return how much is there, how fast more comes, and how long it will take, as far as that is known."""
    parts = [f"{gigabytes(done)} of {gigabytes(total)} GB"]
    if speed > 0:
        parts += [f"{speed / 1e6:.1f} MB/s", f"{_span((total - done) / speed)} left"]
    return " · ".join(parts)


def gigabytes(size: float) -> str:
    """Return a size in GB with as many digits as say something: 4.5, 0.14, 0.003."""
    digits = 1 if size >= 1e9 or size == 0 else 2 if size >= 1e7 else 3
    return f"{size / 1e9:.{digits}f}"


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
