"""The members of a scene: who speaks next, who is muted or away, who comes and goes. Every change can be undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from rpchat.errors import RpchatError
from rpchat.session.book import Book
from rpchat.story.casting import Choice, Strategy, next_of
from rpchat.story.change import AnyChange
from rpchat.story.scene import NEVER, Member, Sheets
from rpchat.story.text import clean

MOST_MEMBERS = 7

Scores = Mapping[str, float]
"""What the model makes of each member as the next to speak, by card id: probabilities, not necessarily summing to 1."""


class Cast:
    """Acts on the members of one scene. `score` asks the model who it thinks speaks next."""

    def __init__(self, book: Book, *, score: Callable[[], Awaitable[Scores]]) -> None:
        self._book = book
        self._score = score

    @property
    def members(self) -> tuple[Member, ...]:
        """Who belongs to the scene now, in the order of the cast."""
        return self._book.scene.present()

    async def choice(self) -> Choice:
        """Return who speaks next by the scene's strategy, why, and everybody's odds."""
        scene = self._book.scene
        asks = scene.settings.casting == "blend" and len(self.members) > 1
        return next_of(scene, await self._score() if asks else None)

    async def next(self) -> Member:
        """Return the member who speaks next. Raises RpchatError where nobody does by himself."""
        choice = await self.choice()
        if choice.who is None:
            raise RpchatError("nobody speaks without being asked here", "@Name asks somebody; /casting changes that.")
        return self._book.scene.member(choice.who)

    async def mute(self, card_id: str, on: bool) -> None:
        """Let a member speak only when asked, or again by itself."""
        await self._change("mute", card_id, muted=on)

    async def send_away(self, card_id: str, away: bool) -> None:
        """Send a member out of the room, or let it come back."""
        await self._change("away", card_id, away=away)

    async def set_talkativeness(self, card_id: str, value: float) -> None:
        """Set how readily a member speaks, 0 … 1."""
        await self._change("talkativeness", card_id, talks=min(1.0, max(0.0, value)))

    async def set_colour(self, card_id: str, colour: int) -> None:
        """Give a member's name the colour of that number, from 1; 0 gives it that of its card."""
        await self._change("colour", card_id, colour=max(0, colour))

    async def join(self, member: Member) -> None:
        """Bring a card into the scene, behind the last told turn. Raises RpchatError if it is there, or all are."""
        if any(one.card_id == member.card_id for one in self.members):
            raise RpchatError(f"{member.card.spoken_name} is here already")
        if len(self.members) >= MOST_MEMBERS:
            raise RpchatError(f"a scene has at most {MOST_MEMBERS} members", "Let somebody go first: /member-remove.")
        if any(one.card.spoken_name == member.card.spoken_name for one in self.members):
            raise RpchatError(f"somebody called {member.card.spoken_name} is here already", "Give one a nickname.")
        await self._book.keep_member(member)
        await self._change("join", member.card_id, joined=self._now(), left=0)

    async def leave(self, card_id: str) -> None:
        """Let a member leave the scene, behind the last told turn. Raises RpchatError for the last one."""
        if len(self.members) == 1:
            raise RpchatError("somebody must stay")
        # Before anything was told, one who leaves was never there.
        await self._change("leave", card_id, left=self._now() or NEVER)

    async def set_casting(self, strategy: Strategy) -> None:
        """Say how it is decided who speaks next."""
        await self._set("casting", casting=strategy)

    async def set_sheets(self, sheets: Sheets) -> None:
        """Say whose sheets stand in the prompt."""
        await self._set("sheets", sheets=sheets)

    async def set_presence(self, on: bool) -> None:
        """Say whether members know only the turns they were present for."""
        await self._set("presence", presence=on)

    async def set_scenario(self, text: str) -> None:
        """Replace the scenarios of the cards; empty gives them back."""
        await self._set("scenario", scenario=clean(text).strip())

    def _now(self) -> int:
        last = self._book.scene.last()
        return last.id if last is not None else 0

    async def _change(self, action: str, card_id: str, **values: float) -> None:
        changes: tuple[AnyChange, ...] = self._book.scene.casting(card_id, **values)
        await self._book.move(changes, action=action)

    async def _set(self, action: str, **values: str | int) -> None:
        await self._book.move(self._book.scene.setting(**values), action=action)
