"""Scenes as rows and back: the JSON in the database's columns, and what one row becomes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import apsw

from rpchat.errors import RpchatError, StoreError
from rpchat.store.parsing import parse
from rpchat.story.card import Card
from rpchat.story.change import AnyChange, Change, MemberChange, SettingChange, TitleChange
from rpchat.story.persona import Persona
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.text import fold
from rpchat.story.turn import Turn

T = TypeVar("T", Card, Persona)

_HEAD = "SELECT title, persona, settings, carried FROM scene WHERE id = ?"
_TURNS = """
SELECT id, parent, side, speaker, member, text, created, finish, edited, continues, record
FROM turn WHERE scene = ? ORDER BY id
"""


# Made once: `json.dumps` makes one for every value that is not told as it comes.
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def to_json(value: object) -> str:
    """Return JSON for a column. Only ASCII: half a surrogate pair cannot be stored otherwise."""
    return _ENCODER.encode(value)


def sheet_json(value: Card | Persona) -> str:
    """Return a card or a persona as JSON."""
    return to_json(asdict(value))


def settings_json(settings: SceneSettings) -> str:
    """Return a scene's settings as JSON."""
    return to_json(asdict(settings))


_SETTING, _TITLE, _MEMBER = "setting", "title", "member"
_FACTS = ("muted", "away", "talks", "joined", "left", "colour")


def changes_json(changes: Iterable[AnyChange]) -> str:
    """Return what an action changed as JSON rows `[what, key, old, new]`; a member's key is `[card id, field]`."""
    return to_json([[*_what(change), change.old, change.new] for change in changes])


def _what(change: AnyChange) -> tuple[str, object]:
    if isinstance(change, SettingChange):
        return _SETTING, change.name
    if isinstance(change, TitleChange):
        return _TITLE, ""
    if isinstance(change, MemberChange):
        return _MEMBER, [change.card_id, change.name]
    return change.what, change.key


def _change(what: str, key: Any, old: Any, new: Any) -> AnyChange:
    if what == _SETTING:
        return SettingChange(key, old, new)
    if what == _TITLE:
        return TitleChange(old, new)
    if what == _MEMBER:
        card_id, name = key
        return MemberChange(card_id, name, old, new)
    return Change("chosen" if what == "chosen" else "hidden", key, old, new)


def facts_json(member: Member) -> str:
    """Return what a scene knows of a member beside its card as JSON."""
    return to_json({name: getattr(member, name) for name in _FACTS})


def changes_from(text: str) -> tuple[AnyChange, ...]:
    """Return what the action of a journal row changed."""
    return tuple(_change(*row) for row in json.loads(text))


def cast_key(card_ids: Iterable[str]) -> str:
    """Return what two scenes of the same cast have in common, whatever the order."""
    return json.dumps(sorted(card_ids), ensure_ascii=False)


def search_of(title: str, cast: Sequence[Member]) -> str:
    """Return what a search sees of a scene beside its turns."""
    return fold("\n".join([title, *(member.card.name for member in cast)]))


def folded(text: str) -> str | None:
    """Return what a search looks at instead of `text`, None if it is the same."""
    search = fold(text)
    return None if search == text else search


def _turn(row: Sequence[apsw.SQLiteValue]) -> Turn:
    """Return the turn of a row of `_TURNS`."""
    turn_id, parent, side, speaker, member, text, created, finish, edited, continues, record = row
    return Turn(
        id=_int(turn_id),
        parent=_int(parent),
        side="user" if side == "user" else "member",
        speaker=str(speaker),
        member=str(member),
        text=str(text),
        created=_float(created),
        finish=str(finish),
        edited=bool(edited),
        continues=_int(continues),
        record=json.loads(str(record)),
    )


def read_scene(connection: apsw.Connection, scene_id: int) -> Scene:
    """Return the scene of that id. Raises StoreError if there is none, or its rows cannot be understood."""
    head = connection.execute(_HEAD, (scene_id,)).fetchone()
    if head is None:
        raise StoreError(f"There is no scene {scene_id}")
    title, persona, settings, carried = (str(value) for value in head)
    turns = connection.execute(_TURNS, (scene_id,))
    try:
        by_id = {turn.id: turn for turn in map(_turn, turns)}
        return Scene(
            id=scene_id,
            title=title,
            cast=tuple(_members(connection, scene_id)),
            persona=_sheet(Persona, persona, "the persona of the scene"),
            settings=SceneSettings(**json.loads(settings)),
            turns=by_id,
            chosen=_pointers(connection, scene_id, by_id),
            hidden=_hidden(connection, scene_id),
            carried=json.loads(carried),
        )
    except (RpchatError, ValueError, TypeError) as error:
        raise StoreError(f"Scene {scene_id} cannot be read: {error}") from error


def _members(connection: apsw.Connection, scene_id: int) -> Iterable[Member]:
    rows = connection.execute("SELECT card_id, card, facts FROM member WHERE scene = ? ORDER BY place", (scene_id,))
    for card_id, card, facts in rows:
        sheet = _sheet(Card, str(card), f"the scene's copy of {card_id}")
        yield Member(str(card_id), sheet, **json.loads(str(facts)))


def _pointers(connection: apsw.Connection, scene_id: int, turns: Mapping[int, Turn]) -> Mapping[int, int]:
    rows = connection.execute("SELECT parent, child FROM chosen WHERE scene = ?", (scene_id,))
    chosen = {_int(parent): _int(child) for parent, child in rows}
    for key, child in chosen.items():
        if child and not follows(child, key, turns):
            raise StoreError(f"turn {child} does not follow turn {key}")
    return chosen


def follows(child: int, key: int, turns: Mapping[int, Turn]) -> bool:
    """Whether `child` was said under turn `key` or under another version of it: one step down the tree, so that no
    line can lead in a circle."""
    if child not in turns:
        return False
    parent = turns[child].parent
    if parent == key:
        return True
    return parent in turns and key in turns and turns[parent].parent == turns[key].parent


def _hidden(connection: apsw.Connection, scene_id: int) -> frozenset[int]:
    rows = connection.execute("SELECT turn FROM hidden WHERE scene = ?", (scene_id,))
    return frozenset(_int(turn) for (turn,) in rows)


def _sheet(kind: type[T], text: str, name: str) -> T:
    return parse(kind, json.loads(text), name=name)


def _int(value: apsw.SQLiteValue) -> int:
    assert isinstance(value, int)
    return value


def _float(value: apsw.SQLiteValue) -> float:
    assert isinstance(value, int | float)
    return float(value)
