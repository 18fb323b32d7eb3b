"""The lines that a scene's tree is told along: the told one, and one more for each branch that holds something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rpchat.story.scene import Scene
from rpchat.story.turn import ROOT, Turn


@dataclass(frozen=True, slots=True)
class Place:
    """One message of a line: the turn that is told there, and all visible versions of it, the told one among them."""

    told: Turn
    versions: tuple[Turn, ...]
    """By the same speaker: what somebody else says in its stead is a branch."""


Line = tuple[Place, ...]


def lines_of(scene: Scene) -> tuple[Line, ...]:
    """Return the told line, and behind it a line for each branch with turns that stand in no line before it.

    What was deleted stands in none, nor what was told behind it elsewhere than on the told line.
    """
    lineage = _Lineage(scene)
    path = scene.path()
    lines = [lineage.line(path)]
    covered = {turn.id for place in lines[0] for turn in place.versions}
    known = covered | {turn.id for turn in path}
    for turn in lineage.reachable(known):
        if turn.id not in covered:
            line = lineage.line(lineage.path_through(turn))
            covered |= {version.id for place in line for version in place.versions}
            lines.append(line)
    return tuple(lines)


class _Lineage:
    """A scene's turns by what they answer."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._children: dict[int, list[Turn]] = {}
        for _, turn in sorted(scene.turns.items()):
            self._children.setdefault(turn.parent, []).append(turn)

    def line(self, path: tuple[Turn, ...]) -> Line:
        """Return a path as places, without its hidden turns."""
        return tuple(
            Place(turn, tuple(one for one in self._visible(turn.parent) if _kind(one) == _kind(turn)))
            for turn in path
            if turn.id not in self._scene.hidden
        )

    def reachable(self, known: set[int]) -> Iterator[Turn]:
        """Yield the visible turns to which a reader can come, oldest first: those behind a turn that is `known` or that
        can be come to itself."""
        reached = {ROOT, *known}
        for _, turn in sorted(self._scene.turns.items()):
            if turn.parent in reached and turn.id not in self._scene.hidden:
                reached.add(turn.id)
                yield turn

    def path_through(self, turn: Turn) -> tuple[Turn, ...]:
        """Return a path from the beginning to `turn`, and on from there as it was told last."""
        before = [turn]
        while before[-1].parent != ROOT:
            before.append(self._scene.turns[before[-1].parent])
        path = before[::-1]
        while following := self._following(path[-1].id):
            path.append(following)
        return tuple(path)

    def _following(self, turn_id: int) -> Turn | None:
        """The turn told behind one, else the newest visible one that answers it."""
        chosen = self._scene.chosen.get(turn_id, 0)
        if chosen:
            return self._scene.turns[chosen]
        return next(reversed(self._visible(turn_id)), None)

    def _visible(self, parent: int) -> list[Turn]:
        return [turn for turn in self._children.get(parent, ()) if turn.id not in self._scene.hidden]


def _kind(turn: Turn) -> tuple[str, str, str, bool, bool]:
    """What a message says of all its versions at once."""
    return turn.side, turn.member, turn.speaker, turn.unheard, turn.narrated


def branching_places(line: Line, told: Line) -> int:
    """Return how many places a line has in common with the told one before it leaves it."""
    pairs = enumerate(zip(line, told, strict=False))
    return next((at for at, (one, other) in pairs if one.told.id != other.told.id), min(len(line), len(told)))
