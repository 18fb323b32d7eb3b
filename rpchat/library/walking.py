"""Which files are meant by the paths that somebody names: files as they are, folders with all that is in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from rpchat.errors import FileError

_ENDINGS = frozenset({".png", ".charx", ".json", ".jsonl", ".yaml", ".yml", ".jpg", ".jpeg", ".txt"})
_MOST = 100_000

_TAVERN = frozenset({
    "characters", "chats", "group chats", "groups", "worlds", "instruct", "context", "sysprompt", "reasoning",
    "TextGen Settings", "QuickReplies", "settings.json",
})  # fmt: skip
"""Of a folder with a user's data of SillyTavern, only this is looked at; settings hold the personas."""


def files_in(paths: Iterable[Path]) -> list[Path]:
    """Return the files to take in, each once, in the order of `paths`, those of a folder by name.

    Of a folder only files are returned whose names end like something that could be taken in. What does not exist is
    returned too: reading it says so. Raises FileError for a folder of more than 100,000 such files.
    """
    found: dict[Path, None] = {}
    for path in paths:
        path = Path(os.path.abspath(path.expanduser()))
        for file in _in_folder(path) if path.is_dir() else (path,):
            found.setdefault(file)
            if len(found) > _MOST:
                raise FileError(f"There are more than {_MOST} files in {path.name}", "Name a folder inside of it")
    return list(found)


def _in_folder(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        is_tavern = {"characters", "chats"} <= set(folders)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (not is_tavern or name in _TAVERN))
        if Path(place).name == "characters" and "chats" in os.listdir(Path(place).parent):
            folders.clear()  # pictures of moods
        for name in sorted(name for name in names if not is_tavern or name in _TAVERN):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in _ENDINGS:
                yield Path(place, name)
