"""F2: the cast beside the page, with the search for a card that joins it. What it shows is given to it; it asks nobody,
and what a key or a click wants is done by the screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region, Size
from textual.widget import Widget

from rpchat.story.scene import Member
from rpchat.tui.actions import bindings
from rpchat.tui.cast_rows import FIRST_ROW, CastLook, cast_text, member_at
from rpchat.tui.widgets.card_search import CardSearch


class _CastText(Widget):
    """The text of a look, with one member marked."""

    DEFAULT_CSS = """
    _CastText { height: auto; }
    """
    ALLOW_SELECT = False

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__()
        self.look = CastLook()
        self.marked = 0
        self._keys = keys

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Return the rows of the text at that width."""
        return self._text(width).plain.count("\n") + 1

    def render(self) -> Content:
        """Return the text at the width there is."""
        return self._text(self.content_size.width)

    def _text(self, width: int) -> Content:
        return cast_text(self.look, marked=self.marked, keys=self._keys, width=width)


class CastPanel(VerticalScroll, can_focus=True):
    """The members and how it is decided who speaks. Has the focus while its keys are meant."""

    DEFAULT_CSS = """
    CastPanel {
        width: 42;
        height: 1fr;
        padding: 0 2;
        border-left: solid $rule;
        scrollbar-size-vertical: 1;
        &:focus, &:focus-within { border-left: solid $primary; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("cast")]

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__(id="cast")
        self._text = _CastText(keys)
        self.search = CardSearch()
        """The search for a card to add."""

    def compose(self) -> ComposeResult:
        """The cast, and the search below it."""
        yield self._text
        yield self.search

    @property
    def look(self) -> CastLook:
        """What is shown."""
        return self._text.look

    @property
    def marked(self) -> Member | None:
        """The marked member; None where nobody is here."""
        members = self.look.members
        return members[self._text.marked] if members else None

    def show(self, look: CastLook) -> None:
        """Show another look, if it is another; the mark stays with its member, else in its place."""
        if look == self._text.look:
            return
        before = self.marked
        places = {member.card_id: index for index, member in enumerate(look.members)}
        place = places.get(before.card_id, self._text.marked) if before is not None else 0
        self._text.look = look
        self._text.marked = max(0, min(place, len(look.members) - 1))
        self._text.refresh(layout=True)

    def mark(self, index: int) -> None:
        """Mark the member at that index, at the ends the one there."""
        self._text.marked = max(0, min(index, len(self.look.members) - 1))
        self._text.refresh()
        self.scroll_to_region(Region(0, FIRST_ROW + self._text.marked, 1, 1), animate=False)

    def mark_by(self, step: int) -> None:
        """Mark the member `step` places from the marked one."""
        self.mark(self._text.marked + step)

    async def on_click(self, event: events.Click) -> None:
        """A click marks a member, a double click lets it speak."""
        if event.widget is not self._text:
            return
        offset = event.get_content_offset(self._text)
        index = member_at(offset.y, self.look) if offset is not None else None
        if index is not None:
            self.mark(index)
            if event.chain == 2:
                await self.run_action("screen.perform('cast.speak')")
