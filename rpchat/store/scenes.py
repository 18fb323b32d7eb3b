"""The scenes on disk. What a method returned is committed, and survives whatever happens to the process.

A scene goes in as a value and comes out as the next one. One store is used by one thread at a time. Every action on
the turn tree is a row in the journal, which undo walks back and redo walks forward, also after reopening.
Order comes from ids and counters, never from the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import apsw

from rpchat.errors import StoreError
from rpchat.store import journal, rows, whole
from rpchat.store.database import connect, reporting, snapshot, transaction
from rpchat.store.listing import SceneSummary, last_played, latest_scene, summaries
from rpchat.store.settling import settle_scene
from rpchat.store.tree import move, save_settings
from rpchat.story.change import AnyChange
from rpchat.story.persona import Persona
from rpchat.story.scene import NEVER, Member, Scene, SceneSettings
from rpchat.story.text import clean
from rpchat.story.turn import ROOT, Turn

__all__ = ["SceneStore", "SceneSummary"]


class SceneStore:
    """The database of one home. Every method raises StoreError, in one line, if the database fails it."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> SceneStore:
        """Open the database at `path`; made, or brought to the newest shape, unless `read_only`."""
        return cls(connect(path, read_only=read_only))

    def close(self) -> None:
        """Close the database. May be called twice."""
        with reporting():
            self._connection.close()

    def create(
        self, *, title: str, cast: Sequence[Member], persona: Persona, settings: SceneSettings, now: float
    ) -> Scene:
        """Return a new scene without turns. Its cards are kept with it."""
        new = Scene(id=0, title=title, cast=tuple(cast), persona=persona, settings=settings)
        return self.add_whole(new, now=now)

    def add_whole(self, scene: Scene, *, now: float) -> Scene:
        """Store a scene with all its turns as a new one; return it with the ids it has from now on.

        Its own id does not count; its turns keep their times. Raises StoreError if its turns do not hang together.
        """
        with transaction(self._connection):
            return whole.add_whole(self._connection, scene, now=now)

    def load(self, scene_id: int) -> Scene:
        """Return a scene with the cards it was begun with."""
        with snapshot(self._connection):
            return rows.read_scene(self._connection, scene_id)

    def recent(self, *, limit: int, search: str = "") -> list[SceneSummary]:
        """Return scenes, the one played last first; with `search`, those that hold each of its words.

        Titles, names of the cast and turns that are not hidden are searched, as parts of words too, in any case.
        """
        with snapshot(self._connection):
            return summaries(self._connection, limit=limit, search=search)

    def latest_of(self, card_ids: Sequence[str]) -> int | None:
        """Return the id of the scene played last with exactly this cast, in any order; None if there is none."""
        with reporting():
            return latest_scene(self._connection, card_ids)

    def last_played(self) -> dict[str, float]:
        """Return by card id when a scene with that card was played last, in seconds since the epoch."""
        with reporting():
            return last_played(self._connection)

    def add_turn(self, scene: Scene, turn: Turn, *, now: float, action: str, instead_of: int = 0) -> tuple[Scene, Turn]:
        """Add a turn (its id and time are given here), bring it into the told line, and journal that as `action`.

        With `instead_of`, it only words that turn differently: what was told behind it stays told.
        """
        with transaction(self._connection):
            turn = self._insert(scene, turn, now=now)
            changes = scene.adding(turn, instead_of=instead_of)
            after = move(self._connection, scene.with_turn(turn), changes, action=action, now=now)
        return after, turn

    def add_member(self, scene: Scene, member: Member) -> Scene:
        """Keep a card with the scene, as a member who never came; actions bring it in and take it out again.

        Without effect for a card the scene has already.
        """
        if any(one.card_id == member.card_id for one in scene.cast):
            return scene
        member = replace(member, left=NEVER)
        with transaction(self._connection):
            self._connection.execute(whole.ADD_MEMBER, whole.member_row(scene.id, len(scene.cast), member))
        return replace(scene, cast=(*scene.cast, member))

    def duplicate(self, scene: Scene, *, title: str, now: float) -> Scene:
        """Return a new scene that holds everything of this one, turns, versions and settings, but not its journal."""
        return self.add_whole(replace(scene, title=title), now=now)

    def add_version(self, scene: Scene, turn: Turn, *, now: float) -> tuple[Scene, Turn]:
        """Add a turn that is not told: one more version for the reader to come to, which undo knows nothing of."""
        with transaction(self._connection):
            turn = self._insert(scene, turn, now=now)
        return scene.with_turn(turn), turn

    def update_turn(self, scene: Scene, turn: Turn) -> Scene:
        """Save the text, finish, record and `edited` of a turn that is there; nothing else of it is touched."""
        before = scene.turns.get(turn.id)
        if before is None:
            raise StoreError(f"There is no turn {turn.id} in this scene")
        text = clean(turn.text)
        turn = replace(before, text=text, finish=turn.finish, edited=turn.edited, record=dict(turn.record))
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE turn SET text = ?, search = ?, finish = ?, edited = ?, record = ? WHERE id = ? AND scene = ?",
                (text, rows.folded(text), turn.finish, turn.edited, rows.to_json(turn.record), turn.id, scene.id),
            )
            if not self._connection.changes():
                raise StoreError(f"There is no turn {turn.id} in this scene")
        return scene.with_turn(turn)

    def commit(self, scene: Scene, changes: Sequence[AnyChange], *, action: str, now: float) -> Scene:
        """Move pointers, change settings, and journal that as `action`. Without changes nothing is written."""
        if not changes:
            return scene
        with transaction(self._connection):
            return move(self._connection, scene, changes, action=action, now=now)

    def undo(self, scene: Scene) -> tuple[Scene, str] | None:
        """Take the latest action back; return the scene and the action's name, or None if there is none left."""
        with transaction(self._connection):
            return journal.walk(self._connection, scene, back=True)

    def redo(self, scene: Scene) -> tuple[Scene, str] | None:
        """Do the action undone last again; None if there is none, or another action came in between."""
        with transaction(self._connection):
            return journal.walk(self._connection, scene, back=False)

    def journal_end(self, scene: Scene) -> int:
        """Return the number of the latest action; 0 if nothing was done yet."""
        with snapshot(self._connection):
            return journal.end(self._connection, scene.id)

    def bundle(self, scene: Scene, *, since: int, action: str) -> None:
        """Make one action, called `action`, of all that were done after the one numbered `since`."""
        with transaction(self._connection):
            journal.bundle(self._connection, scene.id, since=since, action=action)

    def settle(self, scene_id: int | None = None) -> int:
        """Mark turns a crash left open as interrupted, and hide the empty ones; in one scene, or in all.

        To be called by the only writer, before it writes. Returns how many turns there were.
        """
        query = "SELECT DISTINCT scene FROM turn WHERE finish = 'open'"
        with transaction(self._connection):
            found = [int(str(row[0])) for row in self._connection.execute(query)]
            wanted = [one for one in found if scene_id in (None, one)]
            return sum(settle_scene(self._connection, one) for one in wanted)

    def save_settings(self, scene: Scene, settings: SceneSettings) -> Scene:
        """Save how the scene is played, without journaling it."""
        after = replace(scene, settings=settings)
        with transaction(self._connection):
            save_settings(self._connection, after)
        return after

    def check(self) -> bool:
        """Whether the database is whole: every page, every index, every reference."""
        with reporting():
            try:
                verdict = self._connection.pragma("integrity_check", 1)
                orphan = self._connection.execute("PRAGMA foreign_key_check").fetchone()
            except apsw.CorruptError:
                return False
        return verdict == "ok" and orphan is None

    def _insert(self, scene: Scene, turn: Turn, *, now: float) -> Turn:
        """Store a turn and return it as it is stored, with its id."""
        if turn.parent != ROOT and turn.parent not in scene.turns:
            raise StoreError(f"There is no turn {turn.parent} in this scene")
        turn = whole.cleaned(replace(turn, created=now))
        self._connection.execute(whole.ADD_TURN, whole.turn_row(scene.id, turn, turn_id=None))
        return replace(turn, id=self._connection.last_insert_rowid())
