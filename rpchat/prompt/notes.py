"""Where the author's note is told: it enters the history where it was set, stays there, and is told again from time to
time. A note that moved with every turn would have everything behind it read again with every turn.
"""

from __future__ import annotations

from collections.abc import Sequence

from rpchat.story.scene import Scene
from rpchat.story.turn import Turn


def note_places(scene: Scene, turns: Sequence[Turn]) -> frozenset[int]:
    """Return in front of which of the told `turns` the note stands, by their place from 0; `len(turns)`: behind all.

    First it is told in front of what was said next when it was set, the user's line if that is waiting for an answer;
    then every `note_every` turns. It is told at least once: where none of that is left, in front of everything.
    """
    if not scene.settings.note.strip():
        return frozenset()
    told = scene.line()
    dropped = next((at for at, turn in enumerate(told) if turns and turn.id == turns[0].id), 0)
    line = (*told[:dropped], *turns)
    end = dropped + len(turns)
    since = scene.settings.note_since
    first = min(end, next((at for at, turn in enumerate(line) if turn.id > since), end))
    if dropped < first and turns[first - dropped - 1].side == "user":
        first -= 1
    tellings = range(first, max(end, first + 1), max(1, scene.settings.note_every))
    return frozenset(at - dropped for at in tellings if at >= dropped) or frozenset({0})


def note_changed_behind(scene: Scene, turns: Sequence[Turn]) -> int:
    """Return the last of the told `turns` that was told before the note was changed; 0 if somebody answered since."""
    since = scene.settings.note_since
    before = [turn.id for turn in turns if turn.id <= since]
    answered = any(turn.id > since and turn.side == "member" for turn in turns)
    return before[-1] if before and not answered else 0
