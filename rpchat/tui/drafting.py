"""A line of the user's, drafted by the model: it grows in the composer, behind what stands there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from time import monotonic

from textual.content import Content

from rpchat.engine.port import Reading
from rpchat.session import Delta, Drafted, Retrying, SessionEvent, Thinking
from rpchat.tui.widgets.composer import Composer
from rpchat.tui.widgets.waiting import reading_line, retrying_line, thinking_line


class Drafting:
    """Puts one draft into the composer, behind what stands there: `said`, as the session was given it. What is typed
    meanwhile stays; nothing is sent. `tell` shows a line under the page."""

    on_page = False

    def __init__(
        self, composer: Composer, *, said: str, tell: Callable[[Content | None], None], settled: Callable[[], None]
    ) -> None:
        self._composer = composer
        self._tell = tell
        self._settled = settled
        self._said = said
        self._before = self._shown = composer.text
        self._added = ""
        self._line: Content | None = None
        self._changed = False
        self._since = monotonic()

    def left(self) -> str:
        """Return what is said when the reader stops it."""
        return "stopped · what stands there is yours to change and to send"

    async def play(self, events: AsyncGenerator[SessionEvent, None]) -> None:
        """Show events until they end."""
        try:
            async with aclosing(events):
                async for event in events:
                    self._take(event)
        finally:
            self._line = None
            self._changed = True
            self.paint()

    def paint(self) -> None:
        """Write what came since the last time."""
        if self._changed:
            self._changed = False
            # The model brings the space between with it.
            text = self._before.rstrip() + self._added if self._added else self._before
            self._composer.write_behind(self._shown, text)
            self._shown = text
            self._tell(self._line)
            self._settled()

    def _take(self, event: SessionEvent) -> None:
        match event:
            case Delta(text):
                self._added += text
                self._line = None
            case Drafted(text):
                self._added = text.removeprefix(self._said)
            case Reading(done, total):
                self._line = reading_line(done, total, seconds=monotonic() - self._since)
            case Thinking(characters):
                self._line = thinking_line(characters)
            case Retrying():
                self._added = ""
                self._line = retrying_line(event)
        self._changed = True
