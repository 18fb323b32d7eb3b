"""A whole scene put into the database at once: a new one, a copy, one from elsewhere. Inside a transaction only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import apsw

from rpchat.errors import StoreError
from rpchat.store import rows
from rpchat.store.tree import touch
from rpchat.story.scene import NEVER, TITLE_LENGTH, Member, Scene, SceneSettings
from rpchat.story.text import clean, one_line
from rpchat.story.turn import ROOT, Turn

ADD_MEMBER = "INSERT INTO member (scene, place, card_id, name, card, facts) VALUES (?, ?, ?, ?, ?, ?)"
ADD_TURN = (
    "INSERT INTO turn (scene, parent, side, speaker, member, text, search, created, finish, edited, continues, record,"
    " id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""With NULL for an id, the next one is given."""

_TURNS_OF_SETTINGS = ("note_since", "first_kept")
"""Settings that name a turn."""


def add_whole(connection: apsw.Connection, scene: Scene, *, now: float) -> Scene:
    """Store `scene` as a new one under ids of its own, and return it with those.

    Title, names and texts are cleaned; turns keep their order, their times and what their records say. Nothing is
    journaled. Raises StoreError if a turn, a pointer or a member names a turn that is not there, or one that could lead
    in a circle.
    """
    for key, child in scene.chosen.items():
        if child and not rows.follows(child, key, scene.turns):
            raise StoreError(f"Turn {child} does not follow turn {key}")
    ids = _new_ids(connection, scene.turns)
    scene = _renamed(scene, ids)
    connection.execute(
        "INSERT INTO scene (title, persona, settings, cast_key, search, created, updated, touched, carried)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
        (scene.title, rows.sheet_json(scene.persona), rows.settings_json(scene.settings),
         rows.cast_key(member.card_id for member in scene.cast), rows.search_of(scene.title, scene.cast), now, now,
         rows.to_json(scene.carried)),
    )  # fmt: skip
    scene = replace(scene, id=connection.last_insert_rowid())
    connection.executemany(ADD_MEMBER, [member_row(scene.id, place, member) for place, member in enumerate(scene.cast)])
    connection.executemany(ADD_TURN, (turn_row(scene.id, turn, turn_id=turn.id) for turn in scene.turns.values()))
    connection.executemany(
        "INSERT INTO chosen (scene, parent, child) VALUES (?, ?, ?)",
        ((scene.id, key, child) for key, child in scene.chosen.items()),
    )
    connection.executemany(
        "INSERT INTO hidden (scene, turn) VALUES (?, ?)", ((scene.id, turn_id) for turn_id in scene.hidden)
    )
    touch(connection, scene, now=now)
    return scene


def member_row(scene_id: int, place: int, member: Member) -> tuple[int | str, ...]:
    """Return the values of `ADD_MEMBER` for a member, whose card is kept with the scene."""
    card = member.card
    return scene_id, place, member.card_id, card.name, rows.sheet_json(card), rows.facts_json(member)


def turn_row(scene_id: int, turn: Turn, *, turn_id: int | None) -> tuple[int | str | float | None, ...]:
    """Return the values of `ADD_TURN` for a turn whose texts are clean."""
    return (
        scene_id, turn.parent, turn.side, turn.speaker, turn.member, turn.text, rows.folded(turn.text), turn.created,
        turn.finish, turn.edited, turn.continues, rows.to_json(turn.record), turn_id,
    )  # fmt: skip


def cleaned(turn: Turn, ids: Mapping[int, int] | None = None) -> Turn:
    """Return a turn as it is stored, with what `ids` makes of its ids: without anything a terminal could obey."""
    moved = (turn.id, turn.parent, turn.continues)
    turn_id, parent, continues = (ids[one] for one in moved) if ids is not None else moved
    # All in one go: a chat that is taken in has tens of thousands of turns.
    return replace(
        turn, id=turn_id, parent=parent, continues=continues, speaker=clean(turn.speaker), text=clean(turn.text),
        record=dict(turn.record),
    )  # fmt: skip


def _new_ids(connection: apsw.Connection, turns: Iterable[int]) -> dict[int, int]:
    """Return the ids that turns get, in the same order: the next ones that no turn ever had."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'turn'").fetchone()
    next_id = int(str(row[0])) + 1 if row else 1
    return {NEVER: NEVER, ROOT: ROOT} | {turn_id: new for new, turn_id in enumerate(sorted(turns), next_id)}


def _renamed(scene: Scene, ids: Mapping[int, int]) -> Scene:
    """Return the scene under the new ids, its texts cleaned. A turn's parent must have come before it."""
    try:
        turns = {ids[turn_id]: _moved(turn, ids) for turn_id, turn in sorted(scene.turns.items())}
        return replace(
            scene,
            title=one_line(scene.title, TITLE_LENGTH),
            cast=tuple(replace(member, joined=ids[member.joined], left=ids[member.left]) for member in scene.cast),
            settings=_settings(scene.settings, ids),
            turns=turns,
            chosen={ids[key]: ids[child] for key, child in scene.chosen.items() if child},
            hidden=frozenset(ids[turn_id] for turn_id in scene.hidden),
        )
    except KeyError as error:
        raise StoreError(f"There is no turn {error} in this scene") from error


def _moved(turn: Turn, ids: Mapping[int, int]) -> Turn:
    if turn.parent not in ids or not (ROOT <= turn.parent < turn.id > turn.continues >= 0):
        raise StoreError(f"Turn {turn.id} follows turn {turn.parent}, which is not there or came later")
    return cleaned(turn, ids)


def _settings(settings: SceneSettings, ids: Mapping[int, int]) -> SceneSettings:
    """Return the settings under the new ids; a turn that is not there is as good as none."""
    return settings.changed({name: ids.get(getattr(settings, name), ROOT) for name in _TURNS_OF_SETTINGS})
