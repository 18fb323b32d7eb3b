"""The list of the models screen: rows under headings, one of them marked; it shows models or what can be fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rpchat.model_rows import ModelRow
from rpchat.tui.actions import bindings
from rpchat.tui.model_shelf import Group, Listed
from rpchat.tui.rows import heading

_MARGIN = 5
"""Cells beside a row: those around the list and its scrollbar."""


class Draw(Protocol):
    """Makes the row of an entry, `width` cells wide."""

    def __call__(self, entry: Listed, width: int, *, marked: bool) -> Content:
        """Return the row."""
        ...


class ModelTable(OptionList):
    """Rows in fixed columns; the marked one carries ▸, which is seen without colours too."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("models")]

    @dataclass
    class Moved(Message):
        """Another row is marked, or none."""

        entry: Listed | None

    @dataclass
    class Chosen(Message):
        """The marked row was clicked."""

        entry: Listed

    def __init__(self, draw: Draw) -> None:
        super().__init__(markup=False, compact=True, id="models-list")
        self._draw = draw
        self._groups: Sequence[Group] = ()
        self._entries: dict[int, Listed] = {}
        self._marked: int | None = None
        self._wanted: Path | None = None
        self._moved_by_hand = False

    @property
    def entry(self) -> Listed | None:
        """What the marked row stands for."""
        return None if self.highlighted is None else self._entries.get(self.highlighted)

    def mark_next(self, path: Path) -> None:
        """Mark the model in that file as soon as it is shown."""
        self._wanted = path

    def show(self, groups: Sequence[Group]) -> None:
        """Show these; the mark stays on its row, and until somebody moves it, on the model that is played."""
        before = _name(self.entry) if self._moved_by_hand else None
        self._groups = groups
        self._fill()
        rows = {_name(entry): index for index, entry in self._entries.items()}
        played = (index for index, entry in self._entries.items() if isinstance(entry, ModelRow) and entry.played)
        wanted = rows.get(str(self._wanted)) if self._wanted is not None else None
        if wanted is not None:
            self._wanted, self._moved_by_hand = None, True
        elif before in rows:
            wanted = rows[before]
        self._mark(wanted if wanted is not None else next(played, min(self._entries, default=None)))

    def _mark(self, index: int | None) -> None:
        by_hand = self._moved_by_hand
        self.highlighted = index
        self._moved_by_hand = by_hand

    def _fill(self) -> None:
        self._entries, self._marked = {}, None
        entries: dict[int, Listed] = {}
        options: list[Option] = []
        for name, some in self._groups:
            if options:
                options.append(Option("", disabled=True))
            options.append(Option(heading(name, len(some)), disabled=True))
            for entry in some:
                entries[len(options)] = entry
                options.append(Option(self._row(entry, marked=False)))
        self.clear_options()
        self.add_options(options)
        self._entries = entries

    def _row(self, entry: Listed, *, marked: bool) -> Content:
        return self._draw(entry, max(40, self.size.width - _MARGIN), marked=marked)

    def on_resize(self, event: events.Resize) -> None:
        """Draw the rows for another width."""
        event.stop()
        marked = self.highlighted
        self._fill()
        self._mark(marked)

    def watch_highlighted(self, highlighted: int | None) -> None:
        """Move the ▸."""
        super().watch_highlighted(highlighted)
        if highlighted == self._marked:
            return
        for index, marked in ((self._marked, False), (highlighted, True)):
            if index is not None and index in self._entries:
                self.replace_option_prompt_at_index(index, self._row(self._entries[index], marked=marked))
        self._marked = highlighted
        self._moved_by_hand = True
        self.post_message(self.Moved(self.entry))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click chooses."""
        event.stop()
        if (entry := self._entries.get(event.option_index)) is not None:
            self.post_message(self.Chosen(entry))

    def action_next(self) -> None:
        """Mark the next one."""
        self.action_cursor_down()

    def action_previous(self) -> None:
        """Mark the one before."""
        self.action_cursor_up()


def _name(entry: Listed | None) -> str | None:
    """A name for an entry that stays its own while the list is read again."""
    if entry is None:
        return None
    return str(entry.path) if isinstance(entry, ModelRow) else entry.id
