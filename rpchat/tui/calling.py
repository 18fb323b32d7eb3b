"""Who is called on to speak: a member by name or number, whoever is next, all of them for a while, or a round again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rpchat.errors import RpchatError
from rpchat.session import Session
from rpchat.session.ensemble import last_round
from rpchat.story.scene import Member
from rpchat.tui.director import Director
from rpchat.tui.playing import Playing
from rpchat.tui.widgets.transcript import Transcript

MOST_TURNS = 20
"""Turns in a row that come by themselves at most."""
PAUSE = 1.5
"""Seconds between them."""


class Calling:
    """Lets the members of one session speak. `key` names the key of an action, `settled` is called when the scene may
    have changed."""

    def __init__(
        self,
        session: Session,
        page: Transcript,
        *,
        director: Director,
        key: Callable[[str], str],
        settled: Callable[[], None],
    ) -> None:
        self._session = session
        self._page = page
        self._director = director
        self._key = key
        self._settled = settled
        self._auto: Playing | None = None

    @property
    def is_writing(self) -> bool:
        """Whether turns are on their way."""
        return self._director.is_writing

    @property
    def auto(self) -> str:
        """Which of the turns that come by themselves is written now: `3 of 6`; empty while none do."""
        return self._auto.progress if self._auto is not None and self._talking() else ""

    def action_speak(self, key: str) -> None:
        """Let the member of that number speak."""
        members = self._session.cast.members
        if int(key) <= len(members):
            self._director.do(self.let_speak(members[int(key) - 1]))
        else:
            self._director.remark(f"there is no member {key} here")

    def action_speak_next(self) -> None:
        """Let whoever is next speak."""
        self._director.do(self._director.say(""))

    async def let_speak(self, member: Member) -> None:
        """Let that member speak, also if it is muted."""
        await self._director.say("", to=member.card_id)

    def action_auto(self) -> None:
        """Let the members talk on until they are stopped; or stop them."""
        if self._talking():
            self._director.do(self._director.halt())
        else:
            self._director.do(self.talk_on(MOST_TURNS))

    async def talk_on(self, turns: int) -> None:
        """Let the members talk on for that many turns. Raises RpchatError for none, or more than the most."""
        if not 0 < turns <= MOST_TURNS:
            raise RpchatError(f"1 to {MOST_TURNS} turns can come by themselves")
        self._auto = Playing(self._session, self._page, key=self._key, settled=self._settled, turns=turns)
        begin = partial(self._session.play_on, turns, pause=PAUSE)
        await self._director.write(begin, player=self._auto)

    def typed(self) -> None:
        """The user has something to say: what is being written becomes the last turn that comes by itself."""
        if self._auto is None or not self._talking():
            return
        if self._auto.pausing:
            self._director.do(self._director.halt())
        else:
            self._auto.enough()

    def action_round(self) -> None:
        """Write the turns behind the user's last line again."""
        self._director.do(self.round_again())

    async def round_again(self) -> None:
        """Write the turns behind the user's last line again, by the same members."""
        await self._director.stop()
        told = last_round(self._session.scene)
        await self._director.write(self._session.regenerate_round, at=told[0] if told else None)

    def _talking(self) -> bool:
        return self._auto is not None and self._auto.is_on and self._director.is_writing
