"""The marked card beside the list: its picture and its texts."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.tui.card_text import card_text
from rpchat.tui.gallery import Gallery
from rpchat.tui.shelf_row import ShelfRow
from rpchat.tui.widgets.portrait import Portrait

PICTURE = (20, 10)
"""Columns and rows of its picture."""


class CardPreview(VerticalScroll, can_focus=False):
    """Shows one card or persona, or nothing."""

    DEFAULT_CSS = """
    CardPreview {
        width: 44%;
        min-width: 40;
        max-width: 90;
        height: 1fr;
        padding: 0 2;
        border-left: solid $rule;
        scrollbar-size-vertical: 1;
        & > Portrait { width: 20; height: 10; display: none; margin-bottom: 1; }
        & > Portrait.-shown { display: block; }
        & > Static { height: auto; }
    }
    """

    def __init__(self, gallery: Gallery) -> None:
        super().__init__(id="preview")
        self._gallery = gallery
        self._portrait = Portrait()
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        """Picture and text."""
        yield self._portrait
        yield self._text

    def show(self, row: ShelfRow, card: Card | Persona) -> None:
        """Show a card; its picture when it is there."""
        self._text.update(card_text(card, colour=row.colour))
        self.show_picture(row)
        self.scroll_to(y=0, animate=False)

    def show_picture(self, row: ShelfRow) -> None:
        """Show the picture of a row, if it is made."""
        picture = self._gallery.known(row.avatar, columns=PICTURE[0], rows=PICTURE[1])
        self._portrait.set_class(picture is not None, "-shown")
        if picture is not None:
            self._portrait.show(picture, self._gallery.way)

    def clear(self) -> None:
        """Show nothing."""
        self._text.update("")
        self._portrait.remove_class("-shown")
