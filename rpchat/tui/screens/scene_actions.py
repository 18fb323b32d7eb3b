"""The scene screen's wishes: the actions that only ask somebody else, who does it in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from rpchat.session import Session
from rpchat.tui.choosing import Choosing
from rpchat.tui.director import Director
from rpchat.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp


class SceneActions(Screen[None]):
    """What a scene screen asks of its director and its page, which the screen itself makes."""

    session: Session
    director: Director
    page: Transcript

    @property
    def host(self) -> RpchatApp:
        """The app, as what it is."""
        return cast("RpchatApp", self.app)

    @property
    def choosing(self) -> Choosing:
        """The choices that can be made for this scene."""
        return Choosing(self.session, self.host.program)

    def show_status(self) -> None:
        """Bring what is said around the page up to date."""
        raise NotImplementedError

    async def _choose(self, action_id: str, wanted: str) -> None:
        self.director.remark(await self.choosing.choose(action_id, wanted))
        self.show_status()

    def choose_preset(self, name: str) -> None:
        """Play with that preset."""
        self.director.do(self._choose("scene.preset", name))

    def action_regenerate(self) -> None:
        """Write the reply again."""
        self.director.do(self.director.regenerate())

    def action_continue(self) -> None:
        """Go on inside the last reply."""
        self.director.do(self.director.go_on())

    def action_swipe_previous(self) -> None:
        """Show the version before."""
        self.director.do(self.director.swipe(-1))

    def action_swipe_next(self) -> None:
        """Show the next version, or write one."""
        self.director.do(self.director.swipe(1))

    def action_delete_last(self) -> None:
        """Delete the last message."""
        self.director.do(self.director.delete_last())

    def action_undo(self) -> None:
        """Take the last action back."""
        self.director.do(self.director.undo())

    def action_redo(self) -> None:
        """Do it again."""
        self.director.do(self.director.redo())

    def action_top(self) -> None:
        """To the first turn."""
        self.page.to_start()

    def action_bottom(self) -> None:
        """To the end."""
        self.page.to_end()

    def action_length(self) -> None:
        """Take the next length."""
        self.director.do(self._choose("scene.length", ""))

    def action_note(self) -> None:
        """Tell the author's note."""
        self.director.do(self._choose("scene.note", ""))

    def action_preset(self) -> None:
        """Tell the preset."""
        self.choose_preset("")
