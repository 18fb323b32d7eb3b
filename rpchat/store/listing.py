"""Lists of scenes: the recent ones, the ones a search finds, the latest of a cast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from rpchat.store.rows import cast_key
from rpchat.story.text import fold, one_line

_TEXT_LENGTH = 200

_SUMMARY = """
SELECT scene.id, scene.title, scene.updated, scene.told, turn.speaker, substr(turn.text, 1, 1000)
FROM scene LEFT JOIN turn ON turn.id = scene.last_turn
"""

_HOLDS = """(
    instr(scene.search, ?) OR EXISTS (
        SELECT 1 FROM turn AS found
        WHERE found.scene = scene.id AND instr(coalesce(found.search, found.text), ?)
        AND NOT EXISTS (SELECT 1 FROM hidden WHERE hidden.scene = scene.id AND hidden.turn = found.id)
    )
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSummary:
    """A scene as lists show it."""

    id: int
    title: str
    cast: tuple[str, ...]
    """The names of its members."""
    card_ids: tuple[str, ...]
    last_speaker: str
    """Who spoke last; empty in a scene without turns."""
    last_text: str
    """What was said last, shortened, in one line."""
    updated: float
    """Seconds since the epoch."""
    turns: int
    """Turns on the told line."""


def summaries(connection: apsw.Connection, *, limit: int, search: str) -> list[SceneSummary]:
    """Return scenes, the one played last first, that hold every word of `search`."""
    words = fold(search).split()
    where = "WHERE " + " AND ".join([_HOLDS] * len(words)) if words else ""
    found = connection.execute(
        f"{_SUMMARY} {where} ORDER BY scene.touched DESC LIMIT ?",
        [*(word for word in words for _ in range(2)), limit],
    ).fetchall()
    return [_summary(connection, row) for row in found]


def latest_scene(connection: apsw.Connection, card_ids: Sequence[str]) -> int | None:
    """Return the id of the scene played last with exactly these cards."""
    row = connection.execute(
        "SELECT id FROM scene WHERE cast_key = ? ORDER BY touched DESC LIMIT 1", (cast_key(card_ids),)
    ).fetchone()
    return int(str(row[0])) if row else None


def last_played(connection: apsw.Connection) -> dict[str, float]:
    """Return by card id when a scene with that card was played last, in seconds since the epoch."""
    rows = connection.execute(
        "SELECT member.card_id, max(scene.updated) FROM member JOIN scene ON scene.id = member.scene"
        " GROUP BY member.card_id"
    )
    return {str(card_id): float(str(updated)) for card_id, updated in rows}


def _summary(connection: apsw.Connection, row: Sequence[apsw.SQLiteValue]) -> SceneSummary:
    scene_id, title, updated, told, speaker, text = row
    members = connection.execute(
        "SELECT name, card_id FROM member WHERE scene = ? ORDER BY place", (scene_id,)
    ).fetchall()
    return SceneSummary(
        id=int(str(scene_id)),
        title=str(title),
        cast=tuple(str(name) for name, _ in members),
        card_ids=tuple(str(card_id) for _, card_id in members),
        last_speaker=str(speaker or ""),
        last_text=one_line(str(text or ""), _TEXT_LENGTH),
        updated=float(str(updated)),
        turns=int(str(told)),
    )
