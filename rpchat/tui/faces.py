"""A scene as its page shows it: one `Face` for every turn on the told line, with the marks of its name line. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rpchat.story.scene import Scene
from rpchat.story.turn import Turn
from rpchat.tui.glosses import folded, removed
from rpchat.tui.themes import member_variable, name_variable

_CUT = frozenset({"user_turn", "other_turn", "ooc", "loop"})
"""The ends of a reply that took something away from what the model wrote."""

_FOLDED = {"reasoning": "…thought", "ooc": "…OOC"}

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
    """How many versions its marks lead to, itself among them."""
    writing: bool = False

    def with_text(self, text: str, *, writing: bool) -> Face:
        """Return the face with another text, while it is written or when it is done."""
        return replace(self, text=text, writing=writing)


def faces(scene: Scene) -> list[Face]:
    """Return the faces of the told line, oldest first."""
    versions = _versions(scene)
    colours = {member.card_id: member_variable(member) for member in scene.cast}
    return [_face(turn, versions[turn.parent, turn.continues], colours) for turn in scene.line()]


def _face(turn: Turn, versions: list[int], colours: Mapping[str, str]) -> Face:
    return Face(
        turn_id=turn.id,
        name=turn.speaker,
        colour=USER_COLOUR if turn.side == "user" else colours.get(turn.member) or name_variable(turn.member),
        text=turn.text,
        marks=marks(turn, place=versions.index(turn.id) + 1, of=len(versions)),
        swipes=len(versions) + bool(turn.continues),
    )


def marks(turn: Turn, *, place: int, of: int) -> str:
    """Return the marks of a name line: …thought and …OOC put away, ✂ something was cut, ↻2 second try, ✎ edited,
    ◌ never told to the model, ‹2/4› version, + goes on from another version."""
    kinds = {kind for kind, _ in folded(turn)}
    found = [mark for kind, mark in _FOLDED.items() if kind in kinds]
    if turn.finish in _CUT or removed(turn):
        found.append("✂")
    attempts = turn.record.get("attempts")
    if isinstance(attempts, int) and attempts > 1:
        found.append(f"↻{attempts}")
    if turn.edited:
        found.append("✎")
    if turn.unheard:
        found.append("◌")
    if turn.continues or of > 1:
        found.append(("+" if turn.continues else "") + (f"‹{place}/{of}›" if of > 1 else ""))
    return " ".join(found)


def _versions(scene: Scene) -> Mapping[tuple[int, int], list[int]]:
    """Return the ids of the visible versions that stand in one place (parent, version gone on from), in the order they
    were made."""
    versions: dict[tuple[int, int], list[int]] = defaultdict(list)
    for turn_id in sorted(scene.turns):
        if turn_id not in scene.hidden:
            turn = scene.turns[turn_id]
            versions[turn.parent, turn.continues].append(turn_id)
    return versions
