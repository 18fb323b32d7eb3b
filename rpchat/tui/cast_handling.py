"""What the keys of the cast panel do: with the marked member, and with how it is decided who speaks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from rpchat.session import Session
from rpchat.story.scene import Member
from rpchat.tui.calling import Calling
from rpchat.tui.cast_changes import CastChanges
from rpchat.tui.casting import Casting
from rpchat.tui.director import Director

_STEP = 0.1


class CastHandling:
    """Does what the keys of the cast panel ask for, in the director's order. `uncover` shows the page where the panel
    covers it."""

    def __init__(
        self,
        session: Session,
        casting: Casting,
        *,
        director: Director,
        calling: Calling,
        changes: CastChanges,
        uncover: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        self._session = session
        self._casting = casting
        self._director = director
        self._calling = calling
        self._changes = changes
        self._uncover = uncover

    def action_next(self) -> None:
        """Mark the next member."""
        self._mark(1)

    def action_previous(self) -> None:
        """Mark the member before."""
        self._mark(-1)

    def _mark(self, step: int) -> None:
        if self._casting.panel is not None:
            self._casting.panel.mark_by(step)

    async def action_speak(self) -> None:
        """Let the marked member speak."""
        self._with_marked(self._calling.let_speak)
        await self._uncover()

    def action_mute(self) -> None:
        """Mute the member, or let it speak again."""
        self._with_marked(lambda member: self._changes.mute(member, on=not member.muted))

    def action_away(self) -> None:
        """Send the member out, or let it come back."""
        self._with_marked(lambda member: self._changes.send_away(member, away=not member.away))

    def action_talk_more(self) -> None:
        """Let the member talk more."""
        self._with_marked(lambda member: self._changes.talk(member, _STEP))

    def action_talk_less(self) -> None:
        """Let the member talk less."""
        self._with_marked(lambda member: self._changes.talk(member, -_STEP))

    def action_colour(self) -> None:
        """Give the member's name another colour."""
        self._with_marked(self._changes.colour)

    def action_add(self) -> None:
        """Look for a card to add."""
        if self._casting.panel is not None:
            self._casting.panel.search.open()

    def action_remove(self) -> None:
        """Let the member leave the scene."""
        self._with_marked(self._changes.leave)

    def action_strategy(self) -> None:
        """Take the next strategy."""
        self._director.do(self._changes.next_strategy())

    def action_sheets(self) -> None:
        """Take the next choice of whose sheets stand in the prompt."""
        self._director.do(self._changes.other_sheets())

    def action_presence(self) -> None:
        """Let members know only what they were there for, or all."""
        self._director.do(self._changes.toggle_presence())

    async def action_auto(self) -> None:
        """Let the members talk on, or stop them."""
        self._calling.action_auto()
        await self._uncover()

    def _with_marked(self, act: Callable[[Member], Coroutine[None, None, None]]) -> None:
        """Do something with the marked member as it is when everything that was asked for before is done."""
        panel = self._casting.panel
        marked = panel.marked if panel is not None else None
        if marked is None:
            return

        async def on_the_member() -> None:
            for member in self._session.cast.members:
                if member.card_id == marked.card_id:
                    await act(member)

        self._director.do(on_the_member())
