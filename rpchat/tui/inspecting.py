"""The inspector of a scene: opened, kept up to date with the scene and the draft, closed.

One prompt is asked for at a time, and never while a reply is written; what changed meanwhile is asked for behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from textual.widget import Widget

from rpchat.errors import RpchatError
from rpchat.session import Session
from rpchat.session.verify import Verdict
from rpchat.story.text import clean
from rpchat.tui.verifying import Do
from rpchat.tui.widgets.inspector import Inspector
from rpchat.tui.widgets.prompt_head import Head

_WAITS = "a reply is being written; its prompt comes when it is there"
_LOOKS = "laying out the prompt …"


class Inspecting:
    """Holds the open inspector of a session in `panel`. `draft` is what stands in the composer and would be said."""

    def __init__(self, session: Session, *, do: Do, draft: Callable[[], str], is_writing: Callable[[], bool]) -> None:
        self.panel: Inspector | None = None
        self._session = session
        self._do = do
        self._draft = draft
        self._is_writing = is_writing
        self._shown: tuple[object, ...] | None = None
        self._looking = False

    async def open(self, middle: Widget) -> None:
        """Show the inspector in `middle`."""
        self.panel = panel = Inspector()
        self._shown = None
        await middle.mount(panel, before=0)
        panel.show(Head(line=_WAITS if self._is_writing() else _LOOKS))
        panel.rows.focus()

    async def close(self) -> None:
        """Take the inspector away."""
        if self.panel is not None:
            panel, self.panel = self.panel, None
            await panel.remove()

    def look(self, verdict: Verdict | None) -> None:
        """Bring the inspector up to date, if it is open."""
        if self.panel is None:
            return
        self.panel.show(replace(self.panel.head, verdict=verdict, adapter=self._session.preset.adapter))
        if not self._looking and not self._is_writing() and self._wanted() != self._shown:
            self._looking = True
            self._do(self._look())

    def _wanted(self) -> tuple[object, ...]:
        return self._session.scene, self._session.preset, self._session.model, self._draft()

    async def _look(self) -> None:
        try:
            while self.panel is not None and not self._is_writing() and (wanted := self._wanted()) != self._shown:
                self._shown = wanted
                head = await self._head(self._draft())
                if self.panel is not None:
                    before = self.panel.head
                    self.panel.show(replace(head, verdict=before.verdict, adapter=before.adapter))
        finally:
            self._looking = False

    async def _head(self, draft: str) -> Head:
        try:
            return Head(inspection=await self._session.inspect(draft))
        except RpchatError as error:
            return Head(line=clean(str(error)), error=True)
