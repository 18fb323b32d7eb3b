"""Lorebook files of other programs into lorebooks. What a file is, is told by its content.

Every input is taken or refused with one FileError. Nothing is stored, fetched or compiled here: a key that is a
regular expression stays a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rpchat.errors import FileError
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.lorebooks.decorators import with_fields
from rpchat.exchange.lorebooks.dialects import AS_WORLD, dialect_of
from rpchat.exchange.lorebooks.fields import CODES, FIELDS, FILTER, SOURCES, Field
from rpchat.exchange.lorebooks.values import BOOK_LIMIT, ImportedLorebook
from rpchat.exchange.taking import MOST_ITEMS, Taker, told_lines
from rpchat.store.reading import load_json, shown
from rpchat.story.lorebook import CharacterFilter, Lorebook, LoreEntry

_LONGEST_ID = 16
_DEFAULTS = LoreEntry()


def read_lorebook(data: bytes, *, name: str) -> ImportedLorebook:
    """Return the lorebook in a JSON file with the content `data`.

    Raises FileError that calls the file `name`: too large, damaged, or no lorebook.
    """
    return lorebook_of(load_json(data, name=name, limit=BOOK_LIMIT), name=name)


def lorebook_of(value: object, *, name: str) -> ImportedLorebook:
    """Return the lorebook in plain data: a file's, or a card's `character_book`. Raises FileError naming `name`."""
    dialect = dialect_of(value)
    if dialect is None or not is_mapping(value):
        raise FileError(f"{shown(name)} holds no lorebook: a lorebook has entries")
    held: Mapping[str, object] = value
    if dialect == "V3":
        inner = value["data"]
        beside = {key: item for key, item in value.items() if key not in ("spec", "spec_version", "data")}
        held = {**beside, **inner} if is_mapping(inner) else beside
    elif dialect in AS_WORLD:
        held = AS_WORLD[dialect](value)
    book, notes = _book(held, name=name)
    return ImportedLorebook(book=book, dialect=dialect, notes=notes)


def _book(held: Mapping[str, object], *, name: str) -> tuple[Lorebook, tuple[str, ...]]:
    taker = Taker(held)
    entries, notes = _entries(taker.raw("entries"), name=name)
    book = Lorebook(
        name=taker.text("name"),
        description=taker.text("description"),
        scan_depth=taker.maybe_whole("scan_depth"),
        token_budget=taker.maybe_whole("token_budget"),
        recursive=taker.maybe_flag("recursive_scanning"),
        entries=entries,
        extensions=taker.mapping("extensions"),
        carried=taker.left(),
    )
    return book, told_lines((*taker.notes, *notes))


def _entries(held: object, *, name: str) -> tuple[tuple[LoreEntry, ...], tuple[str, ...]]:
    """Return the entries of a list, or of an object with their numbers for keys."""
    items = list(held.items()) if is_mapping(held) else [("", item) for item in held] if isinstance(held, list) else []
    if len(items) > MOST_ITEMS:
        raise FileError(f"{shown(name)} holds too many entries: at most {MOST_ITEMS:,} are read")
    entries, notes = [], []
    for at, (key, item) in enumerate(items, start=1):
        if not is_mapping(item):
            notes.append(f"Entry {at} was no entry and is left out")
            continue
        taker = Taker(item, what=f"Entry {at}")
        number = int(key) if key.isascii() and key.isdigit() and len(key) < _LONGEST_ID else None
        read = _embedded if "keys" in item and "key" not in item else _world
        entries.append(with_fields(read(taker, number)))
        notes += taker.notes
    if items and not entries:
        raise FileError(f"{shown(name)} holds no lorebook: nothing in its entries is one")
    return tuple(entries), tuple(notes)


def _world(taker: Taker, number: int | None) -> LoreEntry:
    """Return an entry in SillyTavern's words."""
    values = {field.ours: _value(taker, field, (field.world,)) for field in FIELDS}
    return _built(
        taker,
        values,
        id=_id(taker, number, "id", "uid"),
        enabled=not taker.flag("disable"),
        sources=tuple(source for source, (name, _) in SOURCES.items() if taker.flag(name)),
        character_filter=_filter(taker.mapping(FILTER[0])),
        extensions=taker.mapping("extensions"),
    )


def _embedded(taker: Taker, number: int | None) -> LoreEntry:
    """Return an entry in the words of a card's book, and of its `extensions`, which count where both say something."""
    inner = Taker(taker.mapping("extensions"))
    values: dict[str, Any] = {}
    for field in FIELDS:
        side = inner if field.inner and (not field.flat or inner.raw(field.inner) is not None) else taker
        values[field.ours] = _value(side, field, (field.inner if side is inner else field.flat,))
        if field.flat:
            taker.raw(field.flat)  # taken, whichever side it was read from
    before = taker.raw("position") in ("before_char", 0, "0")
    if inner.raw("position") is None:
        values["position"] = "before_card" if before else "after_card"
    entry = _built(
        taker,
        values,
        id=_id(taker, number, "id"),
        enabled=taker.flag("enabled", default=True),
        sources=tuple(source for source, (_, name) in SOURCES.items() if inner.flag(name)),
        character_filter=_filter(inner.mapping(FILTER[1])),
        extensions=inner.left(),
    )
    taker.notes += inner.notes
    return entry


def _built(taker: Taker, values: dict[str, Any], **rest: Any) -> LoreEntry:
    return LoreEntry(**values, content=taker.text("content"), **rest, carried=taker.left())


def _value(taker: Taker, field: Field, names: tuple[str, ...]) -> object:
    """Return a field as its kind reads it; where there is none, our default."""
    default = getattr(_DEFAULTS, field.ours)
    if not taker.has(names[0]):
        taker.raw(*names)
        return default
    match field.kind:
        case "text":
            return taker.text(*names)
        case "texts":
            return taker.texts(*names, commas=True)
        case "flag":
            return taker.flag(*names, default=default)
        case "maybe flag":
            return taker.maybe_flag(*names)
        case "number":
            return taker.number(*names, default=default)
        case "maybe number":
            return taker.maybe_number(*names)
        case "whole":
            return taker.whole(*names, default=default)
        case "maybe whole":
            return taker.maybe_whole(*names)
        case "rounds":
            return _rounds(taker, names)
        case "code":
            choices = CODES[field.ours]
            return choices[taker.whole(*names, default=choices.index(default), low=0, high=len(choices) - 1)]


def _rounds(taker: Taker, names: tuple[str, ...]) -> int:
    """A level, or true for the first one."""
    held = taker.raw(*names)
    return int(held) if isinstance(held, bool) else taker.whole(*names, default=0, low=0)


def _id(taker: Taker, number: int | None, *names: str) -> int | str | None:
    """What the entry is called by, in it or else by the key it stands under."""
    held = taker.raw(*names)
    if isinstance(held, str):
        return held
    return int(held) if isinstance(held, int | float) and not isinstance(held, bool) else number


def _filter(held: Mapping[str, object]) -> CharacterFilter | None:
    if not held:
        return None
    taker = Taker(held)
    return CharacterFilter(names=taker.texts("names"), tags=taker.texts("tags"), exclude=taker.flag("isExclude"))
