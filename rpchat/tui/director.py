"""What the reader wants of a session, done in order: each intent waits for the one before it, and whatever changes the
scene first stops the reply that is being written. The reply itself is written by a worker of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from functools import partial
from typing import Protocol

from textual.content import Content
from textual.timer import Timer
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from rpchat.session import Session, SessionEvent
from rpchat.story.turn import Turn
from rpchat.tui.border import shown
from rpchat.tui.faces import faces
from rpchat.tui.playing import Playing
from rpchat.tui.widgets.transcript import Transcript

FRAMES = 30
"""Most repaints of a turn in a second."""

Intent = Coroutine[None, None, None]


Begin = Callable[[], AsyncGenerator[SessionEvent, None]]
"""Begins to write, on the scene as it is then."""

_UNDONE = {
    "say": "what you said", "reply": "the reply", "regenerate": "the new version", "continue": "what was added",
    "round": "the round", "swipe": "the swipe", "edit": "the edit", "delete": "the deletion", "trim": "the cut",
    "take back": "what was put back", "length": "the length", "note": "the note",
    "mute": "the muting", "away": "the coming or going", "talkativeness": "how much a member talks",
    "join": "the joining", "leave": "the leaving", "casting": "how it is decided who speaks", "sheets": "the sheets",
    "presence": "who knows what", "colour": "the colour", "scenario": "the scenario",
    "rename": "the title", "preset": "the preset",
    "impersonation": "what happens where a reply speaks for somebody else",
    "out of character": "what happens to what is said outside the story",
}  # fmt: skip


class Player(Protocol):
    """Shows what is written, on its way."""

    @property
    def on_page(self) -> bool:
        """Whether it shows turns on the page, which then follows them."""
        ...

    async def play(self, events: AsyncGenerator[SessionEvent, None]) -> None:
        """Take the events until they end."""
        ...

    def paint(self) -> None:
        """Draw what changed since the last time."""
        ...

    def left(self) -> str:
        """Return what is said when the reader stops it."""
        ...


class Stage(Protocol):
    """What the director needs of the screen it works for."""

    @property
    def page(self) -> Transcript:
        """The turns."""
        ...

    def key(self, action_id: str) -> str:
        """Return the key of an action as people write it."""
        ...

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError."""
        ...

    def settled(self) -> None:
        """Something was done that may change the status."""
        ...

    def run_worker(self, work: Intent, *, group: str = ..., exclusive: bool = ...) -> Worker[None]:
        """Run it in a worker that ends with the screen."""
        ...

    def set_interval(self, interval: float, callback: Callable[[], None]) -> Timer:
        """Call back every `interval` seconds."""
        ...


class Director:
    """Acts on one session and keeps its page. `is_fresh` until the first thing was done."""

    def __init__(self, session: Session, *, stage: Stage) -> None:
        self.session = session
        self.is_fresh = True
        self._stage = stage
        self._page = stage.page
        self._key = stage.key
        self._playing = Playing(session, stage.page, key=stage.key, settled=stage.settled)
        self._player: Player = self._playing
        self._writing: Worker[None] | None = None
        self._turnstile = asyncio.Lock()

    @property
    def is_writing(self) -> bool:
        """Whether a reply is on its way."""
        return self._writing is not None

    @property
    def last(self) -> Turn | None:
        """The last turn of the told line."""
        line = self.session.scene.line()
        return line[-1] if line else None

    def last_of_user(self) -> Turn | None:
        """Return the last turn of the user's own."""
        return next((turn for turn in reversed(self.session.scene.line()) if turn.side == "user"), None)

    def do(self, intent: Intent) -> None:
        """Do this behind everything that was asked for before; its error becomes the line under the page."""
        self.is_fresh = False

        async def in_order() -> None:
            async with self._turnstile:
                await shown(intent, self.fail)

        self._stage.run_worker(in_order(), group="intents")

    def fail(self, line: str) -> None:
        """Show an error."""
        self.is_fresh = False
        self._page.say(Content(line), error=True)
        if not self._page.has_focus:
            self._page.to_end()

    def remark(self, line: str) -> None:
        """Show a quiet line."""
        self.tell(Content(line) if line else None)

    def tell(self, line: Content | None) -> None:
        """Show a painted line, or none."""
        self._page.say(line)

    async def refresh(self, line: str = "") -> None:
        """Show the scene as it is, with a quiet line below it or none."""
        await self._page.show(faces(self.session.scene))
        self.remark(line)
        self._stage.settled()

    async def say(self, text: str, *, to: str | None = None) -> None:
        """Commit the user's turn and let it be answered, by the member of the card id `to` or whose turn it is; without
        text the scene just goes on."""
        if text.strip():
            await self.session.say(text)
            await self.refresh()
        await self.write(partial(self.session.reply, member=to))

    async def regenerate(self) -> None:
        """Write the last reply again, as one more version."""
        await self.write(self.session.regenerate)

    async def go_on(self) -> None:
        """Go on inside the last reply."""
        if not self.is_writing:
            await self.write(self.session.continue_)

    async def swipe(self, step: int, turn: Turn | None = None) -> None:
        """Show the version before (-1) or behind (1) of the last turn or `turn`; behind the last version of the last
        reply, a new one is written."""
        last = self.last
        turn_id = None if turn is None or (last is not None and turn.id == last.id) else turn.id
        if self.is_writing and not self.session.turns.has_swipe(step, turn_id) and (step < 0 or turn_id is not None):
            self.remark("there is no version that way")
            return
        await self.stop()
        if await self.session.turns.swipe(step, turn_id) is not None:
            await self.refresh()
        elif turn_id is not None and step > 0 and self.session.scene.turns[turn_id].side == "member":
            self.remark(f"there is no version that way · {self._key('transcript.again')} writes one")
        elif step < 0 or turn_id is not None:
            self.remark("there is no version that way")
        elif self.last is not None and self.last.side == "member":
            await self.write(self.session.continue_again)
        else:
            self.remark(f"there is no other version of what you said · {self._key('scene.edit_last')} edits it")

    async def edit(self, turn: Turn, text: str) -> None:
        """Keep an edited text as a new version; an unchanged one changes nothing."""
        if text != turn.text:
            await self.session.turns.edit(turn.id, text)
        await self.refresh()

    async def delete_last(self) -> None:
        """Delete the last turn."""
        await self.stop()
        if self.last is None:
            self.remark("there is nothing to delete")
        else:
            await self.delete(self.last)

    async def delete(self, turn: Turn) -> None:
        """Delete a turn."""
        await self.stop()
        await self.session.turns.delete(turn.id)
        await self.refresh(f"deleted · {self._key('scene.undo')} on an empty line brings it back")

    async def undo(self) -> None:
        """Take the last action back."""
        await self.stop()
        done = await self.session.turns.undo()
        await self.refresh(f"undone: {_UNDONE.get(done, done)}" if done else "there is nothing to undo")

    async def redo(self) -> None:
        """Do again what was taken back."""
        await self.stop()
        done = await self.session.turns.redo()
        await self.refresh(f"done again: {_UNDONE.get(done, done)}" if done else "there is nothing to do again")

    async def halt(self) -> None:
        """Stop because the reader wants it, and say what can be done then."""
        await self.stop()
        self.remark(self._player.left())

    async def stop(self) -> None:
        """Stop what is being written, and wait until what there is of it is kept."""
        writing = self._writing
        if writing is not None:
            writing.cancel()
            with suppress(WorkerCancelled, WorkerFailed):
                await writing.wait()
            self._writing = None

    async def write(self, begin: Begin, *, at: Turn | None = None, player: Player | None = None) -> None:
        """Stop what is being written and let `begin()` write instead: turns on the page, which follows them, or what
        `player` makes of them. With `at`, a version of that turn: what is told behind it makes room."""
        await self.stop()
        coming = begin()
        self._page.say(None)
        self._player = player = player or self._playing
        if player.on_page:
            shown_faces = faces(self.session.scene)
            told = [face.turn_id for face in shown_faces]
            if at is not None and at.id in told:
                await self._page.show(shown_faces[: told.index(at.id) + 1])
            self._page.to_end()
        self._writing = self._stage.run_worker(self._written(coming), group="reply", exclusive=True)
        self._stage.settled()

    async def _written(self, coming: AsyncGenerator[SessionEvent, None]) -> None:
        repaint = self._stage.set_interval(1 / FRAMES, self._player.paint)
        try:
            await shown(self._played(coming), self.fail)
        finally:
            repaint.stop()
            self._writing = None
            await self._page.show(faces(self.session.scene))
            self._stage.settled()

    async def _played(self, coming: AsyncGenerator[SessionEvent, None]) -> None:
        async with aclosing(coming):
            await self._stage.ready()
            await self._player.play(coming)
