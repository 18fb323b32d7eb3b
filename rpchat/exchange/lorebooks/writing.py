"""Lorebooks into other programs' words: SillyTavern's world info, and the book of the V2 and V3 specifications."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rpchat.exchange.loose import is_mapping
from rpchat.exchange.lorebooks.decorators import decorated
from rpchat.exchange.lorebooks.fields import CODES, FIELDS, FILTER, SOURCES, Field
from rpchat.exchange.lorebooks.values import BookVersion, LorebookTarget
from rpchat.exchange.values import Exported
from rpchat.story.lorebook import CharacterFilter, Lorebook, LoreEntry

_ORIGINAL = "originalData"


def write_lorebook(book: Lorebook, target: LorebookTarget) -> Exported:
    """Return the book as a JSON file. Reading it again gives the same book; an entry without an id gets one."""
    v3 = {"spec": "lorebook_v3", "data": character_book(book, "V3")}
    values = _world_book(book) if target == "sillytavern" else v3
    data = json.dumps(values, ensure_ascii=False, allow_nan=False, indent=2).encode()
    return Exported(data=data, report=_report(book, target))


def character_book(book: Lorebook, version: BookVersion) -> dict[str, object]:
    """Return the book as a card holds it, under `character_book`.

    What an entry that came through SillyTavern once was in a card is put under it again, so nothing of that is lost.
    """
    original = book.carried.get(_ORIGINAL)
    original = original if is_mapping(original) else {}
    before = original.get("entries")
    items = _by_id(before if isinstance(before, list) else [])
    told = {key: value for key, value in book.carried.items() if key != _ORIGINAL}
    return {
        **{key: value for key, value in original.items() if key != "entries"},
        **told,
        **_told_of(book),
        "extensions": dict(book.extensions),
        "entries": [_embedded(entry, version, items.get(entry.id)) for entry in book.entries],
    }


def _by_id(entries: list[object]) -> dict[int | str | None, Mapping[str, object]]:
    found: dict[int | str | None, Mapping[str, object]] = {}
    for entry in entries:
        number = entry.get("id") if is_mapping(entry) else None
        if is_mapping(entry) and isinstance(number, int | str):
            found[number] = entry
    return found


def _told_of(book: Lorebook) -> dict[str, object]:
    told: dict[str, object] = {
        "name": book.name or None,
        "description": book.description or None,
        "scan_depth": book.scan_depth,
        "token_budget": book.token_budget,
        "recursive_scanning": book.recursive,
    }
    return {key: value for key, value in told.items() if value is not None}


def _world_book(book: Lorebook) -> dict[str, object]:
    extensions = {"extensions": dict(book.extensions)} if book.extensions else {}
    numbers = _numbers(book.entries)
    entries = {str(uid): _world(entry, uid) for uid, entry in zip(numbers, book.entries, strict=True)}
    return {**book.carried, **_told_of(book), **extensions, "entries": entries}


def _numbers(entries: tuple[LoreEntry, ...]) -> list[int]:
    """Return a number for each entry: its own where it has one of its own, else the lowest free one."""
    numbers: list[int] = []
    own = {entry.id for entry in entries if isinstance(entry.id, int)}
    taken: set[int] = set()
    free = 0
    for entry in entries:
        number = entry.id if isinstance(entry.id, int) and entry.id not in taken else None
        while number is None:
            number, free = (free if free not in own | taken else None), free + 1
        taken.add(number)
        numbers.append(number)
    return numbers


def _world(entry: LoreEntry, uid: int) -> dict[str, object]:
    told: dict[str, object] = {**entry.carried, "uid": uid}
    if isinstance(entry.id, str):
        told["id"] = entry.id
    told |= {field.world: _value(entry, field) for field in FIELDS if _is_told(entry, field)}
    told |= {names[0]: source in entry.sources for source, names in SOURCES.items()}
    told |= {"content": decorated(entry, told=False), "disable": not entry.enabled}
    if entry.character_filter is not None:
        told[FILTER[0]] = _filter(entry.character_filter)
    return {**told, **({"extensions": dict(entry.extensions)} if entry.extensions else {})}


def _embedded(entry: LoreEntry, version: BookVersion, before: Mapping[str, object] | None) -> dict[str, object]:
    inner = before.get("extensions") if before else None
    extensions = {**inner} if is_mapping(inner) else {}
    extensions |= entry.extensions
    extensions |= {field.inner: _value(entry, field) for field in FIELDS if field.inner}
    extensions |= {names[1]: source in entry.sources for source, names in SOURCES.items()}
    if entry.character_filter is not None:
        extensions[FILTER[1]] = _filter(entry.character_filter)
    told: dict[str, object] = {**(before or {}), **entry.carried}
    told |= {} if entry.id is None else {"id": entry.id}
    told |= {field.flat: _value(entry, field) for field in FIELDS if field.flat and _is_told(entry, field)}
    return told | {
        "content": decorated(entry, told=version == "V3"),
        "enabled": entry.enabled,
        "position": "before_char" if entry.position == "before_card" else "after_char",
        "extensions": extensions,
    }


def _is_told(entry: LoreEntry, field: Field) -> bool:
    """Whether a field is written where nobody misses it."""
    value = getattr(entry, field.ours)
    return field.ours not in ("name", "priority", "case_sensitive", "use_regex") or value not in (None, "")


def _value(entry: LoreEntry, field: Field) -> Any:
    value = getattr(entry, field.ours)
    if field.kind == "code":
        return CODES[field.ours].index(value)
    if field.kind == "rounds":
        return value if value > 1 else bool(value)
    return list(value) if field.kind == "texts" else value


def _filter(told: CharacterFilter) -> dict[str, object]:
    return {"isExclude": told.exclude, "names": list(told.names), "tags": list(told.tags)}


def _report(book: Lorebook, target: LorebookTarget) -> tuple[str, ...]:
    if target == "v3":
        filtered = sum(entry.character_filter is not None for entry in book.entries)
        line = f"V3 has no filter by characters: only rpchat reads back those of {filtered} entries"
        return (line,) if filtered else ()
    lines = [f"SillyTavern has no `{name}` of a book: only rpchat reads it back" for name in _told_of(book)]
    kept = sum(bool(entry.decorators) for entry in book.entries)
    if kept:
        lines.append(f"SillyTavern knows few decorators: those of {kept} entries stand in the content as they were")
    return tuple(lines)
