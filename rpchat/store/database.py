"""The one connection to the database: how it is opened, how a transaction goes, what its errors say.

Everything is written in transactions that are on the disk when they end (WAL, synchronous=FULL).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from rpchat.errors import StoreError
from rpchat.store.migrations import MIGRATIONS, identify, migrate

_BUSY_MILLISECONDS = 2000


def connect(path: Path, *, read_only: bool) -> apsw.Connection:
    """Open the database at `path`, made or brought up to date unless `read_only`.

    Raises StoreError: it cannot be opened, is corrupt, in use, of another program, or of a newer rpchat.
    """
    with reporting():
        if read_only:
            return _connect_read_only(path)
        connection = apsw.Connection(str(path))
        try:
            _prepare(connection)
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "full")
            connection.pragma("fullfsync", True)
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _connect_read_only(path: Path) -> apsw.Connection:
    if not path.exists():
        raise StoreError("There are no scenes here yet, and none can be written")
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        _prepare(connection)
        version = identify(connection)
    except BaseException:
        connection.close()
        raise
    if version < len(MIGRATIONS):
        connection.close()
        raise StoreError("The database was written by an older rpchat", "Open it once where it can be written")
    return connection


def _prepare(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(_BUSY_MILLISECONDS)
    connection.pragma("foreign_keys", True)
    connection.pragma("trusted_schema", False)


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """All of the block is on the disk behind it, or none of it. Raises StoreError."""
    with reporting():
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # SQLite may have rolled back by itself, when the disk was full for instance.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """Everything read in the block is of one moment, whatever another process writes. Raises StoreError."""
    with reporting():
        connection.execute("BEGIN")
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("COMMIT")


@contextmanager
def reporting() -> Iterator[None]:
    """Turn SQLite's errors into one line for the user."""
    try:
        yield
    except apsw.FullError as error:
        raise StoreError("The disk is full", "What was saved before is safe; make room and try again") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        hint = "Keep a copy of the file; nothing was changed in it"
        raise StoreError("The database is damaged, or the file is none", hint) from error
    except apsw.ReadOnlyError as error:
        raise StoreError("The database cannot be written") from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreError("Another rpchat is writing to the database", "Close it, or try again") from error
    except apsw.CantOpenError as error:
        raise StoreError("The database cannot be opened") from error
    except apsw.IOError as error:
        raise StoreError(f"The database cannot be read or written: {error}") from error
    except apsw.Error as error:
        raise StoreError(f"The database failed: {error}") from error
