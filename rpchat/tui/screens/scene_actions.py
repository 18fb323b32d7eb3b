"""What a scene's keys and commands ask for besides writing: in order, of the director and of the choices there are."""

from __future__ import annotations

from collections.abc import Callable

from rpchat.tui.choosing import Choosing
from rpchat.tui.director import Director
from rpchat.tui.overflow import Overflow
from rpchat.tui.panels import Panels
from rpchat.tui.widgets.help import HelpPanel
from rpchat.tui.widgets.transcript import Transcript

_OVERFLOW = "scene.overflow"


class SceneActions:
    """Asks, and waits for nothing. `changed` is called when a choice was made."""

    def __init__(
        self,
        page: Transcript,
        *,
        director: Director,
        choosing: Choosing,
        overflow: Overflow,
        panels: Panels,
        changed: Callable[[], None],
    ) -> None:
        self._page = page
        self._panels = panels
        self._director = director
        self._choosing = choosing
        self._overflow = overflow
        self._changed = changed

    async def choose(self, action_id: str, wanted: str) -> None:
        """Make a choice of the table, and tell it."""
        choosing = self._overflow.choose(wanted) if action_id == _OVERFLOW else self._choosing.choose(action_id, wanted)
        self._director.remark(await choosing)
        self._changed()

    def choose_preset(self, name: str) -> None:
        """Play with that preset."""
        self._director.do(self.choose("scene.preset", name))

    def action_regenerate(self) -> None:
        """Write the reply again."""
        self._director.do(self._director.regenerate())

    def action_continue(self) -> None:
        """Go on inside the last reply."""
        self._director.do(self._director.go_on())

    def action_swipe_previous(self) -> None:
        """Show the version before."""
        self._director.do(self._director.swipe(-1))

    def action_swipe_next(self) -> None:
        """Show the next version, or write one."""
        self._director.do(self._director.swipe(1))

    def action_delete_last(self) -> None:
        """Delete the last message."""
        self._director.do(self._director.delete_last())

    def action_undo(self) -> None:
        """Take the last action back."""
        self._director.do(self._director.undo())

    def action_redo(self) -> None:
        """Do it again."""
        self._director.do(self._director.redo())

    def action_top(self) -> None:
        """To the first turn."""
        self._page.to_start()

    def action_bottom(self) -> None:
        """To the end."""
        self._page.to_end()

    def action_page_up(self) -> None:
        """Scroll up."""
        self._scroll(-1)

    def action_page_down(self) -> None:
        """Scroll down."""
        self._scroll(1)

    def _scroll(self, direction: int) -> None:
        """Scroll the page, or what covers it."""
        if self._page.display:
            self._page.page(direction)
            return
        covering = (*self._page.screen.query(HelpPanel), *self._panels.covering)
        covering[0].scroll_relative(y=direction * (covering[0].size.height - 2), animate=False)

    def action_length(self) -> None:
        """Take the next length."""
        self._director.do(self.choose("scene.length", ""))

    def action_note(self) -> None:
        """Tell the author's note."""
        self._director.do(self.choose("scene.note", ""))

    def action_preset(self) -> None:
        """Tell the preset."""
        self.choose_preset("")

    def action_overflow(self) -> None:
        """Tell what happens when the context is full."""
        self._director.do(self.choose(_OVERFLOW, ""))

    def action_impersonation(self) -> None:
        """Tell what happens where a reply speaks for somebody else."""
        self._director.do(self.choose("scene.impersonation", ""))

    def action_out_of_character(self) -> None:
        """Tell what happens to what is said outside the story."""
        self._director.do(self.choose("scene.out_of_character", ""))
