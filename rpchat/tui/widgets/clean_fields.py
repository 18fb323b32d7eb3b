"""The fields that are written in. What is pasted may be anybody's: it is cleaned before it is in."""

from __future__ import annotations

from textual import events
from textual.reactive import reactive
from textual.widgets import Input, TextArea

from rpchat.story.text import clean


class CleanText(TextArea):
    """A text of several lines."""

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        if result := self._replace_via_keyboard(self.pasted(clean(event.text)), *self.selection):
            self.move_cursor(result.end_location)

    def pasted(self, text: str) -> str:
        """Return what comes in of a clean text."""
        return text


class CleanLine(Input):
    """A line; several that are pasted become one, and none is lost."""

    cursor_blink = reactive(False, init=False)

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.take_pasted(event.text)

    def take_pasted(self, text: str) -> None:
        """Put a text in place of what is selected."""
        self.replace(" ".join(clean(text).strip("\n").split("\n")), *self.selection)
