"""Where the user writes: the persona's name, and a text field that grows to a third of the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from rpchat.story.text import clean
from rpchat.tui.actions import bindings
from rpchat.tui.widgets.clean_fields import CleanText


class Composer(Horizontal):
    """The prompt `name ›` and the field. Its bindings stand before the field's own keys."""

    DEFAULT_CSS = """
    Composer {
        height: auto;
        max-height: 33vh;
        padding: 0 2;
        border-top: solid $rule;
        & > #prompt {
            width: auto;
            max-width: 40%;
            height: 1;
            margin-right: 1;
            color: $speech;
            text-style: bold;
        }
        & > CleanText {
            width: 1fr;
            height: auto;
            min-height: 1;
            max-height: 100%;
            border: none;
            padding: 0;
            background: $background;
            color: $speech;
            scrollbar-size-vertical: 1;
            &:focus { border: none; }
            & .text-area--placeholder { color: $ooc; }
        }
        &.-editing > #prompt { color: $accent; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("scene", while_writing=True)]

    @dataclass
    class Edited(Message):
        """The text in the field changed."""

        text: str

    def __init__(self) -> None:
        super().__init__()
        self._prompt = Static(id="prompt", markup=False)
        self.field: TextArea = CleanText(highlight_cursor_line=False, compact=True)
        """The text field."""
        self.field.cursor_blink = False

    def compose(self) -> ComposeResult:
        """The prompt and the field."""
        yield self._prompt
        yield self.field

    @property
    def text(self) -> str:
        """What is written, cleaned."""
        return clean(self.field.text)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written."""
        return not self.field.text

    def show(self, *, name: str, placeholder: str = "", read_only: bool = False, editing: bool = False) -> None:
        """Say who writes, and what is shown while nothing is written."""
        self._prompt.update(Content(f"{name} ›"))
        self.set_class(editing, "-editing")
        self.field.placeholder = Content(placeholder)
        self.field.read_only = read_only

    def fill(self, text: str) -> None:
        """Put a text in the field, with the cursor behind it."""
        self.field.load_text(text)
        self.field.move_cursor(self.field.document.end)

    def write_behind(self, before: str, after: str) -> None:
        """Let what is written end with `after` where it ends with `before`. If it no longer does, only what `after`
        adds to `before` is put behind it: what the user typed meanwhile stays."""
        if after.startswith(before):
            self._insert(after[len(before) :])
        elif self.field.text.endswith(before):
            self.fill(self.field.text.removesuffix(before) + after)

    def _insert(self, text: str) -> None:
        field = self.field
        follows = field.cursor_location == field.document.end
        field.insert(text, field.document.end, maintain_selection_offset=not follows)
        if follows:
            field.move_cursor(field.document.end)
            field.scroll_cursor_visible()

    def newline(self) -> None:
        """Begin a new line at the cursor."""
        self.field.insert("\n")
        self.field.scroll_cursor_visible()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell the screen, which keeps the draft."""
        event.stop()
        self.post_message(self.Edited(self.field.text))
