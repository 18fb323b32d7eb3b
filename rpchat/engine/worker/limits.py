"""How much memory this process may still take: of the machine, of its control group, of its own address space."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


def limit_memory(megabytes: int) -> None:
    """Let this process take no more address space than that; 0 and Windows have no limit."""
    if megabytes and sys.platform != "win32":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = megabytes << 20
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def host_memory(*, groups: Path = _GROUPS) -> tuple[int, int]:
    """Return the bytes that can be had without pushing anything out, and the most there can be."""
    memory = psutil.virtual_memory()
    bounds = [(memory.available, memory.total), *_group_bounds(groups), *_own_bounds()]
    free, total = (min(column) for column in zip(*bounds, strict=True))
    return max(0, free), total


def has_room_for(size: int) -> bool:
    """Return whether so many bytes can be copied without pushing others out of memory."""
    return 2 * size < host_memory()[0]


def _own_bounds() -> Iterator[tuple[int, int]]:
    if sys.platform != "win32":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if 0 <= limit < _UNLIMITED:
            yield limit - psutil.Process().memory_info().vms, limit


def _group_bounds(groups: Path) -> Iterator[tuple[int, int]]:
    """Yield what the control group this process sees as its own leaves it, in either version of the interface.

    Pages of files that were not used for a while count as taken there, and are given back when they are wanted.
    """
    for limit_name, used_name, folder in (
        ("memory.max", "memory.current", groups),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", groups / "memory"),
    ):
        limit, used = _number(folder / limit_name), _number(folder / used_name)
        if limit is not None and used is not None and limit < _UNLIMITED:
            yield limit - used + _inactive(folder / "memory.stat"), limit


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _inactive(path: Path) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    fields = dict(line.split(maxsplit=1) for line in lines if " " in line)
    return int(fields.get("total_inactive_file", fields.get("inactive_file", "0")))
