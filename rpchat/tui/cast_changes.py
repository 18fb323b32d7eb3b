"""What is changed about the members of a scene and how it is decided who speaks, each told in one quiet line. All of it
can be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rpchat.program import Program
from rpchat.session import Session
from rpchat.story.scene import Member
from rpchat.tui.cast_rows import DEFAULT_STRATEGY, SHEETS, STRATEGY
from rpchat.tui.casting import Casting
from rpchat.tui.choosing import one_of
from rpchat.tui.themes import NAMES

T = TypeVar("T")


class CastChanges:
    """Changes the cast of one session. `remark` shows a line, `key` names the key of an action, `settled` is called
    when something was changed."""

    def __init__(
        self,
        session: Session,
        program: Program,
        casting: Casting,
        *,
        remark: Callable[[str], None],
        key: Callable[[str], str],
        settled: Callable[[], None],
    ) -> None:
        self._session = session
        self._program = program
        self._casting = casting
        self._remark = remark
        self._key = key
        self._settled = settled

    async def mute(self, member: Member, *, on: bool) -> None:
        """Let a member speak only when asked, or by itself again."""
        await self._session.cast.mute(member.card_id, on)
        self._tell(f"{member.card.spoken_name} " + ("speaks only when asked" if on else "speaks by itself again"))

    async def send_away(self, member: Member, *, away: bool) -> None:
        """Send a member out of the room, or let it come back."""
        await self._session.cast.send_away(member.card_id, away)
        known = self._session.scene.settings.presence
        hint = "" if known or not away else " (it hears all the same: /presence on)"
        self._tell(f"{member.card.spoken_name} " + (f"is out of the room{hint}" if away else "is back"))

    async def talk(self, member: Member, step: float) -> None:
        """Let a member talk more or less, by that step of 1; at the ends, as much as that is."""
        value = round(min(1.0, max(0.0, member.talkativeness + step)), 1)
        await self._session.cast.set_talkativeness(member.card_id, value)
        self._tell(f"{member.card.spoken_name} talks {value:.0%}")

    async def colour(self, member: Member) -> None:
        """Give a member's name the next colour; behind the last one, that of its card."""
        await self._session.cast.set_colour(member.card_id, (member.colour + 1) % (NAMES + 1))
        shown = f"colour {member.colour + 1} of {NAMES}" if member.colour < NAMES else "the colour of its card"
        self._tell(f"{member.card.spoken_name} has {shown}")

    async def join(self, name: str) -> None:
        """Let the card of that name join the scene. Raises RpchatError."""
        member = await self._program.member(name)
        await self._session.cast.join(member)
        self._casting.leave_adding()
        self._tell(f"{member.card.spoken_name} joins")

    async def leave(self, member: Member) -> None:
        """Let that member leave the scene. Raises RpchatError for the last one."""
        await self._session.cast.leave(member.card_id)
        self._tell(f"{member.card.spoken_name} leaves")

    async def next_strategy(self) -> None:
        """Take the next way to decide who speaks."""
        now = one_of(STRATEGY, self._session.scene.settings.casting or DEFAULT_STRATEGY)
        await self._session.cast.set_casting(_behind(list(STRATEGY), now))
        self._settled()

    async def other_sheets(self) -> None:
        """Take the next choice of whose sheets stand in the prompt."""
        await self._session.cast.set_sheets(_behind(list(SHEETS), self._session.scene.settings.sheets))
        self._settled()

    async def toggle_presence(self) -> None:
        """Let members know only what they were there for, or all."""
        await self._session.cast.set_presence(not self._session.scene.settings.presence)
        self._settled()

    def _tell(self, line: str) -> None:
        self._remark(f"{line} · {self._key('scene.undo')} takes that back")
        self._settled()


def _behind(choices: Sequence[T], now: T) -> T:
    """Return the choice behind that one, behind the last the first."""
    return choices[(choices.index(now) + 1) % len(choices)]
