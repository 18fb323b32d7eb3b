"""One question at the foot of a screen, with a field for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import PurePath
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from rpchat.tui.actions import bindings
from rpchat.tui.completing import PathSuggester, completions, longest_common
from rpchat.tui.widgets.clean_fields import CleanLine

FORMATS = {
    ".png": "picture with the card in it",
    ".json": "JSON, V3",
    ".yaml": "YAML, for rpchat",
    ".charx": "CHARX, with assets",
}
"""The endings a card can be written with."""


class AskLine(Horizontal):
    """Hidden until something is asked. Calls back with the answer; Esc leaves the question."""

    DEFAULT_CSS = """
    AskLine {
        display: none;
        height: 1;
        margin: 0 2;
        &.-open { display: block; layout: horizontal; }
        & > Static { width: auto; color: $accent; margin-right: 1; }
        & > #ask-hint { color: $ooc; margin: 0 0 0 1; }
        & > Input { width: 1fr; height: 1; border: none; padding: 0; background: $background; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("asking")]

    class Closed(Message):
        """The question is answered or left."""

    def __init__(self) -> None:
        super().__init__()
        self._question = Static(markup=False)
        self.field = CleanLine(compact=True)
        """Where the answer is written."""
        self._hint = Static(id="ask-hint", markup=False)
        self._answer: Callable[[str], None] = lambda text: None  # noqa: ARG005
        self._is_path = False

    def compose(self) -> ComposeResult:
        """Question, field, hint."""
        yield self._question
        yield self.field
        yield self._hint

    @property
    def is_open(self) -> bool:
        """Whether something is asked."""
        return self.has_class("-open")

    def open(self, question: str, text: str, answer: Callable[[str], None]) -> None:
        """Ask; `text` stands in the field already."""
        self._ask(question, text, answer, is_path=False)

    def open_path(self, question: str, text: str, answer: Callable[[str], None]) -> None:
        """Ask for a path to write a card to; Tab takes the next format."""
        self._ask(question, text, answer, is_path=True)

    def _ask(self, question: str, text: str, answer: Callable[[str], None], *, is_path: bool) -> None:
        self._answer, self._is_path = answer, is_path
        self._question.update(Content(f"{question} ›"))
        self.field.suggester = PathSuggester() if is_path else None
        self.field.value = text
        self.field.cursor_position = len(text)
        self._show_hint()
        self.add_class("-open")
        self.field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say which format the ending means."""
        event.stop()
        self._show_hint()

    def _show_hint(self) -> None:
        known = FORMATS.get(PurePath(self.field.value).suffix.casefold())
        self._hint.update(Content(f"{known or 'no format has that ending'} · Tab" if self._is_path else ""))

    def action_take(self) -> None:
        """Answer."""
        text = self.field.value.strip()
        self._close()
        if text or not self._is_path:
            self._answer(text)

    async def action_complete(self) -> None:
        """Complete the path; where it is whole, take the next format."""
        if not self._is_path:
            return
        text = self.field.value
        found = await asyncio.to_thread(completions, text)
        further = longest_common(found)
        path = PurePath(text)
        if path.suffix.casefold() in FORMATS:
            endings = list(FORMATS)
            further = str(path.with_suffix(endings[(endings.index(path.suffix.casefold()) + 1) % len(endings)]))
        if len(further) >= len(text) or path.suffix.casefold() in FORMATS:
            self.field.value = further
            self.field.cursor_position = len(further)

    def action_leave(self) -> None:
        """Leave the question."""
        self._close()

    def _close(self) -> None:
        self.remove_class("-open")
        self.post_message(self.Closed())
