"""The editor of cards and personas: fields with their tokens, the greetings, the prompt they make, drafts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from rpchat.errors import RpchatError
from rpchat.story.text import one_line
from rpchat.tui.action import Place
from rpchat.tui.actions import bindings
from rpchat.tui.card_fields import FieldError, fields_of
from rpchat.tui.editing import Editing
from rpchat.tui.elsewhere import written_elsewhere
from rpchat.tui.screens.room import Room
from rpchat.tui.widgets.card_form import CardForm
from rpchat.tui.widgets.field_box import FieldBox
from rpchat.tui.widgets.prompt_panel import PromptPanel

_HINTS = (
    "editor.save", "editor.preview", "editor.add_greeting", "editor.elsewhere", "editor.leave", "editor.revert",
)  # fmt: skip
_PAUSE = 0.4
"""Seconds without a key before tokens are counted and the draft is kept."""


class EditorScreen(Room):
    """Edits one card or persona. What is written is never lost: it is saved, or kept as a draft."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("editor")]
    title_text = "Editor"

    def __init__(self, editing: Editing) -> None:
        super().__init__("editor")
        self.editing = editing
        self.form = CardForm(fields_of(editing.base))
        self.panel = PromptPanel()
        self._filled = False

    def compose(self) -> ComposeResult:
        """Status, fields or prompt, keys."""
        yield self.status
        with Horizontal(id="middle"):
            yield self.form
            yield self.panel
        yield self.said
        yield self.keys

    def on_mount(self) -> None:
        """Read the card behind the first paint."""
        self.show_status()
        self._do(self._open())

    async def _open(self) -> None:
        written, is_draft = await self.editing.open()
        await self.form.fill(written)
        self._filled = True
        self.form.go_to("name")
        self.show_status()
        if is_draft:
            self.remark(f"this is your draft, not saved yet · {self.key('editor.revert')} brings back what was saved")
        self._settle()

    @property
    def places(self) -> tuple[Place, ...]:
        """The editor, and the prompt where it is open."""
        return ("inspector", "editor") if self.panel.is_open else ("editor",)

    @property
    def hints(self) -> Sequence[str]:
        """What can be done here."""
        return _HINTS if self.editing.kind == "cards" else [name for name in _HINTS if "greeting" not in name]

    def subtitle(self) -> str:
        """Return what is edited, and what it costs in every prompt."""
        if not self._filled:
            return ""
        what = "card" if self.editing.kind == "cards" else "persona"
        name = one_line(self.form.written.texts["name"], 40) or f"new {what}"
        return name if self.is_saved else f"{name} ✎"

    @property
    def is_saved(self) -> bool:
        """Whether nothing differs from what is saved."""
        return self.form.written == self.editing.saved

    def show_status(self) -> None:
        """Bring the top line up to date; a model that was loaded meanwhile can count."""
        super().show_status()
        if self._filled:
            self._settle()

    def on_field_box_edited(self, event: FieldBox.Edited) -> None:
        """Count and keep it, when no key has come for a moment."""
        event.stop()
        self._settle()

    def _settle(self) -> None:
        self.host.do_latest(self._settled, group="settling")

    async def _settled(self) -> None:
        await asyncio.sleep(_PAUSE)
        await self.editing.keep(self.form.written)
        Room.show_status(self)
        exact = self.host.loader.is_ready
        for box in self.form.boxes:
            wanted = f"{exact}{box.text}"
            if box.field.read and box.counted != wanted:
                count = await self.editing.count(box.text)
                box.counted = wanted
                box.show_count(f"{count} tokens" if box.text else "")

    # What the keys do

    async def action_save(self) -> None:
        """Save it."""
        self._do(self._save())

    async def _save(self) -> None:
        try:
            await self.editing.save(self.form.written)
        except FieldError as error:
            self.form.go_to(error.field, bad=True)
            raise
        self.remark("saved")
        Room.show_status(self)

    async def action_revert(self) -> None:
        """Bring back what was saved, unless nothing differs."""
        if self.is_saved:
            self.remark("nothing differs from what was saved")
            return
        self._do(self._revert())

    async def _revert(self) -> None:
        for box in self.form.boxes:
            if box.field.name in self.editing.saved.texts:
                box.area.take(self.editing.saved.texts[box.field.name])
        await self.form.set_greetings(self.editing.saved.greetings)
        self.remark("as it was saved · Ctrl+Z in a field brings back what you wrote there")

    def action_preview(self) -> None:
        """Show the prompt the model would read, or the fields again."""
        if self.panel.is_open:
            self._close_panel()
        elif self.editing.kind == "personas":
            self.remark("the prompt is shown with a card: edit one, or open a scene")
        else:
            self._do(self._preview())

    async def _preview(self) -> None:
        try:
            shown, laid_open = await self.editing.prompt(self.form.written)
        except FieldError as error:
            self.form.go_to(error.field, bad=True)
            raise
        self.add_class("-prompt")
        self.panel.show(shown, laid_open)

    def _close_panel(self) -> None:
        self.remove_class("-prompt")
        self.panel.close()
        self.form.go_to("description")

    async def action_add_greeting(self) -> None:
        """Add a greeting."""
        if not await self.form.add_greeting():
            self.remark("a persona greets nobody")

    async def action_remove_greeting(self) -> None:
        """Remove the greeting one writes in."""
        if await self.form.remove_greeting():
            self.remark(f"greeting removed · {self.key('editor.restore_greeting')} puts it back")
            self._settle()
        else:
            self.remark("write in the greeting that shall go")

    async def action_restore_greeting(self) -> None:
        """Put the greeting back that was removed last."""
        if await self.form.restore_greeting():
            self._settle()
        else:
            self.remark("no greeting was removed")

    def action_greeting_up(self) -> None:
        """Move the greeting up."""
        self._move_greeting(-1)

    def action_greeting_down(self) -> None:
        """Move the greeting down."""
        self._move_greeting(1)

    def _move_greeting(self, step: int) -> None:
        if self.form.move_greeting(step):
            self._settle()

    def action_elsewhere(self) -> None:
        """Write in the field with the user's own editor."""
        box = self.form.here
        if box is None:
            self.remark("write in a field first")
            return
        try:
            box.area.take(written_elsewhere(self.host, box.text))
        except RpchatError as error:
            self.remark(str(error), error=True)

    async def action_leave(self) -> None:
        """Close the help or the prompt; else go back."""
        if self.panel.leave_find() or self.host.close_help():
            return
        if self.panel.is_open:
            self._close_panel()
        else:
            self._do(self._leave())

    async def _leave(self) -> None:
        await self.keep()
        self.dismiss()

    async def keep(self) -> None:
        """Keep what is not saved as a draft."""
        if self._filled:
            await self.editing.keep(self.form.written)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        self.host.do(work, group="editor")
