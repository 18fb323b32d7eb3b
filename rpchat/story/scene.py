"""A scene: a cast, a persona, and a tree of turns of which one line is being told.

Invariants:
- Turns are never destroyed. A swipe is a sibling, a branch is another child, an edit is a new swipe, deleting hides.
- The told line is found by following `chosen` from the root (key 0), so every action is a few moved pointers, and
  undoing it moves them back. Functions that act return the changes; `apply` makes the next scene of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rpchat.story.card import Card
from rpchat.story.change import AnyChange, Change, MemberChange, SettingChange, TitleChange
from rpchat.story.persona import ANONYMOUS, Persona
from rpchat.story.text import one_line
from rpchat.story.turn import ROOT, Turn

Impersonation = Literal["cut", "keep", "hand over"]
"""What happens where a reply begins a line of somebody else's: it ends there; or goes on; or, where it is another
member's line, it ends and that member has the turn. A line of the user's is cut unless it is kept."""

OutOfCharacter = Literal["cut", "keep", "fold"]
"""What happens to a line outside the story, `((OOC: …))`: the reply ends there; or it stays; or it is put away, to be
looked at when asked for, and never told to the model again."""

TITLE_LENGTH = 200

NEVER = -1
"""`Member.left` of one who did not come (any more): its coming was undone."""

Sheets = Literal["joined", "unmuted", "own"]
"""Whose sheet stands in the prompt of a group: everybody's, so that the front never changes; theirs who are not muted;
or the speaker's alone."""


@dataclass(frozen=True, slots=True)
class Member:
    """A card in a scene. The card is kept with the scene: it plays on when the file is gone."""

    card_id: str
    card: Card
    muted: bool = False
    """Whether the member never speaks by itself."""
    away: bool = False
    """Whether the member is out of the room: where presence counts, what is said now stays unknown to it."""
    talks: float = -1.0
    """How readily the member speaks, 0 … 1; below 0 as its card says."""
    joined: int = 0
    """The turn behind which the member came in; 0: there from the beginning."""
    left: int = 0
    """The turn behind which the member went; 0: still there; `NEVER`: it did not come."""
    colour: int = 0
    """The number of the colour its name has, from 1; 0: the one that goes with its card."""

    @property
    def talkativeness(self) -> float:
        """How readily the member speaks, 0 … 1."""
        return self.card.talkativeness if self.talks < 0 else self.talks

    @property
    def here(self) -> bool:
        """Whether the member belongs to the scene now."""
        return self.left == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """What a scene remembers of how it is played."""

    model: str = ""
    preset: str = ""
    length: str = ""
    """How long replies should be, in the words of the format; empty leaves it to the model."""
    note: str = ""
    """The author's note: told to the model where it was set, and again from time to time."""
    note_every: int = 8
    """Behind how many turns it is told again."""
    note_since: int = 0
    """The latest turn there was when the note was set; 0: it was there from the beginning."""
    impersonation: Impersonation = "cut"
    out_of_character: OutOfCharacter = "cut"
    casting: str = ""
    """How it is decided who speaks next (`story.casting.Strategy`); empty: in the order of the cast."""
    sheets: Sheets = "joined"
    presence: bool = False
    """Whether members know only the turns they were present for."""
    scenario: str = ""
    """Replaces the scenarios of the cards."""
    first_kept: int = 0
    """The turn the prompt begins with; the ones before it no longer fit. 0: all fit."""

    def changed(self, values: Mapping[str, str | int]) -> SceneSettings:
        """Return the settings with those of the names in `values` changed."""
        return replace(self, **values)  # type: ignore[arg-type]  # the names are fields, each value of its type


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scene as a value: acting on it gives changes, applying them gives another scene."""

    id: int
    title: str
    cast: tuple[Member, ...]
    persona: Persona = ANONYMOUS
    settings: SceneSettings = field(default_factory=SceneSettings)
    turns: Mapping[int, Turn] = field(default_factory=dict)
    chosen: Mapping[int, int] = field(default_factory=dict)
    """Parent id to the child that is told. A missing key or 0 ends the line."""
    hidden: frozenset[int] = frozenset()
    carried: Mapping[str, object] = field(default_factory=dict)
    """What another program keeps with a chat and we have no place for, by its name; it goes out with the scene."""

    def member(self, card_id: str) -> Member:
        """Return the member of that card; KeyError if it is not in the cast."""
        for member in self.cast:
            if member.card_id == card_id:
                return member
        raise KeyError(card_id)

    def present(self) -> tuple[Member, ...]:
        """Return the members who belong to the scene now, in the order of the cast."""
        return tuple(member for member in self.cast if member.here)

    def witnesses(self) -> dict[str, object]:
        """Return what is noted with a turn told now of who is in the room; nothing where one is alone with the user."""
        if len(self.cast) == 1:
            return {}
        return {"present": [member.card_id for member in self.present() if not member.away]}

    def knows(self, card_id: str, turn: Turn) -> bool:
        """Return whether the member of that card was in the room when the turn was told, as far as that is noted."""
        witnesses = turn.record.get("present")
        return turn.member == card_id or not isinstance(witnesses, list) or card_id in witnesses

    def path(self) -> tuple[Turn, ...]:
        """Return every turn on the told line, hidden ones too, oldest first."""
        turns: list[Turn] = []
        turn_id = self.chosen.get(ROOT, 0)
        while turn_id:
            turns.append(self.turns[turn_id])
            turn_id = self.chosen.get(turn_id, 0)
        return tuple(turns)

    def line(self) -> tuple[Turn, ...]:
        """Return the told turns a reader sees, oldest first."""
        return tuple(turn for turn in self.path() if turn.id not in self.hidden)

    def last(self) -> Turn | None:
        """Return the last told turn a reader sees; None where there is none."""
        line = self.line()
        return line[-1] if line else None

    def line_before(self, turn: Turn) -> tuple[Turn, ...]:
        """Return the told turns that a version of `turn` answers."""
        line = self.line()
        at = next((at for at, told in enumerate(line) if told.parent == turn.parent), len(line))
        return line[:at]

    def tip(self) -> int:
        """Return the id under which the next turn is added: the end of the path, or the root."""
        path = self.path()
        return path[-1].id if path else ROOT

    def swipes(self, turn_id: int) -> tuple[Turn, ...]:
        """Return the visible versions of a turn in the order they were made, itself among them.

        Those of a turn that goes on from another version are the ones that go on from that same version.
        """
        told = self.turns[turn_id]
        return tuple(
            turn
            for turn in sorted(self.turns.values(), key=lambda turn: turn.id)
            if turn.parent == told.parent and turn.continues == told.continues and turn.id not in self.hidden
        )

    def furthest(self, turn_id: int) -> Turn:
        """Return the version in which `turn_id` goes on, and that one again, the newest each time; or itself."""
        going_on = [turn for turn in self.turns.values() if turn.continues == turn_id and turn.id not in self.hidden]
        return self.furthest(max(turn.id for turn in going_on)) if going_on else self.turns[turn_id]

    def apply(self, changes: Iterable[AnyChange]) -> Scene:
        """Return the scene with its pointers moved, its settings, title and members changed."""
        chosen, hidden, settings = dict(self.chosen), set(self.hidden), {}
        title, cast = self.title, list(self.cast)
        for change in changes:
            if isinstance(change, SettingChange):
                settings[change.name] = change.new
            elif isinstance(change, TitleChange):
                title = change.new
            elif isinstance(change, MemberChange):
                cast = [_changed(member, change) for member in cast]
            elif change.what == "chosen":
                chosen[change.key] = change.new
            elif change.new:
                hidden.add(change.key)
            else:
                hidden.discard(change.key)
        after = self.settings.changed(settings) if settings else self.settings
        return replace(
            self, title=title, cast=tuple(cast), chosen=chosen, hidden=frozenset(hidden), settings=after
        )  # fmt: skip

    def with_turn(self, turn: Turn) -> Scene:
        """Return the scene with `turn` added or, by id, replaced. Pointers stay."""
        return replace(self, turns={**self.turns, turn.id: turn})

    def choosing(self, turn_id: int) -> tuple[Change, ...]:
        """Return the changes that make `turn_id` the told version."""
        key = self._before(self.turns[turn_id].parent)
        old = self.chosen.get(key, 0)
        return () if old == turn_id else (Change("chosen", key, old, turn_id),)

    def adding(self, turn: Turn, *, instead_of: int = 0) -> tuple[Change, ...]:
        """Return the changes that bring a new turn into the told line. Undone, it is hidden again.

        With `instead_of`, a version of that turn that only words it differently: what was told behind it stays told.
        """
        key = self._before(turn.parent)
        changes = [Change("hidden", turn.id, 1, 0), Change("chosen", key, self.chosen.get(key, 0), turn.id)]
        following = self.chosen.get(instead_of, 0) if instead_of else 0
        if following:
            changes.append(Change("chosen", turn.id, 0, following))
        return tuple(changes)

    def setting(self, **values: str | int) -> tuple[SettingChange, ...]:
        """Return the changes that set these settings, those that are not so already."""
        now = {name: getattr(self.settings, name) for name in values}
        return tuple(SettingChange(name, now[name], new) for name, new in values.items() if now[name] != new)

    def retitling(self, title: str) -> tuple[TitleChange, ...]:
        """Return the changes that give the scene another title, if it is another one."""
        title = one_line(title, TITLE_LENGTH)
        return () if title == self.title else (TitleChange(self.title, title),)

    def casting(self, card_id: str, **values: float) -> tuple[MemberChange, ...]:
        """Return the changes that set these facts of a member, those that are not so already; KeyError without one."""
        member = self.member(card_id)
        now = {name: getattr(member, name) for name in values}
        return tuple(MemberChange(card_id, name, now[name], new) for name, new in values.items() if now[name] != new)

    def hiding(self, turn_id: int) -> tuple[Change, ...]:
        """Return the changes that delete a turn: it is hidden, and if it was the told end of the line and has other
        versions, the one before it (else the one behind it) is told instead; a continuation without others leaves the
        version it went on from. None if it is hidden already."""
        if turn_id in self.hidden:
            return ()
        turn = self.turns[turn_id]
        changes = [Change("hidden", turn_id, 0, 1)]
        told = self.chosen.get(self._before(turn.parent), 0) == turn_id
        if told and not self.chosen.get(turn_id, 0):
            others = [other.id for other in self.swipes(turn_id) if other.id != turn_id]
            earlier = [other for other in others if other < turn_id][-1:]
            stem = [turn.continues] if turn.continues not in (0, *self.hidden) else []
            for instead in (*earlier, *others, *stem)[:1]:
                changes += self.choosing(instead)
        return tuple(changes)

    def _before(self, parent: int) -> int:
        """The key whose `chosen` leads to the children of `parent`: the parent itself, or the other version of it that
        is told in its place."""
        key = ROOT
        for turn in self.path():
            if turn.parent == parent:
                return key
            key = turn.id
        return parent


def _changed(member: Member, change: MemberChange) -> Member:
    if member.card_id != change.card_id:
        return member
    kept = getattr(member, change.name)
    return replace(member, **{change.name: type(kept)(change.new)})
