"""Things of the home into files anywhere, and which format a file's name asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Literal

from rpchat.errors import FileError, StoreError
from rpchat.exchange.values import Exported, Target
from rpchat.library.beside import read_beside
from rpchat.library.cards import Cards, WholeCard
from rpchat.library.kept import KeptFiles
from rpchat.store.files import write_atomically
from rpchat.store.folders import Folders
from rpchat.store.reading import YAML_LIMIT, read_bytes, shown
from rpchat.store.scenes import SceneStore
from rpchat.store.shelf import Shelf
from rpchat.store.thread import OneThread
from rpchat.story.preset import Preset

if TYPE_CHECKING:
    from rpchat.exchange.chats import ChatTarget
    from rpchat.exchange.lorebooks import LorebookTarget

What = Literal["card", "scene", "preset", "lorebook"]
"""What can be written to a file."""

_TARGETS: Mapping[str, Target] = {
    ".png": "png", ".charx": "charx", ".json": "json-v3", ".yaml": "yaml", ".yml": "yaml",
}  # fmt: skip
_TARGETS_BY_NAME: tuple[Target, ...] = ("png", "charx", "json-v2", "json-v3", "yaml")
_SCENE_TARGETS: Mapping[str, ChatTarget] = {
    "jsonl": "tavern", "tavern": "tavern", "md": "markdown", "markdown": "markdown", "txt": "text", "text": "text",
}  # fmt: skip
_BOOK_TARGETS: Mapping[str, LorebookTarget] = {"sillytavern": "sillytavern", "v3": "v3"}


def export_card(
    whole: WholeCard, to: Path, *, target: Target | None = None, overwrite: bool = False
) -> tuple[str, ...]:
    """Write a card to a file, as its name says unless a target is named; return what the file cannot hold, by line.

    Raises FileError: an ending that says nothing, a file that is there already; StoreError if it cannot be written.
    """
    target = target or _TARGETS.get(to.suffix.lower())
    if target is None:
        raise FileError(
            f"{shown(to.name)} does not say what kind of file it shall be",
            f"End its name with {', '.join(_TARGETS)}, or name the kind",
        )
    from rpchat.exchange.card_writing import write_card  # only exporting needs what writes archives and pictures

    exported = write_card(whole.card, target, avatar=whole.avatar, assets=whole.assets)
    write_out(to, exported.data, overwrite=overwrite)
    return exported.report


def write_out(to: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file outside of the home. Raises FileError if it is there and may not be overwritten, StoreError."""
    refuse_to_write(to, overwrite=overwrite)
    write_atomically(to, data)


def refuse_to_write(to: Path, *, overwrite: bool) -> None:
    """Raise FileError if a file is there and may not be overwritten, StoreError if its folder is not there."""
    if to.is_dir():
        raise FileError(f"{shown(to.name)} is a folder", "Name the file in it")
    if to.exists() and not overwrite:
        raise FileError(f"{shown(to.name)} is there already", "Choose another name, or overwrite it")
    if not to.parent.is_dir():
        raise StoreError(f"{shown(to.name)} cannot be written: the folder {to.parent} does not exist")


def _card_target(name: str) -> Target:
    for target in _TARGETS_BY_NAME:
        if target == name:
            return target
    raise FileError(f"A card is not written as {shown(name)}", f"It can be {', '.join(_TARGETS_BY_NAME)}")


class Exports:
    """Scenes, presets and lorebooks to files; and cards, for who knows only names. Uses the thread of the store."""

    def __init__(
        self, cards: Cards, presets: Shelf[Preset], scenes: SceneStore, folders: Folders, thread: OneThread
    ) -> None:
        self._cards = cards
        self._presets = presets
        self._scenes = scenes
        self._folders = folders
        self._thread = thread

    async def write(
        self, what: What, name: str, to: Path, *, target: str = "", overwrite: bool = False
    ) -> tuple[str, ...]:
        """Write something to a file, as `target` or as the file's name says; return what the file cannot hold.

        A scene is named by its number, a card by its id or name, anything else by its id. Raises FileError, StoreError.
        """
        return await self._thread.run(lambda: self._write(what, name, to, target=target, overwrite=overwrite))

    def _write(self, what: What, name: str, to: Path, *, target: str, overwrite: bool) -> tuple[str, ...]:
        match what:
            case "card":
                kind = _card_target(target) if target else None
                return export_card(self._cards.whole(self._cards.id_of(name)), to, target=kind, overwrite=overwrite)
            case "scene":
                return self._scene(int(name), to, target=target, overwrite=overwrite)
            case "preset":
                exported = self._preset(name, target or to.suffix)
            case "lorebook":
                exported = self._lorebook(name, target)
        write_out(to, exported.data, overwrite=overwrite)
        return exported.report

    def _scene(self, scene_id: int, to: Path, *, target: str, overwrite: bool) -> tuple[str, ...]:
        """Write the told line to `to`, and each further branch to a file beside it."""
        from rpchat.exchange.chats import write_chat

        kind = _SCENE_TARGETS.get((target or to.suffix).lstrip(".").lower())
        if kind is None:
            raise FileError("A scene is written as jsonl, md or txt", "End the file's name so, or name the kind")
        files = write_chat(self._scenes.load(scene_id), kind, name=to.stem)
        places = [to, *(to.with_name(file.name) for file in files[1:])]
        for place in places:
            refuse_to_write(place, overwrite=overwrite)
        for place, file in zip(places, files, strict=True):
            write_out(place, file.data, overwrite=overwrite)
        return tuple(line for file in files for line in file.report)

    def _preset(self, name: str, target: str) -> Exported:
        from rpchat.exchange.presets import write_preset

        preset_id, preset = self._presets.find(name)
        hints = preset.models
        # Where somebody keeps a file is nobody's business; by its name it is found in another models folder, too.
        lora = PureWindowsPath(hints.lora).name
        report = ("The LoRA is named without its folder",) if lora != hints.lora else ()
        if target.lstrip(".") in ("yaml", "yml"):
            (path,) = (entry.path for entry in self._presets.entries() if entry.id == preset_id)
            data = read_bytes(path, limit=YAML_LIMIT)
            return Exported(data=data.replace(hints.lora.encode(), lora.encode()) if report else data, report=report)
        shared = replace(preset, models=replace(hints, lora=lora))
        exported = write_preset(shared, carried=read_beside(self._presets.own_path(preset_id)))
        return replace(exported, report=(*report, *exported.report))

    def _lorebook(self, name: str, target: str) -> Exported:
        from rpchat.exchange.lorebooks import read_lorebook, write_lorebook

        book_id, data = KeptFiles(self._folders.lorebooks).find(name, what="lorebook")
        kind = _BOOK_TARGETS.get(target or "sillytavern")
        if kind is None:
            raise FileError(f"A lorebook is not written as {shown(target)}", f"It can be {' or '.join(_BOOK_TARGETS)}")
        return write_lorebook(read_lorebook(data, name=book_id).book, kind)
