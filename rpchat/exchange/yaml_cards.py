"""Cards of ours as YAML: the fields by their names, without those that say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields

from rpchat.errors import FileError
from rpchat.store.parsing import parse
from rpchat.story.card import Card
from rpchat.story.persona import Persona

_NAMES = frozenset(field.name for field in fields(Card))
_PERSONA = frozenset(field.name for field in fields(Persona))


def is_own(file: Mapping[str, object]) -> bool:
    """Whether every field is one of ours."""
    return "name" in file and file.keys() <= _NAMES


def read_own(file: Mapping[str, object], *, name: str) -> Card:
    """Return the card; strict, as people write these by hand. Raises FileError that names file and field."""
    return parse(Card, file, name=name)


def write_own(card: Card, *, name: str) -> bytes:
    """Return the card as a YAML file. Raises FileError naming `name` if YAML of ours cannot hold it exactly."""
    # ruamel.yaml takes longer to import than the home screen to open.
    from rpchat.store.yaml_writer import fresh

    try:
        return fresh(_values(card), name=name)
    except FileError as error:
        raise FileError(f"{name} cannot be written as YAML: {error.message}", "Write it as JSON or PNG") from error


def _values(card: Card) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in fields(card):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        value = getattr(card, field.name)
        if value != default:
            values[field.name] = _listed(value)
    if values.keys() <= _PERSONA:
        values["first_message"] = ""  # else it would be taken for a persona
    return values


def _listed(value: object) -> object:
    """Return `value` with lists for tuples, all the way down."""
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value
