"""Where models may lie on this machine: our own folder, and those of other programs.

Each program's own environment variable is heard first, then its usual folder. Only folders that are there are told.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OWN = "models folder"
_LONGEST_POINTER = 4096


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A folder with models in it, and whose it is. In an `ollama` folder files are named after their checksums."""

    name: str
    folder: Path
    kind: Literal["files", "ollama"] = "files"


def model_places(
    own: Path, *, environment: Mapping[str, str] | None = None, home: Path | None = None
) -> list[ModelPlace]:
    """Return the folders that are there, our own first; none twice."""
    found: dict[Path, ModelPlace] = {}
    candidates = [ModelPlace(OWN, own), *_others(environment or os.environ, home or Path.home())]
    for place in candidates:
        try:
            real = place.folder.resolve()
            if real.is_dir():
                found.setdefault(real, place)
        except OSError:
            # A folder of another program that cannot be looked at is none of ours.
            continue
    return list(found.values())


def _others(environment: Mapping[str, str], home: Path) -> Iterator[ModelPlace]:
    caches = _path(environment.get("XDG_CACHE_HOME")) or home / ".cache"
    yield ModelPlace("Hugging Face cache", _hugging_face(environment, caches))
    for folder in _lm_studio(home):
        yield ModelPlace("LM Studio", folder)
    for folder in _named(environment, "OLLAMA_MODELS") or _ollama(home):
        yield ModelPlace("Ollama", folder, "ollama")
    yield ModelPlace("llama.cpp", _llama_cpp(environment, home, caches))
    yield ModelPlace("text-generation-webui", home / "text-generation-webui/user_data/models")
    yield ModelPlace("text-generation-webui", home / "text-generation-webui/models")
    yield ModelPlace("KoboldCpp", home / "koboldcpp")
    yield ModelPlace("KoboldCpp", home / "KoboldCpp")
    yield ModelPlace("Jan", home / ".local/share/Jan/data/llamacpp/models")
    yield ModelPlace("GPT4All", home / ".local/share/nomic.ai/GPT4All")


def _hugging_face(environment: Mapping[str, str], caches: Path) -> Path:
    named = _named(environment, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
    own_home = _path(environment.get("HF_HOME")) or caches / "huggingface"
    return named[0] if named else own_home / "hub"


def _lm_studio(home: Path) -> Iterator[Path]:
    try:
        with (home / ".lmstudio-home-pointer").open(encoding="utf-8") as file:
            pointed = _path(file.read(_LONGEST_POINTER))
    except (OSError, UnicodeDecodeError):
        pointed = None
    if pointed is not None:
        yield pointed / "models"
    yield home / ".lmstudio/models"
    yield home / ".cache/lm-studio/models"


def _ollama(home: Path) -> list[Path]:
    return [home / ".ollama/models", Path("/usr/share/ollama/.ollama/models"), Path("/var/lib/ollama/models")]


def _llama_cpp(environment: Mapping[str, str], home: Path, caches: Path) -> Path:
    if named := _named(environment, "LLAMA_CACHE"):
        return named[0]
    if sys.platform == "darwin":
        return home / "Library/Caches/llama.cpp"
    local = _path(environment.get("LOCALAPPDATA")) if sys.platform == "win32" else None
    return (local or caches) / "llama.cpp"


def _named(environment: Mapping[str, str], *names: str) -> list[Path]:
    return [path for name in names if (path := _path(environment.get(name))) is not None][:1]


def _path(text: str | None) -> Path | None:
    """Return the path in a variable or a pointer file; None where it is empty or cannot be one."""
    text = (text or "").strip()
    return Path(text).expanduser() if text and "\0" not in text else None
