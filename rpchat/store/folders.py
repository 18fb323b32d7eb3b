"""Where everything lies: the user's home folder, and the cards and presets that come with the program.

Nothing else in the program puts a path together from these parts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rpchat.errors import StoreError

ShippedKind = Literal["cards", "personas", "scenes", "presets"]

# Personas and scenes lie inside the folder of cards, so that the wheel carries two folders and not four.
_SHIPPED = {"cards": "cards", "personas": "cards/personas", "scenes": "cards/scenes", "presets": "presets"}
_PACKAGE = Path(__file__).resolve().parents[1]


def find_home(option: Path | None) -> Path:
    """Return the home folder, absolute: `option`, else RPCHAT_HOME, else the platform's place for a user's data."""
    if option is None and (variable := os.environ.get("RPCHAT_HOME")):
        option = Path(variable)
    if option is not None:
        return Path(os.path.abspath(option.expanduser()))
    from platformdirs import user_data_dir  # only here: most calls name their home, and opening must be quick

    return Path(user_data_dir("rpchat", appauthor=False))


def shipped(kind: ShippedKind) -> Path:
    """Return the folder of the files of `kind` that come with the program, in a wheel or in a checkout."""
    installed = _PACKAGE / "shipped"
    return (installed if installed.is_dir() else _PACKAGE.parent) / _SHIPPED[kind]


@dataclass(frozen=True, slots=True)
class Folders:
    """The places inside one home folder."""

    home: Path

    @property
    def config_file(self) -> Path:
        """The user's settings."""
        return self.home / "config.yaml"

    @property
    def database(self) -> Path:
        """The scenes."""
        return self.home / "rpchat.db"

    @property
    def lock_file(self) -> Path:
        """Held by the one instance that may write."""
        return self.home / "rpchat.lock"

    @property
    def card_list(self) -> Path:
        """What lists need of every card, so that they need not be read to be listed."""
        return self.home / "cards.json"

    @property
    def plan_list(self) -> Path:
        """The same of every scene to begin."""
        return self.home / "scenes.json"

    @property
    def kv(self) -> Path:
        """What models have read of the scenes; it can be deleted at any time."""
        return self.home / "cache" / "kv"

    @property
    def machine_file(self) -> Path:
        """What was found out about this machine."""
        return self.home / "machine.json"

    @property
    def cards(self) -> Path:
        """The user's own cards."""
        return self.home / "cards"

    @property
    def scenes(self) -> Path:
        """The user's own scenes to begin, as files."""
        return self.home / "scenes"

    @property
    def personas(self) -> Path:
        """The user's own personas."""
        return self.home / "personas"

    @property
    def presets(self) -> Path:
        """The user's own presets."""
        return self.home / "presets"

    @property
    def lorebooks(self) -> Path:
        """Lorebooks that came from elsewhere."""
        return self.home / "lorebooks"

    @property
    def scripts(self) -> Path:
        """Regex scripts and quick replies that came from elsewhere."""
        return self.home / "scripts"

    @property
    def library(self) -> Path:
        """What belongs to the user's cards beside their files: as they came, pictures, other programs' fields."""
        return self.home / "library"

    @property
    def library_index(self) -> Path:
        """What the user marked in the library, and which files have been taken in."""
        return self.library / "index.json"

    @property
    def trash(self) -> Path:
        """What was deleted; it can be brought back from there."""
        return self.home / "trash"

    @property
    def models(self) -> Path:
        """Where GGUF files are looked for, unless the config names another folder."""
        return self.home / "models"

    @property
    def logs(self) -> Path:
        """The log files."""
        return self.home / "logs"

    @property
    def engine_log(self) -> Path:
        """What llama.cpp says while it works."""
        return self.logs / "engine.log"

    def create(self) -> None:
        """Make what is missing. Raises StoreError if the home cannot be made or cannot be written."""
        hint = "Choose another home with --home or RPCHAT_HOME"
        for folder in (self.home, self.cards, self.scenes, self.personas, self.presets, self.models, self.logs):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise StoreError(f"The folder {folder} cannot be made: {reason}", hint) from error
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise StoreError(f"The folder {self.home} cannot be written", hint)
