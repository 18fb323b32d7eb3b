"""The list of the home screen: rows in sections under their headings, one of them chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rpchat.store.plan_list import PlanEntry
from rpchat.store.scenes import SceneSummary
from rpchat.tui.actions import bindings
from rpchat.tui.home_rows import Entry, Section
from rpchat.tui.rows import card_row, heading, plan_row, scene_row


class RowList(OptionList):
    """Rows in fixed columns; the chosen one carries ▸, which is seen without colours too. Has the focus while letters
    are meant as keys, not as a search."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("rows")]

    @dataclass
    class Chosen(Message):
        """A row was clicked."""

        entry: Entry

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self._sections: Sequence[Section] = ()
        self._entries: dict[int, Entry] = {}
        self._now = 0.0
        self._width = 0
        self._marked: int | None = None

    @property
    def entry(self) -> Entry | None:
        """What the chosen row stands for."""
        return None if self.highlighted is None else self._entries.get(self.highlighted)

    def show(self, sections: Sequence[Section], *, chosen: Entry | None, now: float) -> None:
        """Show these; the bar goes to the row of `chosen`, one of them."""
        self._sections, self._now = sections, now
        self._fill()
        self.highlighted = next((index for index, entry in self._entries.items() if entry is chosen), None)
        if self.highlighted == min(self._entries, default=None):
            self.scroll_home(animate=False)  # the heading above it, too

    def lay_out(self, screen_width: int) -> None:
        """Draw the rows for another width of the screen."""
        if screen_width != self._width:
            self._width = screen_width
            chosen = self.highlighted
            self._fill()
            self.highlighted = chosen

    def _fill(self) -> None:
        self._entries = {}
        self._marked = None
        options: list[Option] = []
        for section in self._sections:
            if options:
                options.append(Option("", disabled=True))
            options.append(Option(heading(section.heading, section.count), disabled=True))
            for entry in section.entries:
                self._entries[len(options)] = entry
                options.append(Option(self._row(entry, chosen=False)))
        self.clear_options()
        self.add_options(options)

    def _row(self, entry: Entry, *, chosen: bool) -> Content:
        width = max(40, (self._width or self.app.size.width) - 5)
        if isinstance(entry, SceneSummary):
            return scene_row(entry, width, chosen=chosen, now=self._now)
        if isinstance(entry, PlanEntry):
            return plan_row(entry, width, chosen=chosen)
        return card_row(entry, width, chosen=chosen)

    def watch_highlighted(self, highlighted: int | None) -> None:
        """Move the ▸."""
        super().watch_highlighted(highlighted)
        for index, chosen in ((self._marked, False), (highlighted, True)):
            if index is not None and index in self._entries:
                self.replace_option_prompt_at_index(index, self._row(self._entries[index], chosen=chosen))
        self._marked = highlighted

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click plays."""
        event.stop()
        if (entry := self._entries.get(event.option_index)) is not None:
            self.post_message(self.Chosen(entry))

    def action_row_up(self) -> None:
        """One row up."""
        self.action_cursor_up()

    def action_row_down(self) -> None:
        """One row down."""
        self.action_cursor_down()
