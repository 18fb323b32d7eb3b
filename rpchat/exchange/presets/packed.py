"""What a written preset file holds for us alone: the fields it cannot say in the others' words, under `rpchat`.

Only what reading the rest of the file would not give is packed. So a file that another program changed is taken as it
is now, but for those fields.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from rpchat.errors import FileError
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.presets.story_string import check_frame
from rpchat.exchange.presets.values import Values
from rpchat.store.parsing import parse
from rpchat.story.preset import Preset


def packed(preset: Preset, *, read: Preset) -> dict[str, object]:
    """Return the fields of `preset` that differ from those of `read`, as plain data."""
    return _differences(preset, read)


def unpacked(preset: Preset, held: Values) -> tuple[Preset, tuple[str, ...]]:
    """Return the preset with the packed fields, or as it is, with a note, if they are not what we write."""
    whole = _laid_over(_plain(preset), held)
    try:
        read = parse(Preset, whole, name="rpchat")
        check_frame(read.story)
    except FileError as error:
        return preset, (f"What the file holds for rpchat is left out: {error.message}",)
    return read, ()


def _differences(ours: object, theirs: object) -> dict[str, object]:
    assert is_dataclass(ours)
    found: dict[str, object] = {}
    for field in fields(ours):
        value, read = getattr(ours, field.name), getattr(theirs, field.name)
        if value == read:
            continue
        both = is_dataclass(value) and is_dataclass(read)
        found[field.name] = _differences(value, read) if both else _plain(value)
    return found


def _plain(value: object) -> object:
    """Return a value of ours as what JSON can hold; infinite numbers as text."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _laid_over(below: object, above: object) -> object:
    """Return plain data with other data laid over it, field by field. `logit_bias` is one field, whatever is in it."""
    if not (is_mapping(below) and is_mapping(above)):
        return above
    return dict(below) | {
        key: item if key == "logit_bias" else _laid_over(below.get(key), item) for key, item in above.items()
    }
