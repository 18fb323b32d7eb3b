"""JSON from a server, read with types: what is not there, or of another kind, is the default."""

from __future__ import annotations

import json
from collections.abc import Mapping

JsonObject = Mapping[str, object]


def parsed(data: bytes | str) -> object:
    """Return the value of a JSON text. Raises ValueError for every text that is none, however deep."""
    try:
        value: object = json.loads(data)
    except RecursionError:
        raise ValueError("too deep") from None
    return value


def whole(value: object, key: str, default: int = 0) -> int:
    """Return a whole number of an object."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def real(value: object, key: str, default: float = 0.0) -> float:
    """Return a number of an object."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else default


def string(value: object, key: str) -> str:
    """Return a string of an object, or the empty one."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def inner(value: object, key: str) -> JsonObject:
    """Return an object inside an object, or an empty one."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(value: object, key: str) -> list[object]:
    """Return a list inside an object, or an empty one."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def ids_in(value: object, key: str) -> list[int] | None:
    """Return a list of token ids inside an object; None if it is not there, or holds anything else."""
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(one, int) and not isinstance(one, bool) for one in found):
        return None
    return found


def told_error(value: object) -> str:
    """Return the message of an answer that tells an error, in any of the shapes servers use; empty if it tells none."""
    if not isinstance(value, Mapping):
        return ""
    for key in ("error", "detail", "message"):
        found = value.get(key)
        if isinstance(found, str):
            return found
        if isinstance(found, Mapping):
            return string(found, "message") or json.dumps(found)[:500]
        if isinstance(found, list) and found:
            return json.dumps(found)[:500]
    return ""
