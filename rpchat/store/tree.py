"""A scene's pointers, settings and title, changed on disk as in the value. Called inside a transaction only."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from rpchat.store import rows
from rpchat.story.change import AnyChange, Change, MemberChange
from rpchat.story.scene import Scene


def move(
    connection: apsw.Connection, scene: Scene, changes: Sequence[AnyChange], *, action: str | None, now: float | None
) -> Scene:
    """Apply `changes` to the scene and to its rows, and return the next scene.

    With an `action`, they are journaled under its name and what could be redone no longer can be; without, they
    come from the journal themselves. Without a time the scene keeps the one it has.
    """
    after = scene.apply(changes)
    for change in changes:
        if isinstance(change, Change):
            _point(connection, scene.id, change)
        elif isinstance(change, MemberChange):
            _save_member(connection, after, change.card_id)
    if after.settings != scene.settings:
        save_settings(connection, after)
    if after.title != scene.title:
        connection.execute(
            "UPDATE scene SET title = ?, search = ? WHERE id = ?",
            (after.title, rows.search_of(after.title, after.cast), scene.id),
        )
    if action is not None:
        connection.execute("DELETE FROM journal WHERE scene = ? AND undone = 1", (scene.id,))
        connection.execute(
            "INSERT INTO journal (scene, action, at, changes)"
            " SELECT id, ?, coalesce(?, updated), ? FROM scene WHERE id = ?",
            (action, now, rows.changes_json(changes), scene.id),
        )
    touch(connection, after, now=now)
    return after


def touch(connection: apsw.Connection, scene: Scene, *, now: float | None) -> None:
    """Make the scene the one played last (at `now`, if given), and note what lists tell of it."""
    line = scene.line()
    connection.execute(
        "UPDATE scene SET updated = coalesce(?, updated), last_turn = ?, told = ?,"
        " touched = (SELECT max(touched) + 1 FROM scene) WHERE id = ?",
        (now, line[-1].id if line else 0, len(line), scene.id),
    )


def save_settings(connection: apsw.Connection, scene: Scene) -> None:
    """Write the scene's settings down."""
    connection.execute("UPDATE scene SET settings = ? WHERE id = ?", (rows.settings_json(scene.settings), scene.id))


def _save_member(connection: apsw.Connection, scene: Scene, card_id: str) -> None:
    connection.execute(
        "UPDATE member SET facts = ? WHERE scene = ? AND card_id = ?",
        (rows.facts_json(scene.member(card_id)), scene.id, card_id),
    )


def _point(connection: apsw.Connection, scene_id: int, change: Change) -> None:
    if change.what == "chosen":
        connection.execute(
            "INSERT INTO chosen (scene, parent, child) VALUES (?, ?, ?)"
            " ON CONFLICT (scene, parent) DO UPDATE SET child = excluded.child",
            (scene_id, change.key, change.new),
        )
    elif change.new:
        connection.execute("INSERT OR IGNORE INTO hidden (scene, turn) VALUES (?, ?)", (scene_id, change.key))
    else:
        connection.execute("DELETE FROM hidden WHERE scene = ? AND turn = ?", (scene_id, change.key))
