"""Cards, personas and presets as files: found by name, listed cheaply, saved without disturbing what people wrote.

An id is a file's name without its ending. The user's own files stand before the shipped ones, and only the user's
folder is ever written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Generic, TypeVar

from rpchat.errors import FileError, StoreError
from rpchat.store.files import write_atomically
from rpchat.store.parsing import parse
from rpchat.store.reading import YAML_LIMIT, load_yaml, read_bytes, shown
from rpchat.store.scalars import as_text
from rpchat.store.slugs import slug, unique
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.plan import ScenePlan
from rpchat.story.preset import Preset
from rpchat.story.text import fold

T = TypeVar("T", Card, Persona, Preset, ScenePlan)

_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Generic[T]):
    """A file on a shelf. Until `load` only its name is known; then either `value` or `error`."""

    id: str
    path: Path
    shipped: bool
    kind: type[T]
    value: T | None = None
    error: FileError | None = None

    def load(self) -> Entry[T]:
        """Return the entry with what its file holds, or with why it cannot be read."""
        try:
            return replace(self, value=_read(self.kind, self.path), error=None)
        except FileError as error:
            return replace(self, value=None, error=error)


class Shelf(Generic[T]):
    """The files of one kind, in the user's folder and in the shipped one."""

    def __init__(self, kind: type[T], user_folder: Path, shipped_folder: Path) -> None:
        self._kind: type[T] = kind
        self._user = user_folder
        self._shipped = shipped_folder

    def entries(self) -> list[Entry[T]]:
        """Return every file by id, unread; a file of the user's stands in for a shipped one of the same id.

        Raises StoreError if a folder is there but cannot be listed.
        """
        found: dict[str, Entry[T]] = {}
        for folder, is_shipped in ((self._user, False), (self._shipped, True)):
            for path in _yaml_files(folder):
                entry = Entry(id=path.stem, path=path, shipped=is_shipped, kind=self._kind)
                found.setdefault(fold(path.stem), entry)
        return [found[key] for key in sorted(found)]

    def find(self, name_or_path: str) -> tuple[str, T]:
        """Return the id and the value of a file named by path, or by id with or without ending.

        A path that exists comes first, then an id as it is spelt, then one that differs in case or width.
        Raises FileError: nothing of that name (the hint tells the nearest), or a broken file.
        """
        path = Path(name_or_path).expanduser()
        if _is_path(name_or_path) or (path.suffix in _ENDINGS and path.is_file()):
            return path.stem, _read(self._kind, path)
        wanted = path.stem if path.suffix in _ENDINGS else name_or_path
        by_id = {fold(entry.id): entry for entry in self.entries()}
        entry = by_id.get(fold(wanted))
        if entry is None:
            raise self._missing(wanted, [entry.id for entry in by_id.values()])
        return entry.id, _read(self._kind, entry.path)

    def save(self, entry_id: str, value: T) -> Path:
        """Write `value` to the user's file of that id and return its path.

        In a file that exists, comments and order stay and only what differs is touched; a shipped file is copied
        first. With an empty id a new one is made from the value's name, and no file is overwritten. Raises
        FileError if the file that is there is broken or cannot be changed, StoreError if it cannot be written.
        """
        own = next((path for path in _yaml_files(self._user) if path.stem == entry_id), None)
        path = own or self._new_path(entry_id, value.name)
        source = own or next((path for path in _yaml_files(self._shipped) if path.stem == entry_id), None)
        data = read_bytes(source, limit=YAML_LIMIT) if source else b""
        present = load_yaml(data, name=path.name) if data else {}
        if present:
            parse(self._kind, present, name=path.name)  # what cannot be read is not written over
        values = _filled(value, present if isinstance(present, Mapping) else {})
        # ruamel.yaml takes longer to import than the home screen to open.
        from rpchat.store.yaml_writer import edited

        changed = edited(data, values, name=path.name)
        if path != source or changed != data:
            write_atomically(path, changed)
        return path

    def new_id(self, name: str) -> str:
        """Return an id for something called `name`, one that no file has, shipped ones included."""
        return unique(slug(name), {path.stem for folder in (self._user, self._shipped) for path in _yaml_files(folder)})

    def own_path(self, entry_id: str) -> Path:
        """Return where the user's file of that id lies, or would."""
        return self._user / f"{entry_id}.yaml"

    def _new_path(self, entry_id: str, name: str) -> Path:
        if not entry_id:
            return self.own_path(self.new_id(name))
        return self.own_path(unique(slug(entry_id), {path.stem for path in _yaml_files(self._user)}))

    def _missing(self, wanted: str, ids: list[str]) -> FileError:
        kind = self._kind.__name__.lower()
        near = get_close_matches(fold(wanted), [fold(one) for one in ids], n=3, cutoff=0.5)
        names = [one for one in ids if fold(one) in near] or ids[:8]
        verb = "Did you mean" if near else "There are"
        mark = "?" if near else ""
        hint = f"{verb} {', '.join(names)}{mark}" if names else ""
        return FileError(f"There is no {kind} named {shown(wanted)}", hint)


def _is_path(name: str) -> bool:
    separators = {"/", os.sep, os.altsep or "/"}
    return name.startswith("~") or any(separator in name for separator in separators)


def _read(kind: type[T], path: Path) -> T:
    name = shown(path.name)
    return parse(kind, load_yaml(read_bytes(path, limit=YAML_LIMIT), name=name), name=name)


def _yaml_files(folder: Path) -> list[Path]:
    """Return the YAML files in `folder`, `.yaml` before `.yml`; none if there is no such folder."""
    try:
        with os.scandir(folder) as items:
            names = [item.name for item in items if item.name.endswith(_ENDINGS) and item.name[0] != "."]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be read: {error.strerror}") from error
    return [folder / name for name in sorted(names, key=lambda name: (os.path.splitext(name)[1], name))]


def _filled(value: object, present: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a dataclass that a file must hold: what it holds now, and what differs from the default.

    A number that is still right keeps its spelling: the file's own value is taken where it means the same.
    """
    assert is_dataclass(value)
    names = [field.name for field in fields(value)]
    defaults = {
        field.name: field.default_factory() if field.default_factory is not MISSING else field.default
        for field in fields(value)
    }
    filled: dict[str, object] = {}
    for name in [*present, *(name for name in names if name not in present)]:
        item = getattr(value, name)
        if name not in present and item == defaults[name]:
            continue
        filled[name] = _data(item, present.get(name))
    return filled


def _data(value: object, present: object) -> object:
    """Return `value` as YAML data, in the shape of what stands in the file where that means the same."""
    if is_dataclass(value):
        return _filled(value, present if isinstance(present, Mapping) else {})
    if isinstance(value, Mapping):
        old = present if isinstance(present, Mapping) else {}
        return {key: _data(item, old.get(key)) for key, item in value.items()}
    if isinstance(value, tuple | list):
        before = present if isinstance(present, list) else []
        return [_data(item, before[i] if i < len(before) else None) for i, item in enumerate(value)]
    return present if isinstance(value, str) and as_text(present) == value else value
