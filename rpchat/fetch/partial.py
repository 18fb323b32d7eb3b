"""A model file that is not all there yet: kept beside where it will be, checked, and named at the end in one step."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rpchat.errors import ModelError
from rpchat.fetch.wanted import RemoteFile
from rpchat.story.text import one_line

_BLOCK = 4 << 20
_MARGIN = 64_000_000
"""Bytes that are left free on the disk."""


class Checksum:
    """The SHA-256 of the `size` bytes that were taken in so far."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def take(self, data: bytes) -> None:
        """Take in what follows."""
        self._hash.update(data)
        self.size += len(data)

    def take_file(self, file: BinaryIO, limit: int) -> Iterator[int]:
        """Take in a file up to `limit` bytes; yield how many have been, block by block."""
        while self.size < limit and (block := file.read(min(_BLOCK, limit - self.size))):
            self.take(block)
            yield self.size

    def is_of(self, file: RemoteFile) -> bool:
        """Return whether what was taken in is that file, as far as the hub tells."""
        return self.size == file.size and (not file.sha256 or self._hash.hexdigest() == file.sha256)


class Partial:
    """What has arrived of one file of a repository, for a folder. Blocking; used by one thread at a time.

    Its name holds the file's checksum, or the revision where there is none: what is left of another content is never
    gone on with. All methods raise ModelError, for a full disk too; what has arrived stays then.
    """

    def __init__(self, folder: Path, file: RemoteFile, *, revision: str) -> None:
        self.target = folder / file.name
        self._file = file
        self._path = folder / f".{(file.sha256 or revision)[:16]}.{file.name}.part"
        self._sum = Checksum()
        self._out: BinaryIO | None = None

    @property
    def size(self) -> int:
        """Return the bytes that are there and in the checksum."""
        return self._sum.size

    @property
    def missing(self) -> int:
        """Return how many bytes have to come yet, by what lies on the disk."""
        try:
            return max(0, self._file.size - self._path.stat().st_size)
        except OSError:
            return self._file.size

    def check_target(self) -> Iterator[int]:
        """Read the file that has the wanted name already; yield how far. Raises ModelError if it is another one."""
        found = Checksum()
        with self._at_work(), self.target.open("rb") as file:
            yield from found.take_file(file, self._file.size + 1)
        if not found.is_of(self._file):
            name = one_line(self.target.name, 80)
            raise ModelError(f"{self.target.parent} has another file named {name}", "Rename or remove it first.")

    def open(self) -> Iterator[int]:
        """Read what is there from before; yield how far. Behind it more can be added."""
        with self._at_work():
            self._out = self._path.open("ab+")
            self._out.seek(0)
            yield from self._sum.take_file(self._out, self._file.size)
            self._out.truncate(self.size)

    def add(self, data: bytes) -> None:
        """Add what has come. Raises ModelError if it is more than the file has."""
        if self.size + len(data) > self._file.size:
            self._refuse("is longer than the hub says")
        with self._at_work():
            assert self._out is not None
            self._out.write(data)
            self._out.flush()
        self._sum.take(data)

    def restart(self) -> None:
        """Throw away what has arrived and begin anew."""
        with self._at_work():
            assert self._out is not None
            self._out.truncate(0)
        self._sum = Checksum()

    def finish(self) -> Path:
        """Give the whole file its name. Raises ModelError, and throws it away, if its checksum is wrong.

        Should the name be lost in a power cut, all bytes are still there under the other one.
        """
        if not self._sum.is_of(self._file):
            self._refuse("did not arrive as it was sent: its checksum is wrong")
        with self._at_work():
            assert self._out is not None
            os.fsync(self._out.fileno())
            self.close()
            self._path.chmod(0o644)
            self._path.replace(self.target)
        return self.target

    def close(self) -> None:
        """Leave what has arrived where it is."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def _refuse(self, what: str) -> None:
        self.close()
        with self._at_work():
            self._path.unlink(missing_ok=True)
        raise ModelError(f"{one_line(self._file.name, 80)} {what}, so it was thrown away", "Try again.")

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _full(self.target.parent) from None
            reason = one_line(error.strerror or str(error), 120)
            raise ModelError(f"{one_line(self.target.name, 80)} cannot be written: {reason}") from error


def need_space(folder: Path, missing: int) -> None:
    """Raise ModelError unless `missing` more bytes fit on the disk of `folder`."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {one_line(error.strerror or str(error))}") from error
    if missing + _MARGIN > free:
        needed, there = f"{(missing + _MARGIN) / 1e9:.1f} GB", f"{free / 1e9:.1f} GB"
        raise ModelError(
            f"the disk of {folder} has {there} free, and {needed} more are needed",
            "Make room, or name another folder with `models_folder` in the config.",
        )


def _full(folder: Path) -> ModelError:
    return ModelError(f"the disk of {folder} is full", "What has arrived is kept: make room, and the same goes on.")
