"""What a crash left behind: turns that were being written. Called inside a transaction only."""

from __future__ import annotations

import apsw

from rpchat.store import rows
from rpchat.store.tree import move
from rpchat.story.change import Change
from rpchat.story.scene import Scene


def settle_scene(connection: apsw.Connection, scene_id: int) -> int:
    """Close the open turns of a scene: with text they are interrupted replies, without they are hidden.

    Returns how many there were.
    """
    scene = rows.read_scene(connection, scene_id)
    left_open = [turn for turn in scene.turns.values() if turn.finish == "open"]
    connection.execute("UPDATE turn SET finish = 'interrupted' WHERE scene = ? AND finish = 'open'", (scene_id,))
    for turn in reversed(left_open):
        if not turn.text.strip() and turn.id not in scene.hidden:
            scene = _take_back(connection, scene, turn.id)
    return len(left_open)


def _take_back(connection: apsw.Connection, scene: Scene, turn_id: int) -> Scene:
    """Hide an empty turn as if it had never been asked for, if nothing has been done since; else as a deletion."""
    row = connection.execute(
        "SELECT id, changes FROM journal WHERE scene = ? ORDER BY id DESC LIMIT 1", (scene.id,)
    ).fetchone()
    if row is not None:
        changes = rows.changes_from(str(row[1]))
        if Change("hidden", turn_id, 1, 0) in changes:
            connection.execute("DELETE FROM journal WHERE id = ?", (row[0],))
            undoing = [change.reversed() for change in reversed(changes)]
            return move(connection, scene, undoing, action=None, now=None)
    return move(connection, scene, scene.hiding(turn_id), action="delete", now=None)
