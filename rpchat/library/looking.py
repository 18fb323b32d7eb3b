"""What is in a file, fully read and ready for the home: taking in goes on from here, `rpchat check` ends here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from rpchat.errors import FileError
from rpchat.exchange.card_reading import kind_of, read_card
from rpchat.exchange.chats import ImportedChat, read_chat
from rpchat.exchange.extras import (
    ImportedGroup,
    ImportedPersonas,
    ImportedQuickReplies,
    ImportedScripts,
    read_group,
    read_personas,
    read_quick_replies,
    read_scripts,
)
from rpchat.exchange.kinds import Kind
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.lorebooks import ImportedLorebook, read_lorebook
from rpchat.exchange.presets import ImportedPreset, build_preset, merged, read_parts
from rpchat.exchange.recognise import recognise
from rpchat.exchange.values import CARD_LIMIT
from rpchat.library.ready import ReadyCard, ready_card
from rpchat.store.parsing import parse
from rpchat.store.reading import load_json, load_yaml, read_bytes, shown
from rpchat.story.persona import Persona
from rpchat.story.plan import ScenePlan
from rpchat.story.preset import Preset
from rpchat.story.text import one_line

Content = (
    ReadyCard
    | ImportedChat
    | ImportedPreset
    | ImportedLorebook
    | ImportedPersonas
    | ImportedGroup
    | ImportedScripts
    | ImportedQuickReplies
    | Persona
    | Preset
    | ScenePlan
)
"""What a file holds. A `Persona`, a `Preset` and a `ScenePlan` are files of ours, which stay as they were written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file as it was understood. Nothing has been stored."""

    kind: Kind
    file: str
    """The file's name."""
    name: str
    """What it is called, in one line."""
    detail: str = ""
    """What sort of that kind it is, for the user."""
    notes: tuple[str, ...] = ()
    """What was odd and how it was taken, a line each."""
    content: Content
    data: bytes
    """The file itself."""


def look(path: Path) -> Found:
    """Return what the file at `path` holds. Raises FileError if it could not be taken in."""
    return look_into(read_bytes(path, limit=CARD_LIMIT), name=path.name)


def look_into(data: bytes, *, name: str) -> Found:
    """Return what a file with the content `data` holds. Raises FileError that calls it `name`."""
    if not data.strip():
        raise FileError(f"{shown(name)} is empty")
    return _READERS[recognise(data, name=shown(name))](data, name)


def together(found: list[Found]) -> Found:
    """Return the parts of one preset that lay in several files as one; that of the first file names it."""
    parts = merged([read_parts(one.data, name=one.file) for one in found])
    return _preset_found(build_preset(parts), found[0].data, found[0].file)


def _card(data: bytes, name: str) -> Found:
    imported = read_card(data, name=name)
    ready = ready_card(imported, name=shown(name))
    own = imported.dialect == "rpchat"
    detail = f"{'in our own words' if own else imported.dialect}, {imported.kind.upper()}"
    return Found(
        kind="card",
        file=name,
        name=one_line(ready.name),
        detail=detail,
        notes=imported.notes,
        content=ready,
        data=data,
    )


def _chat(data: bytes, name: str) -> Found:
    chat = read_chat(data, name=name)
    detail = f"{chat.dialect}, {len(chat.turns):,} turns"
    return Found(
        kind="chat", file=name, name=one_line(chat.title), detail=detail, notes=chat.notes, content=chat, data=data
    )


def _preset(data: bytes, name: str) -> Found:
    if kind_of(data) == "json":
        return _preset_found(build_preset(read_parts(data, name=name)), data, name)
    own = parse(Preset, load_yaml(data, name=name), name=shown(name))
    return Found(kind="preset", file=name, name=one_line(own.name), detail="in our own words", content=own, data=data)


def _preset_found(imported: ImportedPreset, data: bytes, file: str) -> Found:
    return Found(
        kind="preset",
        file=file,
        name=one_line(imported.preset.title or imported.preset.name),
        detail=", ".join(imported.parts),
        notes=imported.notes,
        content=imported,
        data=data,
    )


def _plan(data: bytes, name: str) -> Found:
    plan = parse(ScenePlan, load_yaml(data, name=name), name=shown(name))
    return Found(kind="plan", file=name, name=one_line(plan.name), detail="in our own words", content=plan, data=data)


def _lorebook(data: bytes, name: str) -> Found:
    imported = read_lorebook(data, name=name)
    book = imported.book
    detail = f"{imported.dialect}, {len(book.entries):,} entries"
    title = one_line(book.name) or _stem(name)
    return Found(
        kind="lorebook", file=name, name=title, detail=detail, notes=imported.notes, content=imported, data=data
    )


def _personas(data: bytes, name: str) -> Found:
    if kind_of(data) == "yaml":
        own = parse(Persona, load_yaml(data, name=name), name=shown(name))
        return Found(
            kind="personas", file=name, name=one_line(own.name), detail="in our own words", content=own, data=data
        )
    settings = load_json(data, name=name)
    inner = settings.get("power_user") if is_mapping(settings) and "personas" not in settings else None
    imported = read_personas(json.dumps(inner).encode() if inner is not None else data, name=name)
    if not imported.personas:
        raise FileError(f"{shown(name)} holds a backup without personas")
    names = [one_line(persona.name) for persona in imported.personas]
    notes = imported.notes
    if imported.default is not None:
        notes = (*notes, f"{names[imported.default]} is who is played there where nobody is chosen")
    title = one_line(", ".join(names))
    return Found(kind="personas", file=name, name=title, notes=notes, content=imported, data=data)


def _group(data: bytes, name: str) -> Found:
    imported = read_group(data, name=name)
    title, detail = one_line(imported.plan.name), f"{len(imported.plan.cast)} members"
    return Found(kind="group", file=name, name=title, detail=detail, notes=imported.notes, content=imported, data=data)


def _scripts(data: bytes, name: str) -> Found:
    imported = read_scripts(data, name=name)
    title = one_line(", ".join(script.name for script in imported.scripts)) or _stem(name)
    return Found(kind="regex scripts", file=name, name=title, notes=imported.notes, content=imported, data=data)


def _quick_replies(data: bytes, name: str) -> Found:
    imported = read_quick_replies(data, name=name)
    title, detail = one_line(imported.set.name) or _stem(name), f"{len(imported.set.replies)} replies"
    return Found(
        kind="quick replies", file=name, name=title, detail=detail, notes=imported.notes, content=imported, data=data
    )


def _stem(name: str) -> str:
    return PurePath(shown(name)).stem


_READERS: Mapping[Kind, Callable[[bytes, str], Found]] = {
    "card": _card,
    "chat": _chat,
    "preset": _preset,
    "plan": _plan,
    "lorebook": _lorebook,
    "personas": _personas,
    "group": _group,
    "regex scripts": _scripts,
    "quick replies": _quick_replies,
}
