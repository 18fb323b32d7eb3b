"""What belongs to a card beside its YAML file: the file it came as, its picture, other programs' fields.

    library/<id>/original.<ending>   byte for byte as it came; its assets are read from here when they are needed
    library/<id>/avatar.<ending>     the picture, encoded as it came
    library/<id>/carried.json        the card's extensions, as far as they do not stand in the YAML file

A folder appears in one step, before its card does; one without a card is what an interruption left.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from rpchat.errors import FileError, StoreError
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.pictures import picture_kind
from rpchat.exchange.values import CARD_LIMIT
from rpchat.store.files import write_atomically
from rpchat.store.reading import load_json, read_bytes

_CARRIED = "carried.json"
_CARRIED_LIMIT = 32 << 20
_DEEPEST = 95
_BEGUN = ".begun-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What is laid beside a card when it is taken in. `ending` is that of the original."""

    original: bytes
    ending: str
    avatar: bytes | None = None
    carried: bytes = b""
    """JSON; empty if there is nothing to carry."""


class BelongingsFolder:
    """The folders of all cards. Every method raises StoreError if the disk fails it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ids(self) -> list[str]:
        """Return the ids that have a folder, whether or not their card is there."""
        return [path.name for path in _listed(self._folder) if path.is_dir() and not path.name.startswith(".")]

    def path(self, card_id: str) -> Path:
        """Return the folder of a card, which need not be there."""
        return self._folder / card_id

    def place(self, card_id: str, things: Belongings) -> Path:
        """Make the folder of a card that has none, in one step, and return it."""
        files = {f"original.{things.ending}": things.original}
        if things.avatar is not None:
            files[f"avatar.{picture_kind(things.avatar) or 'bin'}"] = things.avatar
        if things.carried:
            files[_CARRIED] = things.carried
        target = self.path(card_id)
        try:
            self._sweep()
            begun = Path(mkdtemp(prefix=_BEGUN, dir=self._folder))
            for name, content in files.items():
                write_atomically(begun / name, content)
            begun.chmod(0o755)
            begun.rename(target)
        except OSError as error:
            raise StoreError(f"{card_id} cannot be put into the library: {error.strerror}") from error
        return target

    def remove(self, card_id: str) -> None:
        """Take back what `place` has just made."""
        shutil.rmtree(self.path(card_id), ignore_errors=True)

    def avatars(self) -> dict[str, Path]:
        """Return the pictures of all cards that have one, by card id."""
        return {card_id: path for card_id in self.ids() if (path := self.avatar(card_id)) is not None}

    def avatar(self, card_id: str) -> Path | None:
        """Return where a card's picture lies; None if it has none."""
        return self._named(card_id, "avatar.")

    def original(self, card_id: str) -> bytes | None:
        """Return the file a card came as; None if it was made here. Raises FileError if it cannot be read."""
        path = self._named(card_id, "original.")
        return read_bytes(path, limit=CARD_LIMIT) if path is not None else None

    def carried(self, card_id: str) -> Mapping[str, object]:
        """Return the extensions that lie beside a card. Raises FileError if they cannot be read."""
        path = self.path(card_id) / _CARRIED
        return parse_carried(read_bytes(path, limit=_CARRIED_LIMIT), name=path.name) if path.exists() else {}

    def carry(self, card_id: str, carried: bytes) -> None:
        """Lay extensions, as `split` gives them, beside a card in the place of those that lie there."""
        path = self.path(card_id) / _CARRIED
        if carried or path.exists():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"{card_id} cannot be put into the library: {error.strerror}") from error
            write_atomically(path, carried or b"{}")

    def _named(self, card_id: str, beginning: str) -> Path | None:
        return next((path for path in _listed(self.path(card_id)) if path.name.startswith(beginning)), None)

    def _sweep(self) -> None:
        """Make the folder, and remove what an interruption left half written in it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in _listed(self._folder):
            if path.name.startswith(_BEGUN):
                shutil.rmtree(path)


def split(extensions: Mapping[str, object], *, name: str) -> tuple[bytes, dict[str, object]]:
    """Return extensions as JSON, empty if there are none, and those that JSON cannot hold: only YAML has infinities.

    Raises FileError naming `name` if they are too large or too deep to be read again.
    """
    fitting: list[str] = []
    others: dict[str, object] = {}
    for key, value in extensions.items():
        if _depth(value) > _DEEPEST:
            raise FileError(f"{name} is nested too deeply: at most {_DEEPEST} levels are kept of an extension")
        try:
            fitting.append(f"{json.dumps(key)}:{json.dumps(value, ensure_ascii=False, allow_nan=False)}")
        except ValueError:
            others[key] = value
    data = f"{{{','.join(fitting)}}}".encode() if fitting else b""
    if len(data) > _CARRIED_LIMIT:
        raise FileError(f"{name} carries too much for other programs: at most {_CARRIED_LIMIT >> 20} MB is kept")
    return data, others


def parse_carried(data: bytes, *, name: str) -> Mapping[str, object]:
    """Return what `split` made. Raises FileError naming `name`."""
    value = load_json(data, name=name, limit=_CARRIED_LIMIT)
    if not is_mapping(value):
        raise FileError(f"{name} does not hold what was laid beside the card")
    return value


def _depth(value: object) -> int:
    """Return how many levels of lists and mappings `value` has."""
    depth, level = 0, [value]
    while level := [item for one in level for item in _items(one)]:
        depth += 1
    return depth


def _items(value: object) -> Iterable[object]:
    if is_mapping(value):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _listed(folder: Path) -> list[Path]:
    """Return what lies in a folder, by name; nothing if there is no such folder."""
    try:
        return [folder / name for name in sorted(os.listdir(folder))]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be read: {error.strerror}") from error
