"""Writing a file so that there is always a whole one: the old, or the new."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from rpchat.errors import StoreError
from rpchat.story.text import one_line


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` into the file at `path`, in one step and down to the disk.

    A link is followed, and the permissions of a file that is there already are kept. Raises StoreError; then the
    file is as it was.
    """
    try:
        target = path.resolve()
        _replace(target, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"{one_line(path.name, 60)} cannot be written: {one_line(reason)}") from error


def _replace(target: Path, data: bytes) -> None:
    mode = target.stat().st_mode & 0o777 if target.exists() else None
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".rpchat-", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode if mode is not None else 0o644)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name in `folder` outlive a power cut, where the platform lets a folder be synchronised."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
