"""SillyTavern's backup of personas into personas, and back. The pictures are not in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rpchat.errors import FileError
from rpchat.exchange.loose import is_mapping, text_of
from rpchat.exchange.sheets import with_sheet
from rpchat.exchange.taking import MOST_ITEMS, Taker, told_lines
from rpchat.exchange.values import Exported
from rpchat.store.reading import load_json, shown
from rpchat.story.persona import Persona
from rpchat.story.text import one_line

_IN_PROMPT = 0
_NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "position": (_IN_PROMPT,), "depth": (), "role": (), "lorebook": ("",), "connections": ([],), "title": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPersonas:
    """A backup as it was understood. Nothing has been stored yet."""

    personas: tuple[Persona, ...]
    default: int | None = None
    """The place among them of the one that is played where none is chosen."""
    carried: tuple[Mapping[str, object], ...] = ()
    """For each, the fields that a persona of ours has no place for, as they came."""
    pictures: tuple[str, ...] = ()
    """For each, the name its picture has with them."""
    notes: tuple[str, ...] = ()


def is_personas(value: object) -> bool:
    """Whether plain data is a backup of personas."""
    return is_mapping(value) and is_mapping(value.get("personas")) and is_mapping(value.get("persona_descriptions", {}))


def read_personas(data: bytes, *, name: str) -> ImportedPersonas:
    """Return the personas in a backup. Raises FileError that calls the file `name`."""
    value = load_json(data, name=name)
    held = value.get("personas") if is_mapping(value) else None
    if not is_mapping(value) or not is_mapping(held) or not is_personas(value):
        raise FileError(f"{shown(name)} holds no personas: a backup has `personas` and `persona_descriptions`")
    if len(held) > MOST_ITEMS:
        raise FileError(f"{shown(name)} holds too many personas: at most {MOST_ITEMS:,} are read")
    described = value.get("persona_descriptions")
    personas, carried, pictures, notes = [], [], [], []
    for picture, called in held.items():
        told = described.get(picture) if is_mapping(described) else None
        persona, taker = _persona(text_of(called) or "", told, picture)
        personas.append(persona)
        pictures.append(picture)
        carried.append(taker.left())
        notes += [*taker.notes, *taker.missed(_NEUTRAL)]
    if held and not any(persona.name.strip() for persona in personas):
        raise FileError(f"{shown(name)} holds no personas with a name")
    default = value.get("default_persona")
    return ImportedPersonas(
        personas=tuple(personas),
        default=pictures.index(default) if isinstance(default, str) and default in pictures else None,
        carried=tuple(carried),
        notes=told_lines(notes),
        pictures=tuple(pictures),
    )


def write_personas(personas: Sequence[Persona], *, default: int | None = None) -> Exported:
    """Return the personas as a backup; each under a picture's name that is nobody else's."""
    pictures = [f"persona-{at}.png" for at in range(1, len(personas) + 1)]
    told = dict(zip(pictures, personas, strict=True))
    values = {
        "personas": {picture: persona.name for picture, persona in told.items()},
        "persona_descriptions": {
            picture: {"description": with_sheet(persona.description, sheet=persona.sheet), "position": _IN_PROMPT}
            for picture, persona in told.items()
        },
        "default_persona": pictures[default] if default is not None else None,
    }
    report = [
        f"{one_line(persona.name, 40)}: the sheet is written into the description as text"
        for persona in personas
        if persona.sheet
    ]
    report += [
        f"{one_line(persona.name, 40)}: a backup has no field for `{field_name}`"
        for persona in personas
        for field_name in ("language", "summary")
        if getattr(persona, field_name)
    ]
    return Exported(data=json.dumps(values, ensure_ascii=False, indent=2).encode(), report=tuple(report))


def _persona(called: str, told: object, picture: str) -> tuple[Persona, Taker]:
    what = one_line(called, 40)
    taker = Taker(told if is_mapping(told) else {}, what=what or "a persona")
    if not what:
        taker.note(f"{one_line(picture, 40)} has no name and is called Unnamed")
    description = text_of(told) if isinstance(told, str) else taker.text("description")
    return Persona(name=what or "Unnamed", summary=one_line(taker.text("title")), description=description or ""), taker
