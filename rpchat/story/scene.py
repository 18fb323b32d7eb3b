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
from rpchat.story.persona import ANONYMOUS, Persona

Side = Literal["user", "member"]

ROOT = 0
"""The parent of a first turn. Turn ids are 1 and up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message. `created` is in seconds since the epoch, UTC."""

    id: int
    parent: int
    side: Side
    speaker: str
    """The name on the line, as it was when it was said."""
    member: str = ""
    """The card id of a member's turn; empty for the user's."""
    text: str = ""
    created: float = 0.0
    finish: str = ""
    """Why the reply ended (`eos`, `length`, `cancelled` …); empty for typed text; `open` while it is being written."""
    edited: bool = False
    record: Mapping[str, object] = field(default_factory=dict)
    """The story of the turn: attempts, token counts, times, token ids. JSON values only."""


@dataclass(frozen=True, slots=True)
class Member:
    """A card in a scene. The card is kept with the scene: it plays on when the file is gone."""

    card_id: str
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """What a scene remembers of how it is played."""

    model: str = ""
    preset: str = ""
    length: str = ""
    """How long replies should be, in the words of the format; empty leaves it to the model."""
    note: str = ""
    """The author's note: told to the model near the end of every prompt."""
    note_depth: int = 2
    """How many turns stand behind the note."""
    first_kept: int = 0
    """The turn the prompt begins with; the ones before it no longer fit. 0: all fit."""


@dataclass(frozen=True, slots=True)
class Change:
    """One pointer moved by an action: `chosen[key]` or `hidden[key]`, from `old` to `new`."""

    what: Literal["chosen", "hidden"]
    key: int
    old: int
    new: int

    def reversed(self) -> Change:
        """Return the change that takes this one back."""
        return replace(self, old=self.new, new=self.old)


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

    def member(self, card_id: str) -> Member:
        """Return the member of that card; KeyError if it is not in the cast."""
        for member in self.cast:
            if member.card_id == card_id:
                return member
        raise KeyError(card_id)

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

    def tip(self) -> int:
        """Return the id under which the next turn is added: the end of the path, or the root."""
        path = self.path()
        return path[-1].id if path else ROOT

    def swipes(self, turn_id: int) -> tuple[Turn, ...]:
        """Return the visible versions of a turn in the order they were made, itself among them."""
        parent = self.turns[turn_id].parent
        return tuple(
            turn
            for turn in sorted(self.turns.values(), key=lambda turn: turn.id)
            if turn.parent == parent and turn.id not in self.hidden
        )

    def apply(self, changes: Iterable[Change]) -> Scene:
        """Return the scene with the pointers moved."""
        chosen, hidden = dict(self.chosen), set(self.hidden)
        for change in changes:
            if change.what == "chosen":
                chosen[change.key] = change.new
            elif change.new:
                hidden.add(change.key)
            else:
                hidden.discard(change.key)
        return replace(self, chosen=chosen, hidden=frozenset(hidden))

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

    def hiding(self, turn_id: int) -> tuple[Change, ...]:
        """Return the changes that delete a turn: it is hidden, and if it was the told end of the line and has other
        versions, the one before it (else the one behind it) is told instead. None if it is hidden already."""
        if turn_id in self.hidden:
            return ()
        changes = [Change("hidden", turn_id, 0, 1)]
        told = self.chosen.get(self._before(self.turns[turn_id].parent), 0) == turn_id
        if told and not self.chosen.get(turn_id, 0):
            others = [turn for turn in self.swipes(turn_id) if turn.id != turn_id]
            if others:
                earlier = [turn for turn in others if turn.id < turn_id]
                changes += self.choosing((earlier[-1] if earlier else others[0]).id)
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
