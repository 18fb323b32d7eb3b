"""The cast panel of a scene: opened, kept up to date, closed; and the cards it finds.

Who is next is asked for once for each state of the scene, one question at a time and never while a reply is written:
with the strategy `blend` the model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from textual.widget import Widget

from rpchat.errors import RpchatError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.story.casting import Choice
from rpchat.story.scene import Scene
from rpchat.story.text import clean
from rpchat.tui.cast_rows import CastLook
from rpchat.tui.verifying import Do
from rpchat.tui.widgets.cast_panel import CastPanel


class Progress(Protocol):
    """What the panel needs to know of what is written."""

    @property
    def is_writing(self) -> bool:
        """Whether turns are on their way."""
        ...

    @property
    def auto(self) -> str:
        """How far the members have talked on by themselves; empty: they do not."""
        ...


class Casting:
    """Holds the open cast panel of a session in `panel`."""

    def __init__(self, session: Session, program: Program, *, do: Do, progress: Progress) -> None:
        self.panel: CastPanel | None = None
        self._session = session
        self._program = program
        self._do = do
        self._progress = progress
        self._choice: Choice | None = None
        self._line = ""
        self._asked: tuple[Scene, bool] | None = None
        self._asking = False

    @property
    def has_focus(self) -> bool:
        """Whether the keys of the panel are meant."""
        return self.panel is not None and self.panel.has_focus_within

    @property
    def is_adding(self) -> bool:
        """Whether a card to add is being looked for."""
        return self.panel is not None and self.panel.search.has_focus_within

    async def open(self, middle: Widget, keys: Mapping[str, str]) -> None:
        """Show the panel at the right of `middle`."""
        self.panel = panel = CastPanel(keys)
        self._asked = None
        await middle.mount(panel)
        self.look()
        panel.focus()

    async def close(self) -> None:
        """Take the panel away."""
        if self.panel is not None:
            panel, self.panel = self.panel, None
            await panel.remove()

    def leave_adding(self) -> bool:
        """Stop looking for a card; return whether one was looked for."""
        if self.panel is None or not self.panel.search.close():
            return False
        self.panel.focus()
        return True

    async def find(self, search: str) -> None:
        """Show the cards that match, but for those that are here already."""
        found = await self._program.cards(search)
        here = {member.card_id for member in self._session.cast.members}
        if self.panel is not None:
            self.panel.search.show([entry for entry in found if entry.id not in here])

    def look(self) -> None:
        """Bring the panel up to date, if it is open."""
        if self.panel is None:
            return
        scene, writing = self._session.scene, self._progress.is_writing
        last = scene.last()
        self.panel.show(
            CastLook(
                members=self._session.cast.members,
                settings=scene.settings,
                choice=None if writing or self._asked != self._wanted() else self._choice,
                speaking=last.member if writing and last is not None and last.finish == "open" else "",
                auto=self._progress.auto,
                line="a turn is on its way" if writing else self._line or "…",
            )
        )
        if not self._asking and not writing and self._wanted() != self._asked:
            self._asking = True
            self._do(self._ask())

    def _wanted(self) -> tuple[Scene, bool]:
        """The state of what is played, as far as it decides who is next."""
        return self._session.scene, self._session.model is not None

    async def _ask(self) -> None:
        try:
            while self.panel is not None and not self._progress.is_writing and self._wanted() != self._asked:
                asked = self._wanted()
                self._choice, self._line = await self._answer()
                self._asked = asked
        finally:
            self._asking = False
        self.look()

    async def _answer(self) -> tuple[Choice | None, str]:
        if self._session.scene.settings.casting == "blend" and self._session.model is None:
            return None, "who is next is known when the model is loaded"
        try:
            return await self._session.cast.choice(), ""
        except RpchatError as error:
            return None, clean(str(error))
