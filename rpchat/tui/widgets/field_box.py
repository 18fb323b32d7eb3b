"""One field of the editor: its name, how many tokens it takes, and the text."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from rpchat.story.text import clean
from rpchat.tui.card_fields import Field
from rpchat.tui.widgets.clean_fields import CleanText


class FieldText(CleanText):
    """A text with undo; a field of one line takes no second one."""

    def __init__(self, text: str, *, long: bool, hint: str) -> None:
        super().__init__(
            text, highlight_cursor_line=False, soft_wrap=True, tab_behavior="focus",
            placeholder=Content(hint),
        )  # fmt: skip
        self._long = long
        self.cursor_blink = False
        self.set_class(long, "-long")

    def pasted(self, text: str) -> str:
        """Return a pasted text, in one line where the field has one."""
        return text if self._long else " ".join(text.split("\n"))

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter" and not self._long:
            event.prevent_default()
            event.stop()
            self.screen.focus_next()

    def on_resize(self) -> None:
        """Be as high as the text is at the new width."""
        if self.wrapped_document.height != self.content_size.height:
            self.refresh(layout=True)

    def take(self, text: str) -> None:
        """Put another text in place of all there is; undo brings back what was."""
        if text != self.text:
            self.replace(text, (0, 0), self.document.end)


class FieldBox(Vertical):
    """Shows one field of a card or a persona."""

    DEFAULT_CSS = """
    FieldBox {
        height: auto;
        margin-bottom: 1;
        & > .label { height: 1; color: $action; }
        &.-short { layout: horizontal; margin-bottom: 0; }
        &.-short > .label { width: 18; }
        &.-short > FieldText { width: 1fr; }
        &:focus-within > .label { color: $accent; text-style: bold; }
        & > FieldText {
            height: auto;
            max-height: 50vh;
            border: none;
            border-left: solid $rule;
            padding: 0 1;
            background: $background;
            color: $speech;
            scrollbar-size-vertical: 1;
            &:focus { border: none; border-left: thick $primary; }
            & .text-area--placeholder { color: $ooc; }
        }
        & > FieldText.-long { min-height: 2; }
        &.-bad > .label { color: $error; }
    }
    """

    @dataclass
    class Edited(Message):
        """The text changed."""

        box: FieldBox

    def __init__(self, field: Field, text: str) -> None:
        super().__init__()
        self.field = field
        self.set_class(not field.long, "-short")
        self.area = FieldText(text, long=field.long, hint=field.hint)
        """Where it is written."""
        self.counted = ""
        """The text that was counted last."""
        self._count = ""
        self._number = 0
        self._label = Static(classes="label", markup=False)

    def compose(self) -> ComposeResult:
        """Name and text."""
        yield self._label
        yield self.area

    def on_mount(self) -> None:
        """Show the name."""
        self._draw()

    @property
    def text(self) -> str:
        """What is written, cleaned."""
        return clean(self.area.text)

    def show_count(self, count: str) -> None:
        """Show how many tokens it takes, in words; empty for none."""
        self._count = count
        self._draw()

    def show_number(self, number: int) -> None:
        """Show which one of several it is."""
        self._number = number
        self._draw()

    def show_bad(self, bad: bool) -> None:
        """Mark the field as one that cannot be kept as it is."""
        self.set_class(bad, "-bad")

    def _draw(self) -> None:
        name = f"{self.field.label} {self._number}" if self._number else self.field.label
        self._label.update(Content.assemble(name, (f"  {self._count}" if self._count else "", "$ooc")))

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell the editor."""
        event.stop()
        self.show_bad(False)
        self.post_message(self.Edited(self))
