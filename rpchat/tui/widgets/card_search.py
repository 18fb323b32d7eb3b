"""A search over the cards, in a panel: what is written asks for cards, and the bar stands on one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from rpchat.store.card_list import CardEntry
from rpchat.story.text import one_line
from rpchat.tui.actions import bindings
from rpchat.tui.widgets.clean_fields import CleanLine

_NOTHING = Content("no card has that in it").stylize("$ooc")


class _Cards(OptionList, can_focus=False):
    """The cards that were found; the chosen one carries ▸, which is seen without colours too."""

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        self.found: Sequence[CardEntry] = ()

    def show(self, found: Sequence[CardEntry]) -> None:
        """Show these, the bar on the first."""
        self.found = ()
        self.clear_options()
        self.add_options([Option(_row(entry, chosen=False)) for entry in found] or [Option(_NOTHING, disabled=True)])
        self.found = found
        self.highlighted = 0 if found else None

    def watch_highlighted(self, highlighted: int | None) -> None:
        """Move the ▸."""
        super().watch_highlighted(highlighted)
        for index, entry in enumerate(self.found):
            self.replace_option_prompt_at_index(index, _row(entry, chosen=index == highlighted))


class CardSearch(Vertical):
    """Hidden until it is opened. What it finds is given to it."""

    DEFAULT_CSS = """
    CardSearch {
        display: none;
        height: auto;
        margin-top: 1;
        border-top: solid $rule;
        &.-open { display: block; }
        & > Input { height: 1; background: $background; }
        & > _Cards {
            height: auto;
            max-height: 10;
            padding: 0;
            border: none;
            background: $background;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("adding")]

    @dataclass
    class Searched(Message):
        """Cards are looked for that match `text`."""

        text: str

    @dataclass
    class Wanted(Message):
        """That card shall join."""

        card_id: str

    def __init__(self) -> None:
        super().__init__()
        self._field = CleanLine(placeholder="a card · Enter adds · Esc closes", compact=True)
        self._cards = _Cards()

    def compose(self) -> ComposeResult:
        """The field and what was found."""
        yield self._field
        yield self._cards

    @property
    def is_open(self) -> bool:
        """Whether a card is being looked for."""
        return self.has_class("-open")

    def open(self) -> None:
        """Begin to look for a card, among all of them at first."""
        self.add_class("-open")
        self._field.value = ""
        self._field.focus()
        self.post_message(self.Searched(""))

    def close(self) -> bool:
        """Stop looking; return whether a card was being looked for."""
        was_open = self.is_open
        self.remove_class("-open")
        return was_open

    def show(self, found: Sequence[CardEntry]) -> None:
        """Show these cards, but for those whose files are broken; the bar goes to the first."""
        self._cards.show([entry for entry in found if not entry.error])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for it as it is typed."""
        event.stop()
        if self.is_open:
            self.post_message(self.Searched(event.value))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click adds."""
        event.stop()
        self._want(event.option_index)

    def action_next(self) -> None:
        """The next card."""
        self._cards.action_cursor_down()

    def action_previous(self) -> None:
        """The card before."""
        self._cards.action_cursor_up()

    def action_join(self) -> None:
        """Add the card under the bar."""
        if self._cards.highlighted is not None:
            self._want(self._cards.highlighted)

    def _want(self, index: int) -> None:
        self.post_message(self.Wanted(self._cards.found[index].id))


def _row(entry: CardEntry, *, chosen: bool) -> Content:
    about = one_line(entry.summary or " · ".join(entry.tags), 60)
    mark = ("▸ " if chosen else "  ", "$accent")
    return Content.assemble(mark, (one_line(entry.name, 60), "bold $speech"), (f"  {about}", "$action"))
