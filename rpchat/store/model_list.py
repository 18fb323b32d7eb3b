"""Every model on this machine with what its header says, without reading every header every time.

What a list needs of a header is kept in one small file of the home, by path, change time and size. It is a
convenience: made anew when it is missing or broken, and never the only place of anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from rpchat.engine.gguf import Header, read_header, token_kinds
from rpchat.engine.shape import Layer, ModelShape, shape_of
from rpchat.errors import FileError, ModelError, StoreError
from rpchat.prompt.detect import ModelFacts
from rpchat.store.files import write_atomically
from rpchat.store.model_files import ModelFile, model_files
from rpchat.store.model_names import quantisation_in
from rpchat.store.model_places import ModelPlace
from rpchat.store.reading import load_json, read_bytes
from rpchat.story.text import one_line

_LIMIT = 64 * 1024 * 1024
_VERSION = 1
_WRITE_AFTER = 50
"""So many headers are read before what they say is kept, so that a long first look is not lost."""

Kind = Literal["model", "adapter", "projector", "embedding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a list needs of a header."""

    title: str
    architecture: str
    quantisation: str
    parameters: int
    context: int
    """Tokens it was trained with; 0 where it is not told."""
    kind: Kind
    facts: ModelFacts
    shape: ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model in the list: its header, or the one line why it cannot be played with."""

    file: ModelFile
    size: int
    """Bytes of all its files."""
    told: Told | None = None
    error: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.file.name

    @property
    def quantisation(self) -> str:
        """What its name says, which is often finer, else its header."""
        return quantisation_in(self.file.name) or (self.told.quantisation if self.told is not None else "")


class ModelList:
    """The models in some places. `tokens` are those that presets go by; `cache` is where headers are kept."""

    def __init__(
        self, places: list[ModelPlace], cache: Path, *, tokens: frozenset[str], read_only: bool = False
    ) -> None:
        self._places = places
        self._cache = cache
        self._tokens = tokens
        self._read_only = read_only

    def entries(self) -> Iterator[ModelEntry]:
        """Yield every model, one after the other as headers are read; files that are no models are passed over."""
        before = _read(self._cache, self._stamp)
        now: dict[str, Told] = {}
        fresh = 0
        for file in model_files(self._places):
            entry, key = self._entry(file, before)
            if entry.told is not None:
                now[key] = entry.told
                fresh += key not in before
            if entry.told is None or entry.told.kind in ("model", "embedding"):
                yield entry
            if fresh >= _WRITE_AFTER:
                self._write({**before, **now})
                fresh = 0
        if now != before:
            self._write(now)

    def _entry(self, file: ModelFile, before: Mapping[str, Told]) -> tuple[ModelEntry, str]:
        try:
            states = [part.stat() for part in file.parts]
        except OSError as error:
            problem = file.problem or f"it cannot be read: {one_line(error.strerror or str(error))}"
            return ModelEntry(file=file, size=0, error=problem), ""
        size = sum(state.st_size for state in states)
        key = f"{file.path}|{max(state.st_mtime_ns for state in states)}|{size}"
        if file.problem:
            return ModelEntry(file=file, size=size, error=file.problem), key
        try:
            told = before[key] if key in before else self._told(file)
        except ModelError as error:
            return ModelEntry(file=file, size=size, error=error.message), key
        wrong = "it makes embeddings, and cannot write" if told.kind == "embedding" else ""
        return ModelEntry(file=file, size=size, told=told, error=wrong), key

    def _told(self, file: ModelFile) -> Told:
        headers = [read_header(part) for part in file.parts]
        first = headers[0]
        kinds = token_kinds(first, self._tokens)
        facts = ModelFacts(
            file_name=file.name if file.place == "Ollama" else file.path.name,
            name=first.name,
            architecture=first.architecture,
            chat_template=first.chat_template,
            vocabulary_model=first.vocabulary_model,
            pre_tokenizer=first.pre_tokenizer,
            vocabulary_size=first.vocabulary_size,
            controls=frozenset(name for name, kind in kinds.items() if kind == "control"),
            user_defined=frozenset(name for name, kind in kinds.items() if kind == "user-defined"),
        )
        return Told(
            title=first.name,
            architecture=one_line(first.architecture, 40),
            quantisation=first.quantisation,
            parameters=sum(header.parameters for header in headers),
            context=first.context_length,
            kind=_kind(first),
            facts=facts,
            shape=shape_of(headers),
        )

    @property
    def _stamp(self) -> str:
        """What kept headers were read for: another program version or other tokens make them useless."""
        names = [field.name for kind in (Told, ModelFacts, ModelShape, Layer) for field in fields(kind)]
        return " ".join([str(_VERSION), *names, *sorted(self._tokens)])

    def _write(self, known: Mapping[str, Told]) -> None:
        if self._read_only:
            return
        kept = {key: asdict(told) for key, told in known.items()}
        content = {"stamp": self._stamp, "models": kept}
        try:
            write_atomically(self._cache, json.dumps(content, ensure_ascii=False, default=sorted).encode())
        except (StoreError, UnicodeEncodeError):
            # Only the next look is slower for it.
            return


def _kind(header: Header) -> Kind:
    architecture, declared = header.architecture, header.text("general.type")
    if declared == "adapter":
        return "adapter"
    if declared == "mmproj" or architecture == "clip":
        return "projector"
    pooled = header.number(f"{architecture}.pooling_type")
    return "embedding" if pooled or architecture.endswith("bert") or architecture == "t5encoder" else "model"


def _read(cache: Path, stamp: str) -> dict[str, Told]:
    try:
        content = load_json(read_bytes(cache, limit=_LIMIT), name=cache.name, limit=_LIMIT)
        if not isinstance(content, dict) or content.get("stamp") != stamp:
            return {}
        return {key: _restored(told) for key, told in content["models"].items()}
    except (FileError, KeyError, TypeError, AttributeError):
        # Not there yet, damaged, or of another version: the headers themselves are read then.
        return {}


def _restored(kept: dict[str, Any]) -> Told:
    facts, shape = kept["facts"], kept["shape"]
    sets = {name: frozenset(facts[name]) for name in ("controls", "user_defined")}
    layers = tuple(Layer(**layer) for layer in shape["layers"])
    read = {"facts": ModelFacts(**{**facts, **sets}), "shape": ModelShape(**{**shape, "layers": layers})}
    return Told(**{**kept, **read})
