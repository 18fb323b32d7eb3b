"""What passes between this program and its worker processes: one JSON array `[kind, fields]` a line.

Both sides use these functions and nothing else. Bytes travel as hex, paths as strings, sets as sorted lists; mappings
stay mappings, so no key of a stranger's metadata can be mistaken for a message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from rpchat.engine.port import Device, Inspection, ModelInfo, Request, Resources
from rpchat.engine.settings import EngineSettings, LoraFile
from rpchat.prompt.segment import Segment
from rpchat.story.preset import Sampling

Fields = dict[str, Any]
"""A message's content as JSON gives it. It is untyped only until one of the functions below has read it."""

LINE_LIMIT = 64 * 1024 * 1024
"""Longest line that is read, in bytes."""

_T = TypeVar("_T")


def pack(kind: str, **content: object) -> bytes:
    """Return the line of one message."""
    return json.dumps([kind, content], default=_plain, separators=(",", ":")).encode() + b"\n"


def unpack(line: bytes) -> tuple[str, Fields]:
    """Return kind and fields of a line that `pack` made."""
    kind, content = json.loads(line)
    return kind, content


def pack_piece(token: int, data: bytes) -> bytes:
    """Return the line of one generated token: what `pack` would make, at a third of the time."""
    return b'["piece",{"id":%d,"data":"%b"}]\n' % (token, data.hex().encode())


def pack_version_piece(version: int, token: int, data: bytes) -> bytes:
    """Return the line of one generated token of one of several versions."""
    return b'["version_piece",{"version":%d,"id":%d,"data":"%b"}]\n' % (version, token, data.hex().encode())


def settings_of(content: Fields) -> EngineSettings:
    """Return the settings in a message."""
    return _build(EngineSettings, content, lora=tuple(LoraFile(**lora) for lora in content["lora"]))


def segments_of(content: list[Fields]) -> tuple[Segment, ...]:
    """Return the segments in a message."""
    return tuple(Segment(**segment) for segment in content)


def request_of(content: Fields) -> Request:
    """Return the request in a message."""
    return _build(
        Request,
        content,
        segments=segments_of(content["segments"]),
        sampling=_build(Sampling, content["sampling"]),
    )


def model_of(content: Fields) -> ModelInfo:
    """Return the model in a message."""
    return _build(
        ModelInfo,
        content,
        path=Path(content["path"]),
        controls=frozenset(content["controls"]),
        devices=_devices_of(content["devices"]),
    )


def resources_of(content: Fields) -> Resources:
    """Return what there is to load a model with, as a message tells it."""
    return _build(Resources, content, devices=_devices_of(content["devices"]))


def inspection_of(content: Fields) -> Inspection:
    """Return the inspection in a message."""
    model = content["model"]
    return _build(
        Inspection,
        content,
        resources=resources_of(content["resources"]),
        devices=_devices_of(content["devices"]),
        model=None if model is None else model_of(model),
    )


def _devices_of(content: list[Fields]) -> tuple[Device, ...]:
    return tuple(Device(**device) for device in content)


def _build(kind: type[_T], content: Mapping[str, Any], **given: object) -> _T:
    """Make a `kind` of plain fields, lists become tuples; `given` are the fields that needed more."""
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
    return kind(**(plain | given))


def _plain(value: object) -> object:
    """Return what JSON can hold for a value it does not know."""
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
