"""A reply on its way to the page: takes the session's events, keeps what is to be drawn, and draws it when asked.

Events come as fast as the model writes; `paint` is called by a timer, at most 30 times a second, and does nothing if
nothing changed. So no token costs a repaint of its own. A repaint costs as much as the turn is long and the model wants
the processor too, so long turns are repainted less often.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from time import monotonic

from textual.content import Content

from rpchat.engine.port import Notice, Reading
from rpchat.session import Delta, Finished, Retrying, Session, SessionEvent, Started, Thinking
from rpchat.story.turn import Turn
from rpchat.tui.faces import Face, faces
from rpchat.tui.glosses import removed
from rpchat.tui.widgets.transcript import Transcript
from rpchat.tui.widgets.waiting import reading_line, retrying_line, thinking_line

_CHARACTERS_PER_SECOND = 40_000
"""How much text is repainted at most."""


class Playing:
    """One session's replies on one page: one after the other, as many as come. `settled` is called when the scene may
    have changed. With `turns`, that many are to come by themselves, and how far they are is said under the page."""

    on_page = True

    def __init__(
        self,
        session: Session,
        page: Transcript,
        *,
        key: Callable[[str], str],
        settled: Callable[[], None],
        turns: int = 0,
    ) -> None:
        self._session = session
        self._page = page
        self._key = key
        self._settled = settled
        self._turns = turns
        self._done = 0
        self._enough = False
        self.pausing = False
        """Whether one turn is written and the next has not begun."""
        self.is_on = True
        """Whether turns are still to come; False when it has ended."""
        self._face: Face | None = None
        self._start = ""
        self._text = ""
        self._line: Content | None = None
        self._changed = False
        self._reading_since: float | None = None
        self._rests_until = 0.0

    def left(self) -> str:
        """Return what is said when the reader stops it."""
        if self._turns:
            return f"stopped behind {self._done} of {self._turns} turns"
        return f"stopped · {self._key('scene.regenerate')} writes it again · {self._key('scene.continue')} goes on"

    async def play(self, events: AsyncGenerator[SessionEvent, None]) -> None:
        """Show events until they end, and the scene as it is then: also when cancelled, also after an error."""
        self._line, self._reading_since = None, None
        self._done, self._enough, self.is_on = 0, False, True
        notice = ""
        told: list[str] = []
        try:
            async with aclosing(events):
                async for event in events:
                    self.pausing = False
                    if isinstance(event, Started):
                        await self._started(event.turn)
                    elif isinstance(event, Finished):
                        notice = self._notice(event)
                        await self._finished(notice)
                        if self._enough:
                            break
                    elif isinstance(event, Notice):
                        told.append(event.text)
                    else:
                        self._take(event)
        finally:
            self._face = None
            self._changed = self.pausing = self.is_on = False
            await self._page.show(faces(self._session.scene))
            line = " · ".join(filter(None, (notice, *told)))
            self._page.say(Content(line) if line else None)
            self._settled()

    def paint(self) -> None:
        """Draw what changed since the last time."""
        if not self._changed or monotonic() < self._rests_until:
            return
        self._changed = False
        self._rests_until = monotonic() + len(self._text) / _CHARACTERS_PER_SECOND
        if self._face is not None:
            self._page.write(self._face.with_text(self._text.rstrip("\n"), writing=True))
        self._page.say(self._line or self._standing())
        self._settled()

    def enough(self) -> None:
        """Let the turn that is being written be the last one."""
        self._enough = True
        self._changed = True

    @property
    def progress(self) -> str:
        """Which of the turns that come by themselves is written now: `3 of 6`; empty where none do."""
        return f"{min(self._done + 1, self._turns)} of {self._turns}" if self._turns else ""

    def _standing(self) -> Content | None:
        """Return what is said while nothing else is."""
        if not self._turns:
            return None
        stops = "stops behind this turn" if self._enough else f"{self._key('scene.stop')} stops"
        return Content(f"auto · {self.progress} · {stops}")

    def _notice(self, event: Finished) -> str:
        """Return the quiet line of a reply, with the key that puts back what was cut."""
        if not event.notice or not removed(event.turn):
            return event.notice
        return f"{event.notice} · /takeback or {self._key('transcript.take_back')} puts it back"

    async def _started(self, turn: Turn) -> None:
        shown = faces(self._session.scene)
        self._face = shown[-1]
        self._start = self._text = turn.text
        await self._page.show([*shown[:-1], self._face.with_text(turn.text, writing=True)])
        self._changed = True

    async def _finished(self, notice: str) -> None:
        """Show the turn as it is stored; another may follow."""
        self._face = None
        self._done += 1
        self.pausing = True
        await self._page.show(faces(self._session.scene))
        self._line = Content(notice) if notice and not self._turns else None
        self._changed = True

    def _take(self, event: SessionEvent) -> None:
        match event:
            case Delta(text):
                self._text += text
                self._line, self._reading_since = None, None
            case Reading(done, total):
                if self._reading_since is None:
                    self._reading_since = monotonic()
                waited = monotonic() - self._reading_since
                self._line = reading_line(done, total, seconds=waited)
            case Thinking(characters):
                self._line = thinking_line(characters)
            case Retrying():
                self._text = self._start
                self._line = retrying_line(event)
        self._changed = True
