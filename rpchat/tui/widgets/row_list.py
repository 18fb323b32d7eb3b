"""The list of the home screen: scenes and cards under their headings, with one row chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rpchat.store.card_list import CardEntry
from rpchat.store.scenes import SceneSummary
from rpchat.tui.actions import bindings
from rpchat.tui.rows import card_row, heading, scene_row

Entry = SceneSummary | CardEntry


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
        self._scenes: Sequence[SceneSummary] = ()
        self._cards: Sequence[CardEntry] = ()
        self._entries: dict[int, Entry] = {}
        self._now = 0.0
        self._width = 0
        self._marked: int | None = None

    @property
    def entry(self) -> Entry | None:
        """What the chosen row stands for."""
        return None if self.highlighted is None else self._entries.get(self.highlighted)

    def show(self, scenes: Sequence[SceneSummary], cards: Sequence[CardEntry], *, now: float) -> None:
        """Show these; the bar goes to the first row."""
        self._scenes, self._cards, self._now = scenes, cards, now
        self._fill()
        self.highlighted = min(self._entries, default=None)

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
        groups: list[tuple[str, Sequence[Entry]]] = [("Continue", self._scenes), ("Cards", self._cards)]
        for name, entries in groups:
            if not entries:
                continue
            if options:
                options.append(Option("", disabled=True))
            count = len(entries) if name == "Cards" else None
            options.append(Option(heading(name, count), disabled=True))
            for entry in entries:
                self._entries[len(options)] = entry
                options.append(Option(self._row(entry, chosen=False)))
        self.clear_options()
        self.add_options(options)

    def _row(self, entry: Entry, *, chosen: bool) -> Content:
        width = max(40, (self._width or self.app.size.width) - 5)
        if isinstance(entry, SceneSummary):
            return scene_row(entry, width, chosen=chosen, now=self._now)
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
