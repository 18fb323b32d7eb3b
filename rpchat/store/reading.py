"""The only place that reads files from outside: with limits, and with one FileError for whatever is wrong.

Every input is accepted or refused within two seconds and 300 MB, whoever wrote it.
"""

from __future__ import annotations

import json
import math
import re
import stat
from collections.abc import Callable
from pathlib import Path

from rpchat.errors import FileError
from rpchat.story.text import clean, one_line

YAML_LIMIT = 1 << 20
"""Bytes of the largest YAML file."""
JSON_LIMIT = 8 << 20
"""Bytes of the largest JSON file, unless the caller says otherwise."""

_JSON_DEPTH = 100
_JSON_VALUES = 500_000
_NUMBER_LENGTH = 400
_SURROGATE = re.compile("[\ud800-\udfff]")
# Escapes that stand for what `clean` takes out or changes; half of a surrogate pair cannot be told from a whole one.
_UNCLEAN_ESCAPE = re.compile(
    r"\\(?:[rbf]|u(?:00(?:[01]|7f|[89])|061c|20(?:0[ef]|2[89a-e]|6[6-9])|f(?:ff|eff)|d[89a-f]))", re.IGNORECASE
)


def shown(name: str) -> str:
    """Return a file name fit for a message: one short line, nothing a terminal obeys."""
    return one_line(name, 60)


def read_bytes(path: Path, *, limit: int) -> bytes:
    """Return the content of the file at `path`.

    Raises FileError if it is missing, no regular file, unreadable, or larger than `limit` bytes.
    """
    name = shown(path.name or str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise FileError(f"{name} is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"{name} is not a regular file")
        if status.st_size > limit:
            raise FileError(f"{name} is too large: {_size(status.st_size)}, at most {_size(limit)} is read")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise FileError(f"{name} does not exist") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"{name} cannot be read: {shown(reason)}") from error
    if len(data) > limit:
        raise FileError(f"{name} is too large: at most {_size(limit)} is read")
    return data


def decode(data: bytes, *, name: str) -> str:
    """Return UTF-8 `data` as text, without a byte order mark. Raises FileError."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(f"{shown(name)} is UTF-16 text", "Save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(f"{shown(name)}, line {line}: this is not UTF-8 text", "Save it as UTF-8") from error


def load_yaml(data: bytes, *, name: str) -> object:
    """Return the one YAML 1.2 document in `data` as plain data; None if there is nothing in it.

    Keys are texts, as written; numbers are `WrittenInt` and `WrittenFloat`; every text has passed `clean()`.
    Raises FileError naming `name`: more than 1 MiB, 50 levels, 20,000 values counted after aliases and merges;
    tags, a key twice, anything that is not YAML.
    """
    if len(data) > YAML_LIMIT:
        raise FileError(f"{shown(name)} is too large: at most {_size(YAML_LIMIT)} of YAML is read")
    # ruamel.yaml takes longer to import than the home screen to open.
    from rpchat.store.yaml_reader import read_yaml

    return read_yaml(decode(data, name=name), name=shown(name))


def load_json(data: bytes, *, name: str, limit: int = JSON_LIMIT, cleaned: bool = True) -> object:
    """Return the JSON value in `data`; with `cleaned`, every text and key has passed `clean()`.

    Raises FileError naming `name`: more than `limit` bytes, 100 levels, half a million values or a number of 400
    digits; NaN and infinities, a key twice, lone surrogates (unless cleaned away), an empty file, no JSON.
    """
    shown_name = shown(name)
    if len(data) > limit:
        raise FileError(f"{shown_name} is too large: {_size(len(data))}, at most {_size(limit)} is read")
    text = decode(data, name=name)
    if not text.strip():
        raise FileError(f"{shown_name} is empty")
    # Each value but the first stands behind one of these, so the count is known before memory is spent on it.
    if sum(text.count(mark) for mark in ",[{") > _JSON_VALUES:
        raise FileError(f"{shown_name} holds too many values")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise FileError(f"{shown_name}, line {error.lineno}: this is not JSON ({error.msg})") from error
    except _RefusedError as error:
        raise FileError(f"{shown_name}: {error}") from error
    except RecursionError as error:
        raise FileError(f"{shown_name} is nested too deeply") from error
    if cleaned and _is_clean(text):
        return value
    try:
        return _checked(value, _cleaned if cleaned else _whole_text, 0)
    except _RefusedError as error:
        raise FileError(f"{shown_name}: {error}") from error


def _is_clean(text: str) -> bool:
    """Whether it is certain without a look at each value that nothing in a JSON text is too deep or to be cleaned."""
    shallow = text.count("[") + text.count("{") <= _JSON_DEPTH
    # Everything that is taken out is unprintable, and looking for that is quick.
    return shallow and _UNCLEAN_ESCAPE.search(text) is None and (text.isprintable() or clean(text) == text)


class _RefusedError(Exception):
    """Why a JSON text is refused; becomes a FileError with the file's name."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RefusedError(f"the key `{one_line(key, 40)}` stands there twice")
            seen.add(key)
    return mapping


def _whole(digits: str) -> int:
    if len(digits) > _NUMBER_LENGTH:
        raise _RefusedError("a number is too long")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits) if len(digits) <= _NUMBER_LENGTH else math.inf
    if math.isinf(number):
        raise _RefusedError("a number is too large")
    return number


def _no_constant(constant: str) -> object:
    raise _RefusedError(f"{constant} is not a JSON number")


# Made once: a chat is read line by line.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_whole, parse_float=_finite, parse_constant=_no_constant
)


def _cleaned(text: str) -> str:
    return clean(text)


def _whole_text(text: str) -> str:
    if _SURROGATE.search(text):
        raise _RefusedError("a text holds half of a surrogate pair")
    return text


def _checked(value: object, check: Callable[[str], str], depth: int) -> object:
    """Return `value` with `check` applied to every text and key."""
    if depth > _JSON_DEPTH:
        raise _RefusedError(f"it is nested more than {_JSON_DEPTH} levels deep")
    if isinstance(value, str):
        return check(value)
    if isinstance(value, list):
        return [_checked(item, check, depth + 1) for item in value]
    if isinstance(value, dict):
        return _unique([(check(key), _checked(item, check, depth + 1)) for key, item in value.items()])
    return value


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MB" if count >= 1 << 20 else f"{count / 1024:.1f} kB"
