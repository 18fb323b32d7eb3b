"""The model a worker is to hold: its file, what was asked for, and how it is made to fit into memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rpchat.engine.fit import Fit, fit, gpus, step_down
from rpchat.engine.fit_words import gigabytes
from rpchat.engine.gguf import Header, read_header
from rpchat.engine.lora import check_lora
from rpchat.engine.machine import Machine
from rpchat.engine.port import Resources
from rpchat.engine.settings import EngineSettings
from rpchat.engine.shape import ModelShape, parts_of, shape_of
from rpchat.errors import ModelError
from rpchat.story.text import one_line


@dataclass(frozen=True, slots=True)
class Target:
    """The model a worker is to hold."""

    header: Header
    settings: EngineSettings
    """What was asked for."""
    controls: tuple[str, ...]
    shape: ModelShape

    @property
    def name(self) -> str:
        """Return what the model is called in errors."""
        return one_line(self.header.path.name)


def read_target(path: Path, settings: EngineSettings, controls: Iterable[str]) -> Target:
    """Read the headers of a model's files and of its adapters. Raises ModelError for what cannot be loaded."""
    headers = [read_header(path)]
    headers += [read_header(part) for part in parts_of(path)[1:]]
    for file in settings.lora:
        check_lora(Path(file.path).expanduser(), headers)
    return Target(headers[0], settings, tuple(controls), shape_of(headers))


class Fitting:
    """Makes one target fit. How often memory ran out with it here is remembered, and the next load begins there."""

    def __init__(self, target: Target, machine: Machine) -> None:
        self._target = target
        self._machine = machine
        self._model = f"{target.header.path.name}:{target.shape.weights}"
        self._wishes = hashlib.sha256(json.dumps(asdict(target.settings)).encode()).hexdigest()[:16]
        self._resources = Resources()
        self._steps: int | None = None
        self._changed = False
        self._fit: Fit | None = None

    def fit(self, resources: Resources) -> Fit:
        """Return how to load it with what there is now."""
        self._resources = resources
        if self._steps is None:
            self._steps = self._machine.steps(self._model, wishes=self._wishes, free=_free(resources))
        self._fit = fit(self._target.shape, resources, self._target.settings, steps=self._steps)
        return self._fit

    def possible(self, resources: Resources) -> Fit:
        """Return the same; raises ModelError where memory cannot hold what must stay in it."""
        found = self.fit(resources)
        if not found.possible:
            raise ModelError(
                f"{self._target.name} takes {gigabytes(found.needs.host)} of memory, {gigabytes(found.free)} are free",
                "Choose a smaller model, or close other programs.",
            )
        return found

    def step(self) -> str | None:
        """Ask for less from now on, because memory ran out; return what is given up, None if nothing is left."""
        if self._fit is None or self._steps is None:
            return None
        down = step_down(self._target.shape, self._fit.settings, devices=gpus(self._resources))
        if down is None:
            return None
        self._steps += 1
        self._changed = True
        return down[1]

    def remember(self) -> None:
        """Keep how many steps it took, if any were taken since the last time."""
        if self._changed and self._steps is not None:
            free = _free(self._resources)
            self._machine.remember_steps(self._model, wishes=self._wishes, free=free, steps=self._steps)
            self._changed = False


def _free(resources: Resources) -> int:
    return resources.free + sum(device.free for device in gpus(resources))
