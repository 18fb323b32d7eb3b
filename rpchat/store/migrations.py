"""The database's shape, as numbered steps.

A step is never changed once it has been released: a new one is appended. Each is applied and recorded
(`user_version`) in one transaction, so a crash leaves the database before it or behind it.
"""

from __future__ import annotations

import apsw

from rpchat.errors import StoreError

APPLICATION_ID = 0x52506368
"""What marks a SQLite file as ours: `RPch`."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE scene (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        persona TEXT NOT NULL,
        settings TEXT NOT NULL,
        cast_key TEXT NOT NULL,
        search TEXT NOT NULL,
        created REAL NOT NULL,
        updated REAL NOT NULL,
        touched INTEGER NOT NULL,
        last_turn INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX scene_touched ON scene (touched);
    CREATE INDEX scene_cast ON scene (cast_key, touched);

    CREATE TABLE member (
        scene INTEGER NOT NULL REFERENCES scene (id),
        place INTEGER NOT NULL,
        card_id TEXT NOT NULL,
        name TEXT NOT NULL,
        card TEXT NOT NULL,
        PRIMARY KEY (scene, place)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE turn (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        scene INTEGER NOT NULL REFERENCES scene (id),
        parent INTEGER NOT NULL,
        side TEXT NOT NULL CHECK (side IN ('user', 'member')),
        speaker TEXT NOT NULL,
        member TEXT NOT NULL,
        text TEXT NOT NULL,
        search TEXT,
        created REAL NOT NULL,
        finish TEXT NOT NULL,
        edited INTEGER NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX turn_scene ON turn (scene, id);
    CREATE INDEX turn_open ON turn (scene) WHERE finish = 'open';

    CREATE TABLE chosen (
        scene INTEGER NOT NULL REFERENCES scene (id),
        parent INTEGER NOT NULL,
        child INTEGER NOT NULL,
        PRIMARY KEY (scene, parent)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE hidden (
        scene INTEGER NOT NULL REFERENCES scene (id),
        turn INTEGER NOT NULL REFERENCES turn (id),
        PRIMARY KEY (scene, turn)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE journal (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        scene INTEGER NOT NULL REFERENCES scene (id),
        action TEXT NOT NULL,
        at REAL NOT NULL,
        changes TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX journal_scene ON journal (scene, undone, id);
    """,
    "ALTER TABLE turn ADD COLUMN continues INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE member ADD COLUMN facts TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE scene ADD COLUMN carried TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE journal ADD COLUMN bundle INTEGER NOT NULL DEFAULT 0",
    # The note is no longer so many turns in front of the end, but told every so many; muted sheets are one of `sheets`.
    """
    UPDATE scene SET settings = json_set(settings, '$.sheets', 'unmuted')
        WHERE settings ->> '$.sheets' = 'joined' AND settings ->> '$.muted_sheets' = 0;
    UPDATE scene SET settings = json_remove(settings, '$.note_depth', '$.muted_sheets');
    UPDATE journal SET changes = replace(changes, '"setting","note_depth"', '"setting","note_every"');
    """,
)


def identify(connection: apsw.Connection) -> int:
    """Return how many migrations the open database has had. Raises StoreError if it is not ours, or is newer."""
    application = connection.pragma("application_id")
    version = int(connection.pragma("user_version"))
    if application != APPLICATION_ID and (
        application or version or connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    ):
        raise StoreError("The database belongs to another program", "Choose another home with --home")
    if version > len(MIGRATIONS):
        raise StoreError("The database was written by a newer rpchat", "Update rpchat to open it")
    return version


def migrate(connection: apsw.Connection) -> None:
    """Bring the open database to the newest shape. Raises StoreError as `identify` does."""
    for number, statements in enumerate(MIGRATIONS[identify(connection) :], identify(connection) + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(statements)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
