"""What models have read of the scenes, one file a scene: a folder that is never larger than its quota.

A cache: every file in it can be deleted at any time. What is in a file is the engine's affair.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".kv"
_UNFINISHED = ".part"


class KvFiles:
    """The files in `folder`, together at most `quota` bytes; with a quota of 0 there are none.

    A file's time of change is when it was last used. Nothing here raises for a folder that cannot be written.
    """

    def __init__(self, folder: Path, *, quota: int) -> None:
        self._folder = folder
        self.quota = quota

    def find(self, scene_id: int) -> Path | None:
        """Return the file of a scene, which counts as used now; None if there is none."""
        path = self._path(scene_id)
        if not self.quota or not os.path.lexists(path):
            return None
        with suppress(OSError):
            os.utime(path, follow_symlinks=False)
        return path

    def place(self, scene_id: int) -> Path | None:
        """Return where the file of a scene is to be put, in a folder for the user's eyes only; None if there can be
        none."""
        if not self.quota:
            return None
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            return None
        return self._path(scene_id)

    def remove(self, scene_id: int) -> None:
        """Remove what stands in the place of a scene's file, unless it is a folder with something in it."""
        _remove(self._path(scene_id))

    def trim(self) -> None:
        """Remove what was not used for longest until the rest is within the quota, and what was never finished.

        Not to be called while a file is being written.
        """
        try:
            with os.scandir(self._folder) as entries:
                found = [(Path(entry.path), entry.stat(follow_symlinks=False)) for entry in entries]
        except OSError:
            return
        total = 0
        for path, state in sorted(found, key=lambda one: one[1].st_mtime_ns, reverse=True):
            total += state.st_size
            if path.suffix == _UNFINISHED or (path.suffix == _SUFFIX and total > self.quota):
                total -= state.st_size
                _remove(path)

    def _path(self, scene_id: int) -> Path:
        return self._folder / f"scene-{scene_id}{_SUFFIX}"


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
