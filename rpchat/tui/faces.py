"""A scene as its page shows it: one `Face` for every turn on the told line, with the marks of its name line. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rpchat.story.scene import Scene, Turn
from rpchat.tui.themes import name_variable

_CUT = frozenset({"user_turn", "other_turn", "ooc", "loop"})
"""The ends of a reply that took something away from what the model wrote."""

USER_COLOUR = "$speech"
"""Neutral: whatever colours the members have, the user's name is none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What a turn looks like. Two equal faces are drawn alike."""

    turn_id: int
    name: str
    colour: str
    """A theme variable."""
    text: str
    marks: str = ""
    swipes: int = 1
    writing: bool = False

    def with_text(self, text: str, *, writing: bool) -> Face:
        """Return the face with another text, while it is written or when it is done."""
        return replace(self, text=text, writing=writing)


def faces(scene: Scene) -> list[Face]:
    """Return the faces of the told line, oldest first."""
    versions = _versions(scene)
    return [_face(turn, versions[turn.parent]) for turn in scene.line()]


def _face(turn: Turn, versions: list[int]) -> Face:
    return Face(
        turn_id=turn.id,
        name=turn.speaker,
        colour=USER_COLOUR if turn.side == "user" else name_variable(turn.member),
        text=turn.text,
        marks=marks(turn, place=versions.index(turn.id) + 1, of=len(versions)),
        swipes=len(versions),
    )


def marks(turn: Turn, *, place: int, of: int) -> str:
    """Return the marks of a name line: ✂ something was cut, ↻2 second try, ✎ edited, ‹2/4› version."""
    found = []
    if turn.finish in _CUT:
        found.append("✂")
    attempts = turn.record.get("attempts")
    tries = len(attempts) if isinstance(attempts, (list, tuple)) else attempts
    if isinstance(tries, int) and tries > 1:
        found.append(f"↻{tries}")
    if turn.edited:
        found.append("✎")
    if of > 1:
        found.append(f"‹{place}/{of}›")
    return " ".join(found)


def _versions(scene: Scene) -> Mapping[int, list[int]]:
    """Return the ids of the visible children of every turn, in the order they were made."""
    children: dict[int, list[int]] = defaultdict(list)
    for turn_id in sorted(scene.turns):
        if turn_id not in scene.hidden:
            children[scene.turns[turn_id].parent].append(turn_id)
    return children
