"""The user's settings: one YAML file, read at the start, changed one setting at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le

from rpchat.engine.contradictions import contradiction
from rpchat.engine.remote.settings import ServerSettings
from rpchat.engine.settings import EngineSettings
from rpchat.errors import FileError
from rpchat.store.files import write_atomically
from rpchat.store.parsing import parse
from rpchat.store.reading import YAML_LIMIT, load_yaml, read_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the user has set. Empty means: decided when it is needed."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    model: str = ""
    """A model by name or path."""
    models_folder: str = ""
    """Where GGUF files are looked for; empty is the home's own folder."""
    preset: str = ""
    """The preset of every model that has none in `presets`; empty takes the one that fits."""
    presets: Mapping[str, str] = field(default_factory=dict)
    """Model file name to the preset that was chosen for it."""
    persona: str = ""
    theme: str = ""
    enter_sends: bool = True
    """Whether Enter sends; otherwise it breaks the line."""
    read_ahead: bool = True
    """Whether the next prompt is read while nobody waits; without it, a laptop's battery lasts longer."""
    kv_disk_mb: Annotated[int, Ge(0)] = 2000
    """Megabytes of disk for what models have read of your scenes, so that it need not be read again when a scene is
    opened; what was not used for longest goes first. 0 keeps nothing."""
    ready_swipes: Annotated[int, Ge(0), Le(3)] = 0
    """So many more versions of the last reply are written while nobody waits, for the next swipes to show at once."""
    pictures: Literal["auto", "kitty", "sixel", "cells", "off"] = "auto"
    """How the library draws pictures: as the terminal can, in one of the ways, or not at all."""
    engine: EngineSettings = field(default_factory=EngineSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    """A server to play on instead of this machine."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Action id to the key that does it instead of its own."""


def load_config(path: Path) -> Config:
    """Return the settings in the file at `path`, the defaults if there is none. Raises FileError."""
    return _parsed(_source(path), path)


def change_config(path: Path, key: str, value: object) -> Config:
    """Set one setting in the file at `path`, everything else in it left as it stands, and return them all.

    `key` is a field (`theme`), or a field of `engine` or `server`, an action of `keys` or a model file of `presets`
    behind the first dot (`engine.n_ctx`). Raises FileError, and changes nothing, if the file is broken or the value
    does not fit; StoreError if it cannot be written.
    """
    source = _source(path)
    _parsed(source, path)
    current = load_yaml(source, name=path.name)
    wanted = dict(current) if isinstance(current, dict) else {}
    name, _, inner = key.partition(".")
    if inner:
        before = wanted.get(name)
        wanted[name] = {**(before if isinstance(before, dict) else {}), inner: value}
    else:
        wanted[name] = value
    config = _consistent(parse(Config, wanted, name=path.name), path)
    # ruamel.yaml takes longer to import than the home screen to open.
    from rpchat.store.yaml_writer import edited

    write_atomically(path, edited(source, wanted, name=path.name))
    return config


def _source(path: Path) -> bytes:
    return read_bytes(path, limit=YAML_LIMIT) if path.exists() else b""


def _parsed(source: bytes, path: Path) -> Config:
    data = load_yaml(source, name=path.name) if source.strip() else None
    if data is not None and not isinstance(data, dict):
        raise FileError(f"{path.name} must consist of lines `setting: value`")
    return _consistent(parse(Config, data, name=path.name), path) if data else Config()


def _consistent(config: Config, path: Path) -> Config:
    """Return the settings; FileError if some of the engine's cannot be together."""
    wrong = contradiction(config.engine)
    if wrong:
        raise FileError(f"{path.name}: engine: {wrong}")
    return config
