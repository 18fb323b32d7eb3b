"""What a file on a shelf cannot hold, kept beside it: `presets/carried/<id>.json` and the like."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rpchat.errors import StoreError
from rpchat.exchange.loose import is_mapping
from rpchat.store.files import write_atomically
from rpchat.store.reading import load_json, read_bytes

_LIMIT = 32 << 20


def write_beside(path: Path, carried: object) -> None:
    """Keep plain data beside the file at `path`. Raises StoreError."""
    beside = _beside(path)
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The folder {beside.parent} cannot be made: {error.strerror}") from error
    write_atomically(beside, json.dumps(carried, ensure_ascii=False, default=dict).encode())


def read_beside(path: Path) -> Mapping[Any, Any]:
    """Return what is kept beside the file at `path`; nothing if there is nothing. Raises FileError."""
    beside = _beside(path)
    if not beside.exists():
        return {}
    value = load_json(read_bytes(beside, limit=_LIMIT), name=beside.name, limit=_LIMIT)
    return value if is_mapping(value) else {}


def _beside(path: Path) -> Path:
    return path.parent / "carried" / f"{path.stem}.json"
