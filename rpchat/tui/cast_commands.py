"""The slash commands about the members of a scene, under SillyTavern's names, and about the scene itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from rpchat.errors import RpchatError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.story.scene import Member
from rpchat.story.text import one_line
from rpchat.tui.addressing import member_called, named_line
from rpchat.tui.calling import MOST_TURNS, Calling
from rpchat.tui.cast_changes import CastChanges
from rpchat.tui.cast_rows import DEFAULT_STRATEGY, PRESENCE, SHEETS, STRATEGY
from rpchat.tui.choosing import OFF, one_of, told
from rpchat.tui.director import Director

_ON = "on"


class CastCommands:
    """Runs commands on one session. `open_scene` shows another scene, `settled` is called when one was run."""

    def __init__(
        self,
        session: Session,
        program: Program,
        *,
        director: Director,
        calling: Calling,
        changes: CastChanges,
        open_scene: Callable[[int], None],
        settled: Callable[[], None],
    ) -> None:
        self._session = session
        self._program = program
        self._director = director
        self._calling = calling
        self._open_scene = open_scene
        self._settled = settled
        self._commands: Mapping[str, Callable[[str], Awaitable[None]]] = {
            "scene.trigger": lambda name: calling.let_speak(self._member(name)),
            "scene.send_as": self._send_as,
            "scene.member_add": changes.join,
            "scene.member_remove": lambda name: changes.leave(self._member(name)),
            "scene.member_mute": lambda name: changes.mute(self._member(name), on=True),
            "scene.member_unmute": lambda name: changes.mute(self._member(name), on=False),
            "scene.member_away": lambda name: changes.send_away(self._member(name), away=True),
            "scene.member_back": lambda name: changes.send_away(self._member(name), away=False),
            "scene.casting": self._casting,
            "scene.sheets": self._sheets,
            "scene.presence": self._presence,
            "scene.scenario": self._scenario,
            "scene.rename": self._rename,
            "transcript.auto": self._auto,
        }

    def knows(self, action_id: str) -> bool:
        """Return whether that action is one of these."""
        return action_id in self._commands

    async def run(self, action_id: str, argument: str) -> None:
        """Do what the command of that action says, with what stands behind it. Raises RpchatError."""
        await self._commands[action_id](argument)
        self._settled()

    def action_casting(self) -> None:
        """Tell how it is decided who speaks."""
        self._director.do(self._casting(""))

    def action_sheets(self) -> None:
        """Tell whose sheets stand in the prompt."""
        self._director.do(self._sheets(""))

    def action_presence(self) -> None:
        """Tell whether members know only what they were there for."""
        self._director.do(self._presence(""))

    def action_scenario(self) -> None:
        """Tell what replaces the scenarios of the cards."""
        self._director.do(self._scenario(""))

    def action_duplicate(self) -> None:
        """Go on in a copy of the scene."""
        self._director.do(self._duplicate())

    def _member(self, name: str) -> Member:
        return member_called(name, self._session.cast.members)

    async def _send_as(self, argument: str) -> None:
        line = named_line(argument, self._session.cast.members)
        await self._director.stop()
        await self._session.turns.say_as(line.member.card_id, line.text)
        await self._director.refresh()

    async def _casting(self, wanted: str) -> None:
        if wanted:
            await self._session.cast.set_casting(one_of(STRATEGY, wanted))
        now = one_of(STRATEGY, self._session.scene.settings.casting or DEFAULT_STRATEGY)
        self._director.remark(told("who speaks next", STRATEGY, now))

    async def _sheets(self, wanted: str) -> None:
        if wanted:
            await self._session.cast.set_sheets(one_of(SHEETS, wanted))
        self._director.remark(told("sheets in the prompt", SHEETS, self._session.scene.settings.sheets))

    async def _presence(self, wanted: str) -> None:
        if wanted:
            await self._session.cast.set_presence(one_of(PRESENCE, wanted) == _ON)
        now = _ON if self._session.scene.settings.presence else OFF
        self._director.remark(told("presence", PRESENCE, now))

    async def _scenario(self, wanted: str) -> None:
        if wanted:
            await self._session.cast.set_scenario("" if wanted.casefold() == OFF else wanted)
        scenario = one_line(self._session.scene.settings.scenario, 300)
        self._director.remark(f"scenario: {scenario}" if scenario else "the scenario is that of the cards")

    async def _rename(self, title: str) -> None:
        await self._program.rename(self._session, title)
        self._director.remark(f"the scene is called {one_line(title, 80)} now")

    async def _duplicate(self) -> None:
        await self._director.stop()
        copy = await self._program.duplicate(self._session)
        self._open_scene(copy.scene.id)

    async def _auto(self, turns: str) -> None:
        if turns and not (turns.isascii() and turns.isdigit()):
            raise RpchatError(f"how many turns is `{one_line(turns, 20)}`?", "Write a number, as in /auto 6")
        await self._calling.talk_on(int(turns[:6]) if turns else MOST_TURNS)
