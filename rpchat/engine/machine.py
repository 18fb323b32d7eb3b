"""What is known of this machine and this build of llama.cpp: whether safe mode is needed, and what memory did not hold.

A build can use instructions that die here (signal 4); whether it does shows only when a prompt is read. The answer is
kept in a JSON file, keyed by the CPU and by the library's files, so a new build or another CPU asks anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = "llama_cpp"
_DISTRIBUTION = "llama-cpp-python"
_LIBRARY_SUFFIXES = (".so", ".dylib", ".dll")
_SAFE, _FINE = "safe", "fine"


_MUCH_MORE = 1.25
"""How much more memory is free when it is worth trying again what it did not hold."""


class Machine:
    """The memory in the JSON file `path`. Without a readable, writable file nothing is remembered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = ""
        self._fresh: dict[str, object] = {}

    def safe(self, quantisation: str) -> bool | None:
        """Return whether models of this quantisation need safe mode here; None where it has not been seen.

        Weights of another kind run other instructions, so `fine` is known of one quantisation only; a build that died
        once is used in safe mode for all.
        """
        known = self._known()
        if known.get(self.key) == _SAFE:
            return True
        return False if known.get(self._fine_key(quantisation)) == _FINE else None

    def remember(self, *, safe: bool, quantisation: str) -> None:
        """Keep what was seen. A file that cannot be written is gone without: it is seen again the next time."""
        self._keep({self.key: _SAFE} if safe else {self._fine_key(quantisation): _FINE})

    def steps(self, model: str, *, wishes: str, free: int) -> int:
        """Return how many steps down a model needed when it was loaded last: `wishes` names what was asked for.

        0 if it was asked for otherwise then, or much more memory is free now.
        """
        match self._known().get(self._steps_key(model)):
            case {"wishes": str(asked), "steps": int(steps), "free": int(then)} if asked == wishes:
                return steps if free < then * _MUCH_MORE else 0
            case _:
                return 0

    def remember_steps(self, model: str, *, wishes: str, free: int, steps: int) -> None:
        """Keep how many steps down a model needed with so many bytes free."""
        self._keep({self._steps_key(model): {"wishes": wishes, "steps": steps, "free": free}})

    def _keep(self, seen: Mapping[str, object]) -> None:
        known = self._known() | dict(seen)
        self._fresh.update(seen)
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(known, indent=1), encoding="utf-8")
            part.replace(self._path)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    @property
    def key(self) -> str:
        """Return the name of this CPU together with this build, found out once."""
        if not self._key:
            text = "\n".join((*_cpu(), *_build()))
            self._key = hashlib.sha256(text.encode()).hexdigest()[:32]
        return self._key

    def _fine_key(self, quantisation: str) -> str:
        return f"{self.key}:{quantisation}"

    def _steps_key(self, model: str) -> str:
        return f"{self.key}:steps:{model}"

    def _known(self) -> dict[str, object]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            content = {}
        return (content if isinstance(content, dict) else {}) | self._fresh


def library_version() -> str:
    """Return the version of llama-cpp-python without importing it, or the empty string."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import, and only a load needs it

    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return ""


def _cpu() -> Iterator[str]:
    yield platform.machine()
    yield platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for field in ("model name", "flags", "Features"):
        yield next((line for line in lines if line.startswith(field)), "")


def _build() -> Iterator[str]:
    yield library_version()
    spec = find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(folder).joinpath("lib").iterdir()) if Path(folder, "lib").is_dir() else ():
            if any(suffix in file.suffixes for suffix in _LIBRARY_SUFFIXES):
                state = file.stat()
                yield f"{file.name} {state.st_size} {state.st_mtime_ns}"
