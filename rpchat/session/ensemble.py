"""Several turns in a row: the members talk on, one hands over to another, a round is written again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing

from rpchat.session.events import Finished, SessionEvent
from rpchat.story.scene import Scene
from rpchat.story.text import fold
from rpchat.story.turn import Turn

Writing = AsyncGenerator[SessionEvent, None]


async def one_after_the_other(begin: Callable[[], Writing], turns: int, *, pause: float) -> Writing:
    """Let `turns` turns be written, with `pause` seconds in between."""
    for number in range(turns):
        if number:
            await asyncio.sleep(pause)
        async with aclosing(begin()) as events:
            async for event in events:
                yield event


async def handing_over(events: Writing, scene: Callable[[], Scene], answer: Callable[[str], Writing]) -> Writing:
    """Pass `events` on; where the reply was cut because it began a line of another member's, let that one answer."""
    last: SessionEvent | None = None
    async with aclosing(events):
        async for last in events:
            yield last
    now = scene()
    if not isinstance(last, Finished) or now.settings.impersonation != "hand over":
        return
    who = called(now, last.turn)
    if who:
        async with aclosing(answer(who)) as answering:
            async for event in answering:
                yield event


def called(scene: Scene, turn: Turn) -> str:
    """Return the card id of the member whose line `turn` had begun when it was cut; empty if it was nobody's."""
    removed = turn.record.get("removed")
    if turn.finish != "other_turn" or not isinstance(removed, str):
        return ""
    line = fold(removed).lstrip(" \t\n*_")
    named = [
        member
        for member in scene.present()
        if line.startswith(fold(member.card.spoken_name)) and not (member.muted or member.away)
    ]
    longest = max(named, key=lambda member: len(member.card.spoken_name), default=None)
    return longest.card_id if longest is not None else ""


def last_round(scene: Scene) -> tuple[Turn, ...]:
    """Return the members' turns behind the user's last line, oldest first."""
    line = scene.line()
    start = next((at for at in range(len(line), 0, -1) if line[at - 1].side == "user"), 0)
    return line[start:]


async def round_again(
    scene: Scene,
    regenerate: Callable[[int], Writing],
    answer: Callable[[str], Writing],
    *,
    together: AbstractAsyncContextManager[None],
) -> Writing:
    """Write the last round again: the same members, in the same order. What was told stays as other versions.

    `together` is held while they write.
    """
    first, *others = last_round(scene)
    async with together:
        async with aclosing(regenerate(first.id)) as events:
            async for event in events:
                yield event
        for turn in others:
            async with aclosing(answer(turn.member)) as events:
                async for event in events:
                    yield event
