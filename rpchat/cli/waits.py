"""What an action makes the user wait for: a script played in a scene, and what was read before each answer.

The measure is the number of tokens evaluated before the first new one: it is exact, and travels between machines.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from rpchat.cli.script import Action, Script, lines, notes
from rpchat.engine.port import Loaded, ModelInfo, Reading, Stepping
from rpchat.errors import ReplyError
from rpchat.program import Program
from rpchat.prompt.segment import text
from rpchat.session import Retrying, Session, SessionEvent, Started
from rpchat.session.inspect import Inspection
from rpchat.story.scene import Scene
from rpchat.story.turn import Turn

ALLOWANCE = 16
"""Tokens that may be evaluated beside what was typed: the marks around a line, and who speaks next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One action, and what it cost. All counts are in tokens."""

    title: str
    """Of the script it belongs to."""
    action: Action
    typed: int
    evaluated: int
    """Evaluated before the first new token; of a reply that was tried again, by all tries up to that token."""
    prompt: int
    """The length of the prompt."""
    scene: Scene
    """The scene behind it; the last turn of its line is the reply."""
    begun: str
    """What of the reply was there before: of one that was gone on with."""
    looked_at: Inspection | None
    """The prompt before it was read, of replies that are a new turn."""

    @property
    def waited(self) -> bool:
        """Whether more was evaluated than may be."""
        return self.evaluated > self.typed + ALLOWANCE


@dataclass(slots=True)
class _Count:
    """What is counted while a reply comes."""

    evaluated: int = 0
    prompt: int = 0
    _asked: bool = False
    _begun: bool = False

    def take(self, event: SessionEvent) -> None:
        if isinstance(event, Reading) and not (self._asked or self._begun):
            # The first of each try tells how much of the prompt was there already.
            self.evaluated += event.total - event.done
            self.prompt = event.total
            self._asked = True
        elif isinstance(event, Retrying):
            self._asked = False
        elif isinstance(event, Started):
            self._begun = True


@dataclass(slots=True, kw_only=True)
class Stage:
    """A scene that is played by a script. `start` gives the program, anew whenever the scene is reopened; `idle` is
    what happens while the user thinks or types."""

    start: Callable[[], Program]
    script: Script
    longest: int
    """The longest reply, in tokens."""
    idle: Callable[[Session], Awaitable[None]]
    tell: Callable[[str], None] = field(default=lambda _line: None)
    """Told what of the model's loading is otherwise than asked for, whenever it is loaded."""
    model: ModelInfo | None = None
    """The model that was loaded last."""
    given_up: int = 0
    """Replies that no try gave."""
    _program: Program = field(init=False)
    _session: Session = field(init=False)
    _seed: int = 0
    _way_back: tuple[int, int] = (0, 0)
    """The version told since the story branched off, and the step from it to the one before."""
    _lines: Iterator[str] = field(default_factory=lines)
    _notes: Iterator[str] = field(default_factory=notes)

    async def play(self) -> AsyncGenerator[Played, None]:
        """Play the script and yield every action that was answered. Raises RpchatError."""
        self._program = self.start()
        try:
            session = await self._program.play(self.script.cards, new=True)
            await session.cast.set_sheets(self.script.sheets)
            await self._enter(session)
            for number, action in enumerate(self.script.actions):
                self._seed = number
                await self.idle(self._session)
                try:
                    yield await self._act(action)
                except ReplyError:
                    self.given_up += 1
        finally:
            await self._program.close()

    async def _enter(self, session: Session) -> None:
        self._session = session
        session.preset = replace(session.preset, max_tokens=self.longest, min_tokens=0)
        async with aclosing(self._program.models.load(session)) as loading:
            async for event in loading:
                if isinstance(event, Stepping):
                    self.tell(event.what)
                elif isinstance(event, Loaded):
                    self.model = event.model

    async def _act(self, action: Action) -> Played:
        match action:
            case "send":
                return await self._send(action)
            case "note":
                return await self._note()
            case "branch":
                return await self._branch()
            case "back":
                return await self._back()
            case "reopen":
                return await self._reopen()
            case "edit":
                return await self._edit()
            case "swipe":
                return await self._written(action, self._session.regenerate(seed=self._seed))
            case "regenerate":
                earlier = self._earlier(lambda turn: turn.side == "member")
                return await self._written(action, self._session.regenerate(earlier.id, seed=self._seed))
            case "continue":
                return await self._written(action, self._session.continue_(seed=self._seed))
            case "next speaker":
                looked_at = await self._session.inspect()
                return await self._written(action, self._session.reply(seed=self._seed), looked_at=looked_at)

    async def _send(self, action: Action, *, typed: int = 0) -> Played:
        line = next(self._lines)
        looked_at = await self._session.inspect(line)
        await self._session.say(line)
        typed += await self._count(line)
        return await self._written(action, self._session.reply(seed=self._seed), typed=typed, looked_at=looked_at)

    async def _note(self) -> Played:
        before, note = self._session.scene.settings.note, next(self._notes)
        await self._session.tuning.set_note(note)
        await self.idle(self._session)
        return await self._send("note", typed=await self._count(note) if note != before else 0)

    async def _branch(self) -> Played:
        turn = self._earlier(lambda turn: self._step_aside(turn) != 0)
        step = self._step_aside(turn)
        version = await self._session.turns.swipe(step, turn.id)
        assert version is not None
        self._way_back = version.id, -step
        await self.idle(self._session)
        return await self._send("branch")

    async def _back(self) -> Played:
        turn_id, step = self._way_back
        await self._session.turns.swipe(step, turn_id)
        await self.idle(self._session)
        return await self._send("back")

    async def _reopen(self) -> Played:
        await self._session.keep_read()
        await self._program.close()
        self._program = self.start()
        await self._enter(await self._program.open(self._session.scene.id))
        await self.idle(self._session)
        return await self._send("reopen")

    async def _edit(self) -> Played:
        line = self._session.scene.line()
        at = max(at for at, turn in enumerate(line) if turn.side == "user")
        words = next(self._lines)
        await self._session.turns.edit(line[at].id, words)
        answer = line[at + 1].id if at + 1 < len(line) else None
        events = self._session.regenerate(answer, seed=self._seed)
        return await self._written("edit", events, typed=await self._count(words))

    def _earlier(self, fits: Callable[[Turn], bool]) -> Turn:
        """The last turn that fits, of those in front of the user's last line."""
        line = self._session.scene.line()
        at = max(at for at, turn in enumerate(line) if turn.side == "user")
        return next(turn for turn in reversed(line[:at]) if fits(turn))

    def _step_aside(self, turn: Turn) -> int:
        """The step to a version beside this one, neither of them gone on with; 0 if there is none."""
        scene = self._session.scene
        versions = [] if turn.side == "user" or turn.continues else scene.swipes(turn.id)
        at = next((at for at, version in enumerate(versions) if version.id == turn.id), 0)
        for step in (-1, 1):
            beside = at + step
            if 0 <= beside < len(versions) and scene.furthest(versions[beside].id).id == versions[beside].id:
                return step
        return 0

    async def _count(self, words: str) -> int:
        return len(await self._program.engine.tokenize([text(words)]))

    async def _written(
        self,
        action: Action,
        events: AsyncGenerator[SessionEvent, None],
        *,
        typed: int = 0,
        looked_at: Inspection | None = None,
    ) -> Played:
        count = _Count()
        async with aclosing(events) as coming:
            async for event in coming:
                count.take(event)
        scene = self._session.scene
        reply = scene.line()[-1]
        return Played(
            title=self.script.title,
            action=action,
            typed=typed,
            evaluated=count.evaluated,
            prompt=count.prompt,
            scene=scene,
            begun=scene.turns[reply.continues].text if reply.continues else "",
            looked_at=looked_at,
        )
