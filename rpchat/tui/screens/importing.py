"""Files come in: a path is asked for, a bar shows how far it is, and a summary says what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from rpchat.library import Importing
from rpchat.story.text import clean, one_line
from rpchat.tui.action import Place
from rpchat.tui.actions import bindings
from rpchat.tui.completing import PathSuggester, completions, longest_common
from rpchat.tui.dropped import existing
from rpchat.tui.import_text import Outcome, counts, summary
from rpchat.tui.screens.room import Room
from rpchat.tui.widgets.clean_fields import CleanLine
from rpchat.tui.widgets.status import bar

_TEACH = (
    "the path of a file or of a folder with many · or drop files on this window, where your terminal lets you\n"
    "cards (png, charx, json, yaml), chats, presets, lorebooks, personas, groups · nothing is ever overwritten"
)
_BAR = 30


class ImportScreen(Room):
    """Takes files in. Begins at once with `paths`, if there are any."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("importing")]
    AUTO_FOCUS = "#path"
    title_text = "Import"

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        super().__init__("importing")
        self._paths = paths
        self.outcomes: list[Outcome] = []
        """What became of each file so far."""
        self._taking = False
        self._stopping = False
        self._field = CleanLine(
            placeholder="path · Tab completes · Enter imports", id="path", compact=True, suggester=PathSuggester()
        )
        self._progress = Static(id="progress", markup=False)
        self._text = Static(Content(_TEACH).stylize("$ooc"), markup=False)

    def compose(self) -> ComposeResult:
        """Status, path, progress, summary, keys."""
        yield self.status
        with Horizontal(id="middle"), Vertical(id="import"):
            with Horizontal(id="path-line"):
                yield Static(Content("import ›"), classes="prompt")
                yield self._field
            yield self._progress
            with VerticalScroll(id="summary", can_focus=False):
                yield self._text
        yield self.said
        yield self.keys

    def on_mount(self) -> None:
        """Begin."""
        self.show_status()
        if self._paths:
            self.host.do(self._take(self._paths), group="import")

    @property
    def places(self) -> tuple[Place, ...]:
        """Here."""
        return ("importing",)

    @property
    def hints(self) -> Sequence[str]:
        """What can be done here."""
        return ("importing.take", "importing.complete", "importing.leave", "importing.copy")

    def subtitle(self) -> str:
        """Return what came of it so far."""
        return counts(self.outcomes) if self.outcomes else ""

    def action_take(self) -> None:
        """Take in what is written; with nothing written, go back."""
        text = clean(self._field.value)
        if self._taking:
            return
        if not text.strip():
            self.dismiss()
            return
        self.host.do(self._take_written(text), group="import")

    async def _take_written(self, text: str) -> None:
        paths = await asyncio.to_thread(existing, text)
        if paths:
            self._field.value = ""
            await self._take(paths)
        else:
            self.remark(f"there is no file {one_line(text, 120)}", error=True)

    async def _take(self, paths: Sequence[Path]) -> None:
        self._taking, self._stopping = True, False
        self.remark("")
        try:
            async with aclosing(self.host.program.library.import_files(paths)) as steps:
                async for step in steps:
                    if isinstance(step, Importing):
                        if self._stopping:
                            break
                        self._show_progress(step)
                    else:
                        self.outcomes.append(step)
        finally:
            self._taking = False
            self._show_summary()

    def _show_progress(self, step: Importing) -> None:
        drawn = bar(step.done, step.total, cells=_BAR)
        told = f" {step.done:,} of {step.total:,}  {one_line(step.name, 60)}"
        self._progress.update(drawn + Content(told).stylize("$action"))

    def _show_summary(self) -> None:
        said = "stopped between two files" if self._stopping else "nothing was found there"
        self._progress.update(Content(counts(self.outcomes) if self.outcomes else said).stylize("bold $speech"))
        if self.outcomes:
            self._text.update(summary(self.outcomes))
            if self._stopping:
                self.remark("stopped between two files; what came in is in")
        self.show_status()

    async def action_complete(self) -> None:
        """Complete the path as far as it is certain."""
        text = self._field.value
        further = longest_common(await asyncio.to_thread(completions, text))
        if len(further) > len(text):
            self._field.value = further
            self._field.cursor_position = len(further)

    def action_copy(self) -> None:
        """Copy the summary."""
        if self.outcomes:
            self.host.copy_to_clipboard(f"{counts(self.outcomes)}\n{summary(self.outcomes).plain}\n")
            self.remark("copied, where the terminal lets programs copy")

    def action_page_down(self) -> None:
        """Scroll the summary down."""
        self.query_one("#summary").scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        """Scroll the summary up."""
        self.query_one("#summary").scroll_page_up(animate=False)

    def action_leave(self) -> None:
        """Stop between two files; else close the help; else go back."""
        if self._taking:
            self._stopping = True
        elif not self.host.close_help():
            self.dismiss()
