"""The journal of a scene: what was done, one row an action, for undo to walk back and redo to walk forward.

Rows that were bundled are one action to the reader. Called inside a transaction only.
"""

from __future__ import annotations

import apsw

from rpchat.store import rows
from rpchat.store.tree import move
from rpchat.story.scene import Scene

_COLUMNS = "SELECT id, action, changes, bundle FROM journal WHERE scene = ?"
_LAST_DONE = f"{_COLUMNS} AND undone = 0 ORDER BY id DESC LIMIT 1"
_FIRST_UNDONE = f"{_COLUMNS} AND undone = 1 ORDER BY id LIMIT 1"
_BUNDLE = "UPDATE journal SET bundle = ?, action = ? WHERE scene = ? AND id > ? AND undone = 0"


def end(connection: apsw.Connection, scene_id: int) -> int:
    """Return the number of the latest action; 0 if nothing was done yet."""
    row = connection.execute(_LAST_DONE, (scene_id,)).fetchone()
    return int(str(row[0])) if row else 0


def bundle(connection: apsw.Connection, scene_id: int, *, since: int, action: str) -> None:
    """Make one action, called `action`, of all that were done after the one numbered `since`."""
    connection.execute(_BUNDLE, (since + 1, action, scene_id, since))


def walk(connection: apsw.Connection, scene: Scene, *, back: bool) -> tuple[Scene, str] | None:
    """Take the latest action back, or do the latest undone one again; return the scene and the action's name, or None
    if there is none."""
    query = _LAST_DONE if back else _FIRST_UNDONE
    row = connection.execute(query, (scene.id,)).fetchone()
    if row is None:
        return None
    _, action, _, bundled = row
    while row is not None and row[3] == bundled:
        changes = rows.changes_from(str(row[2]))
        if back:
            changes = tuple(change.reversed() for change in reversed(changes))
        scene = move(connection, scene, changes, action=None, now=None)
        connection.execute("UPDATE journal SET undone = ? WHERE id = ?", (int(back), row[0]))
        row = connection.execute(query, (scene.id,)).fetchone() if bundled else None
    return scene, str(action)
