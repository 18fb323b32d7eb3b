"""One writer for each home: an advisory lock the system itself releases when its holder dies."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from rpchat.errors import StoreError


class HomeLock:
    """The right to write in a home. As a context manager it is released at the end, taken or not."""

    def __init__(self, path: Path) -> None:
        # Not bound to a thread: it is taken by one and may be released by another. No soft fallback: a lock file
        # that outlives its process would shut the user out.
        self._lock = FileLock(path, thread_local=False, fallback_to_soft=False)

    def acquire(self, wait: float = 0.0) -> bool:
        """Take the lock, waiting at most `wait` seconds; False if another process holds it. Raises StoreError."""
        try:
            self._lock.acquire(timeout=wait)
        except Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StoreError(f"The home cannot be locked: {reason}") from error
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        self._lock.release()

    def __enter__(self) -> HomeLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
