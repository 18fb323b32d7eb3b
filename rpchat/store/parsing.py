"""Plain data into cards, personas, presets and the config; what does not fit is said in the words of the file.

The borders of the program: behind `parse` a value has the shape its class says, and nobody checks again.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from rpchat.errors import FileError
from rpchat.store.scalars import as_text, plain
from rpchat.story.text import one_line

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

T = TypeVar("T")


def parse(kind: type[T], data: object, *, name: str) -> T:
    """Return `data` (mappings, lists, scalars) as a value of the dataclass `kind`.

    Numbers become text where a text is expected, and a field left empty has its default. Raises FileError that
    names the file `name`, the field, and for an unknown field the nearest one that exists.
    """
    if data is None:
        raise FileError(f"{name} is empty")
    if not isinstance(data, Mapping):
        raise FileError(f"{name} must consist of lines `field: value`, not of {_noun(data)}")
    # pydantic takes longer to import than the home screen to open.
    from pydantic import ValidationError

    shape: Any = kind  # mypy holds a class's own hash against the cache
    try:
        value: T = _adapter(shape).validate_python(_fitted(shape, data))
    except ValidationError as error:
        raise _refusal(kind, error.errors(include_url=False), name) from error
    return value


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # see parse()

    return TypeAdapter(kind)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _bare(kind: Any) -> Any:
    """Return a type without its annotations."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _arms(kind: Any) -> tuple[Any, ...]:
    """Return the alternatives of a union, or the type alone."""
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _fitted(kind: Any, value: object) -> object:
    """Return `value` with scalars made text where `kind` wants text, and without what was left empty."""
    arms = [_bare(arm) for arm in _arms(_bare(kind))]
    if isinstance(value, Mapping):
        for arm in arms:
            if is_dataclass(arm):
                return _fitted_fields(arm, value)
            if get_origin(arm) is Mapping or get_origin(arm) is dict:
                item = get_args(arm)[1]
                return {key: _fitted(item, entry) for key, entry in value.items()}
    elif isinstance(value, list):
        for arm in arms:
            if get_origin(arm) is tuple:
                item = get_args(arm)[0]
                return [_fitted(item, entry) for entry in value]
    elif str in arms:
        return as_text(value)
    return plain(value)


def _fitted_fields(kind: Any, value: Mapping[str, object]) -> dict[str, object]:
    hints = _hints(kind)
    optional = {field.name for field in fields(kind) if _has_default(field)}
    return {
        key: _fitted(hints[key], entry) if key in hints else plain(entry)
        for key, entry in value.items()
        if entry is not None or key not in optional
    }


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _refusal(kind: type, errors: list[ErrorDetails], name: str) -> FileError:
    """Return the error for the first thing to mend; a misspelt field comes before the one that misses it."""
    unknown = [error for error in errors if error["type"] in ("unexpected_keyword_argument", "extra_forbidden")]
    error = (unknown or errors)[0]
    # A union reports one error for each of its arms, under the arm's name.
    where = [part for part in error["loc"] if not (isinstance(part, str) and _is_arm(part))]
    field = one_line(".".join(str(part + 1) if isinstance(part, int) else part for part in where), 60)
    if unknown:
        known = _known(kind, where[:-1])
        near = get_close_matches(str(where[-1]), known, n=1, cutoff=0.5)
        hint = f"Did you mean `{near[0]}`?" if near else f"The fields are: {', '.join(known)}"
        return FileError(f"{name}: unknown field `{field}`", hint)
    return FileError(f"{name}: `{field}` {_complaint(error)}")


def _is_arm(part: str) -> bool:
    return part in ("str", "int", "float", "bool", "[key]") or part.startswith(("tuple[", "function-"))


def _known(kind: Any, where: list[int | str]) -> list[str]:
    """Return the fields of the dataclass that lies at `where` inside `kind`."""
    for part in where:
        hints = _hints(kind)
        arms = [_bare(arm) for arm in _arms(_bare(hints.get(str(part))))]
        inner = [arm for arm in arms if is_dataclass(arm)]
        if not inner:
            return []
        kind = inner[0]
    return [field.name for field in fields(kind)]


def _complaint(error: ErrorDetails) -> str:
    """Return what is wrong with one field, as the end of a sentence that begins with its name."""
    context, value = error.get("ctx", {}), error["input"]
    match error["type"]:
        case "missing":
            return "is missing"
        case "string_too_short":
            return "is empty"
        case "string_type":
            return f"must be a text, not {_noun(value)}"
        case "tuple_type" | "list_type":
            return f"must be a list (`- …` lines), not {_noun(value)}"
        case "mapping_type" | "dict_type" | "dataclass_type":
            return f"must consist of lines `name: value`, not of {_noun(value)}"
        case "bool_type" | "bool_parsing":
            return f"must be true or false, not {_noun(value)}"
        case "int_type" | "int_parsing" | "int_from_float":
            return f"must be a whole number, not {_noun(value)}"
        case "float_type" | "float_parsing":
            return f"must be a number, not {_noun(value)}"
        case "literal_error":
            return f"must be {context.get('expected')}, not {_noun(value)}"
        case "greater_than_equal":
            return f"must be at least {context.get('ge'):g}, not {_noun(value)}"
        case "greater_than":
            return f"must be more than {context.get('gt'):g}, not {_noun(value)}"
        case "less_than_equal":
            return f"must be at most {context.get('le'):g}, not {_noun(value)}"
        case _:
            return f"does not fit: {one_line(error['msg'])}"


def _noun(value: object) -> str:
    """Return what a value is, for a sentence."""
    match value:
        case None:
            return "nothing"
        case str():
            return f"`{one_line(value, 30)}`" if value else "an empty text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "`name: value` lines"
        case _:
            return f"`{one_line(str(value), 30)}`"
