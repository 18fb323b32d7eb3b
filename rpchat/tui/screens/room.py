"""What the screens beside the scene have in common: a line on top, one for remarks, and one of keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from rpchat.tui.action import Place
from rpchat.tui.actions import BY_ID, shown_key
from rpchat.tui.widgets.keyline import KeyLine
from rpchat.tui.widgets.status import Overview, StatusLine

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp


class Room(Screen[None]):
    """A screen of a title, with room for panels in `#middle`. Errors of its workers become its remark."""

    title_text = ""

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.status = StatusLine(Overview(title=self.title_text))
        self.said = Static(classes="remark", markup=False)
        self.keys = KeyLine()

    @property
    def host(self) -> RpchatApp:
        """The app, as what it is."""
        return cast("RpchatApp", self.app)

    @property
    def places(self) -> tuple[Place, ...]:
        """The places whose actions can be done now, the nearest first."""
        return ()

    @property
    def hints(self) -> Sequence[str]:
        """The actions in the line of keys, in their order; F1 is added."""
        return ()

    @property
    def labels(self) -> Mapping[str, str]:
        """What actions are called here, where it is not what the table calls them."""
        return {}

    def remark(self, line: str, *, error: bool = False) -> None:
        """Show one line above the keys, or with an empty text none."""
        self.said.set_class(bool(line), "-shown")
        self.said.set_class(error, "-error")
        self.said.update(Content(line))

    def key(self, action_id: str) -> str:
        """Return the key of an action as people write it."""
        return shown_key(BY_ID[action_id], self.host.keys)

    def show_status(self) -> None:
        """Bring the top line and the line of keys up to date."""
        loader = self.host.loader
        model = " · ".join(filter(None, [loader.label, loader.place]))
        warning = "read-only: another rpchat has these scenes open" if self.host.program.read_only else ""
        self.status.show(Overview(title=self.title_text, cast=self.subtitle(), model=model, warning=warning))
        self.show_keys()

    async def keep(self) -> None:
        """Keep what would be lost when the screen goes."""

    def subtitle(self) -> str:
        """Return what stands behind the title."""
        return ""

    def show_keys(self) -> None:
        """Bring the line of keys up to date."""
        names = [*self.hints, "app.help"]
        self.keys.show([(self.key(name), self.labels.get(name, BY_ID[name].label)) for name in names])

    async def action_perform(self, action_id: str) -> None:
        """Do an action of the table, by whichever part does it."""
        await self.perform(action_id)

    async def perform(self, action_id: str) -> None:
        """Do it."""
        raise NotImplementedError(action_id)
