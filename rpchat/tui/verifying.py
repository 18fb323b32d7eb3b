"""Whether the prompt format is the model's own: asked in the background, once for each model and preset."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path

from rpchat.errors import RpchatError
from rpchat.session import Session
from rpchat.session.verify import Verdict
from rpchat.story.preset import Preset

Do = Callable[[Coroutine[None, None, None]], None]
"""Does something in a worker that is not cancelled with the screen: an engine that is interrupted while it answers
must load its model again."""


class Verifying:
    """Keeps the `verdict` on what a session plays with, None while there is none. `changed` is called for a new one."""

    def __init__(self, session: Session, *, do: Do, changed: Callable[[], None]) -> None:
        self.verdict: Verdict | None = None
        self._session = session
        self._do = do
        self._changed = changed
        self._asked: tuple[Path, Preset] | None = None

    def look(self) -> None:
        """Ask again if the model or the preset is another."""
        model = self._session.model
        if model is not None and self._asked != (asked := (model.path, self._session.preset)):
            self._asked = asked
            self.verdict = None
            self._do(self._verify(asked))

    async def _verify(self, asked: tuple[Path, Preset]) -> None:
        try:
            verdict = await self._session.verify()
        except RpchatError as error:
            verdict = Verdict("unknown", error.message)
        if asked == self._asked:
            self.verdict = verdict
            self._changed()
