"""The model files in the folders of this machine, by name alone: no header is read here.

A split model is one, at its first part. What is no model by its name (the eyes of one, a LoRA, a quantiser's notes) is
passed over; a link to nowhere and a split model that is not whole are told with what is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rpchat.errors import FileError
from rpchat.store.model_names import missing_parts, model_name, not_a_model, part_of
from rpchat.store.model_places import ModelPlace
from rpchat.store.reading import load_json, read_bytes
from rpchat.story.text import one_line

_DEPTH = 8
_MOST = 5_000
_MANIFEST = 1 << 20
_MAGIC = b"GGUF"
_MODEL_LAYER = "image.model"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model that lies somewhere. `problem` says what is wrong with its files, if something is."""

    name: str
    path: Path
    """The file, or the first part of a split one."""
    place: str
    parts: tuple[Path, ...]
    """All its files."""
    problem: str = ""


def model_files(places: Iterable[ModelPlace]) -> Iterator[ModelFile]:
    """Yield every model in these places, place by place and by name. What lies in two of them is told once."""
    seen: set[Path] = set()
    for place in places:
        found = _ollama(place) if place.kind == "ollama" else _plain(place)
        for file in sorted(found, key=lambda file: file.name.casefold()):
            real = Path(os.path.realpath(file.path))
            if real not in seen:
                seen.add(real)
                yield file


def _plain(place: ModelPlace) -> Iterator[ModelFile]:
    groups: dict[tuple[Path, str, int], list[Path]] = {}
    for path in _walk(place.folder):
        part = part_of(path.name)
        key = (path.parent, part[0], part[2]) if part is not None else (path.parent, path.name, 0)
        groups.setdefault(key, []).append(path)
    for (_, _, count), paths in groups.items():
        paths.sort()
        yield ModelFile(
            name=one_line(model_name(paths[0].name), 200),
            path=paths[0],
            place=place.name,
            parts=tuple(paths),
            problem=_problem(paths, count),
        )


def _problem(paths: list[Path], count: int) -> str:
    if missing := missing_parts((path.name for path in paths), count=count):
        some = ", ".join(map(str, missing[:4])) + (" …" if len(missing) > 4 else "")
        return f"part {some} of {count} is missing"
    if any(not path.exists() for path in paths):
        return "it is a link to a file that is gone"
    return ""


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the GGUF files below a folder, links to folders followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    waiting = [(folder, 0)]
    count = 0
    while waiting:
        here, depth = waiting.pop()
        for entry in _entries(here, seen):
            if entry.name.startswith("."):
                continue
            if entry.name.lower().endswith(".gguf") and not _is_folder(entry):
                count += 1
                if count > _MOST:
                    return
                if not_a_model(entry.name) is None:
                    yield Path(entry.path)
            elif depth < _DEPTH and _is_folder(entry):
                waiting.append((Path(entry.path), depth + 1))


def _entries(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Return what is in a folder; nothing if it has been looked at before, or may not be."""
    try:
        state = folder.stat()
        if (state.st_dev, state.st_ino) in seen:
            return []
        seen.add((state.st_dev, state.st_ino))
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _ollama(place: ModelPlace) -> Iterator[ModelFile]:
    """Yield the models among Ollama's blobs, which only its manifests give names to."""
    names = _manifests(place.folder / "manifests")
    for entry in _entries(place.folder / "blobs", set()):
        path = Path(entry.path)
        name = names.get(entry.name, "")
        if entry.name.startswith("sha256-") and (name or _is_gguf(path)):
            short = name or entry.name[:19]
            yield ModelFile(name=one_line(short, 200), path=path, place=place.name, parts=(path,))


def _manifests(folder: Path) -> Mapping[str, str]:
    """Return the names of models by the names of their blobs, such as `llama3:8b`."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*"))[:_MOST] if folder.is_dir() else ():
        if path.is_file() and not path.name.startswith("."):
            *above, model, tag = path.relative_to(folder).parts
            owner = "" if not above or above[-1] == "library" else f"{above[-1]}/"
            for digest in _model_layers(path):
                found.setdefault(digest.replace(":", "-"), f"{owner}{model}:{tag}")
    return found


def _model_layers(manifest: Path) -> list[str]:
    try:
        content = load_json(read_bytes(manifest, limit=_MANIFEST), name=manifest.name, limit=_MANIFEST)
    except FileError:
        # Not a manifest of ours to read; the blob is still found by what it holds.
        return []
    layers = content.get("layers") if isinstance(content, dict) else None
    return [
        layer["digest"]
        for layer in (layers if isinstance(layers, list) else ())
        if isinstance(layer, dict)
        and isinstance(layer.get("digest"), str)
        and str(layer.get("mediaType", "")).endswith(_MODEL_LAYER)
    ]


def _is_gguf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False
