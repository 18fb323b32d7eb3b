"""A database of an earlier rpchat is brought to today's shape, and nothing in it is lost."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import apsw

from rpchat.store.migrations import APPLICATION_ID, MIGRATIONS
from rpchat.store.scenes import SceneStore
from rpchat.story.scene import SceneSettings

BEFORE_NOTES_STAYED = 4
"""Migrations there were while a note was so many turns in front of the end."""


def earlier(database: Path, settings: dict[str, object], changes: list[list[object]]) -> None:
    """Make the database of an earlier version, with one scene in it and one action in its journal."""
    connection = apsw.Connection(str(database))
    for statements in MIGRATIONS[:BEFORE_NOTES_STAYED]:
        connection.execute(statements)
    connection.pragma("user_version", BEFORE_NOTES_STAYED)
    connection.pragma("application_id", APPLICATION_ID)
    connection.execute(
        "INSERT INTO scene (title, persona, settings, cast_key, search, created, updated, touched)"
        """ VALUES ('x', '{"name":"Ann"}', ?, '', '', 1, 1, 1)""",
        (json.dumps(settings),),
    )
    connection.execute(
        "INSERT INTO journal (scene, action, at, changes) VALUES (1, 'note', 1, ?)",
        (json.dumps(changes, separators=(",", ":")),),
    )
    connection.close()


def test_settings_of_notes_and_sheets_are_carried_over(tmp_path: Path) -> None:
    old = {name: value for name, value in asdict(SceneSettings(note="rain")).items() if not name.startswith("note_")}
    changes: list[list[object]] = [["setting", "note", "", "rain"], ["setting", "note_depth", 2, 4]]
    earlier(tmp_path / "db", {**old, "note_depth": 4, "muted_sheets": False}, changes)
    store = SceneStore.open(tmp_path / "db")
    try:
        scene = store.load(1)
        assert scene.settings == SceneSettings(note="rain", sheets="unmuted")
        undone = store.undo(scene)
        assert undone is not None
        assert undone[0].settings.note == ""
        assert store.load(1) == undone[0]
    finally:
        store.close()
