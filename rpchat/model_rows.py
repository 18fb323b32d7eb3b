"""Every model on this machine as lists show it: its file, the preset it would get and why, and whether it fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from rpchat.choices import Choices
from rpchat.engine.fit import Fit, fit
from rpchat.engine.port import Engine, Inspection, ModelInfo, Resources
from rpchat.engine.settings import EngineSettings
from rpchat.errors import ModelError
from rpchat.prompt.detect import Detection, detect, telling_tokens
from rpchat.store.folders import Folders
from rpchat.store.model_list import ModelEntry, ModelList
from rpchat.store.model_places import ModelPlace, model_places
from rpchat.store.models import find_demo
from rpchat.store.shelf import Shelf
from rpchat.story.preset import Preset
from rpchat.story.text import fold

DEMO = "demo"
_WORTHWHILE = 4 << 30
"""Bytes of a GPU that holds a small model whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model. Without a `detection` it cannot be played with, and `entry.error` says why."""

    entry: ModelEntry
    detection: Detection | None = None
    chosen_preset: str = ""
    """The preset the user chose for this file; empty: the one that was detected."""
    fit: Fit | None = None
    """None while it is not known what this machine has."""
    played: bool = False
    """Whether a new scene would be played with it."""

    @property
    def path(self) -> Path:
        """Its file, or the first of several."""
        return self.entry.file.path

    @property
    def place(self) -> str:
        """Whose folder it lies in."""
        return self.entry.file.place

    @property
    def preset(self) -> str:
        """The preset it is played with; empty if it cannot be."""
        return self.chosen_preset or (self.detection.preset if self.detection is not None else "")

    @property
    def searched(self) -> str:
        """What a search looks through."""
        told = self.entry.told
        more = (told.title, told.architecture) if told is not None else ()
        return fold(" ".join([self.entry.name, self.entry.quantisation, self.place, self.preset, *more]))


class ModelRows:
    """Reads the rows. Blocking: for a thread, or a command."""

    def __init__(self, choices: Choices, presets: Shelf[Preset], folders: Folders, *, read_only: bool = False) -> None:
        self._choices = choices
        self._presets = presets
        self._folders = folders
        self._read_only = read_only

    def rows(self, resources: Resources | None = None) -> Iterator[ModelRow]:
        """Yield every model, our own folder's first; with `resources`, told whether it fits."""
        presets = [value for entry in self._presets.entries() if (value := entry.load().value) is not None]
        listed = ModelList(
            self._places(),
            self._folders.home / "models.json",
            tokens=telling_tokens(presets),
            read_only=self._read_only,
        )
        played = self._played()
        for entry in listed.entries():
            row = ModelRow(entry=entry, played=entry.file.path in played or entry.file.path.resolve() in played)
            if entry.told is None or entry.error:
                yield row
                continue
            row = replace(
                row,
                detection=detect(entry.told.facts, presets),
                chosen_preset=self._choices.config.presets.get(entry.file.path.name, ""),
            )
            yield row if resources is None else fitted(row, resources, self._choices.config.engine)

    def _places(self) -> list[ModelPlace]:
        demo = find_demo()
        places = model_places(self._choices.models_folder)
        return places if demo is None else [*places, ModelPlace(DEMO, demo.parent)]

    def _played(self) -> frozenset[Path]:
        try:
            choice = self._choices.model()
        except ModelError:
            # What is wrong with the model that was asked for is said where it is loaded.
            return frozenset()
        return frozenset() if choice is None else frozenset({choice.path, choice.path.resolve()})


def fitted(row: ModelRow, resources: Resources, wishes: EngineSettings) -> ModelRow:
    """Return the row, told whether the model fits."""
    told = row.entry.told
    return row if told is None or row.entry.error else replace(row, fit=fit(told.shape, resources, wishes))


def memory_for_models(resources: Resources | None) -> int:
    """Return the bytes a model is best kept within: those of the largest GPU, unless it is too small for any that is
    worth it, else the host's; 0 where that is not known."""
    if resources is None:
        return 0
    largest = max((device.free for device in resources.devices if device.kind == "gpu"), default=0)
    return largest if largest >= _WORTHWHILE else resources.free


@runtime_checkable
class Inspectable(Protocol):
    """An engine that can tell what this machine has; one that asks a server cannot."""

    async def inspect(self, path: Path | None = None, *, controls: Iterable[str] = ()) -> Inspection:
        """Return what can be told of library and devices."""
        ...


async def resources_of(engine: Engine) -> Resources | None:
    """Return what a model can have here, what the loaded one has included; None where that cannot be told.

    Raises RpchatError if llama.cpp cannot be started.
    """
    if not isinstance(engine, Inspectable):
        return None
    resources = (await engine.inspect(None)).resources
    return resources if engine.model is None else _without(resources, engine.model)


def _without(resources: Resources, loaded: ModelInfo) -> Resources:
    """Return the resources as they are when the loaded model has gone, which makes room for another one.

    Its weights in the host's memory are a mapped file, and count as free anyway.
    """
    if not loaded.offloaded:
        return resources
    taken = [max(0, device.total - device.free) for device in resources.devices]
    every = max(1, sum(taken))
    devices = tuple(
        replace(device, free=min(device.total, device.free + loaded.size * used // every))
        for device, used in zip(resources.devices, taken, strict=True)
    )
    return replace(resources, devices=devices)
