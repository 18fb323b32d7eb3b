"""Who speaks next. Pure."""

from __future__ import annotations

from rpchat.story.scene import Member, Scene


def next_in_line(scene: Scene) -> Member:
    """Return the member behind the one who spoke last, in the order of the cast; the first if nobody has spoken."""
    cast = scene.cast
    ids = [member.card_id for member in cast]
    for turn in reversed(scene.line()):
        if turn.side == "member":
            at = ids.index(turn.member) if turn.member in ids else -1
            return cast[(at + 1) % len(cast)]
    return cast[0]
