"""In which order files are taken in, and which of them together: cards before the groups and chats that name them, a
chat with its branches, the parts of one preset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rpchat.exchange.recognise import HEAD, main_chat, place_in_order
from rpchat.story.text import fold

_PRESET_FOLDERS = frozenset({"instruct", "context", "sysprompt", "reasoning", "textgen settings"})
"""Where SillyTavern keeps the parts of presets; parts of the same name belong together."""
_CHATS = 2


@dataclass(frozen=True, slots=True)
class _Glance:
    """What the first bytes of a file tell."""

    path: Path
    place: int
    left: str
    """The title of the chat it branched off from."""


def in_order(paths: Iterable[Path]) -> list[list[Path]]:
    """Return files in groups that are taken in together, in the order in which they are taken in.

    A file that cannot be opened stands alone, and reading it says why.
    """
    glances = [_glance(path) for path in paths]
    titles = {(one.path.parent, one.path.stem): one for one in glances if one.place == _CHATS}
    groups: dict[object, list[_Glance]] = {}
    for one in sorted(glances, key=lambda one: one.place):
        groups.setdefault(_together(one, titles), []).append(one)
    return [[one.path for one in sorted(group, key=lambda one: bool(one.left))] for group in groups.values()]


def _together(one: _Glance, titles: dict[tuple[Path, str], _Glance]) -> object:
    """Return what is the same for the files that are taken in together with this one."""
    folder = one.path.parent
    if fold(folder.name) in _PRESET_FOLDERS and one.path.suffix == ".json":
        return folder.parent, fold(one.path.stem)
    seen = {one.path}
    while one.left and (main := titles.get((folder, one.left))) is not None and main.path not in seen:
        seen.add(main.path)
        one = main
    return one.path


def _glance(path: Path) -> _Glance:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD) if path.is_file() else b""
    except OSError:
        head = b""
    place = place_in_order(head)
    return _Glance(path, place, main_chat(head) if place == _CHATS else "")
