"""What stands around the page of a scene: the top line, the line of keys, what is said of the model's loading, and what
is done while nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpchat.session import Session
from rpchat.tui.actions import BY_ID, shown_key
from rpchat.tui.casting import Casting
from rpchat.tui.choosing import Choosing
from rpchat.tui.composing import Composing
from rpchat.tui.director import Director
from rpchat.tui.idling import Idling
from rpchat.tui.inspecting import Inspecting
from rpchat.tui.screens.scene_lines import Moment, hints, overview_of
from rpchat.tui.verifying import Verifying
from rpchat.tui.walking import Walking
from rpchat.tui.widgets.keyline import KeyLine
from rpchat.tui.widgets.status import StatusLine
from rpchat.tui.widgets.transcript import Transcript
from rpchat.tui.widgets.waiting import loading_line

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp


class Chrome:
    """Keeps the lines around one scene's page up to date with what the reader is in."""

    def __init__(
        self,
        session: Session,
        host: RpchatApp,
        *,
        page: Transcript,
        director: Director,
        composing: Composing,
        walking: Walking,
        inspecting: Inspecting,
        casting: Casting,
    ) -> None:
        self.status = StatusLine()
        self.keys = KeyLine()
        self._session = session
        self._host = host
        self._page = page
        self._director = director
        self._composing = composing
        self._walking = walking
        self._inspecting = inspecting
        self._casting = casting
        self._choosing = Choosing(session, host.program)
        self._verifying = Verifying(session, do=host.do, changed=self._verified)
        self._idling = Idling(
            session, do=host.do, is_writing=lambda: director.is_writing,
            ready_swipes=host.program.config.ready_swipes,
        )  # fmt: skip

    def show(self) -> None:
        """Bring the top line, the line of keys, the marks on the page and the panels up to date."""
        if self._host.loader.is_ready:
            self._verifying.look()
            if self._host.program.config.read_ahead:
                self._idling.look()
        verdict = self._verifying.verdict
        self._inspecting.look(verdict)
        self._casting.look()
        self._walking.look()
        self.status.show(overview_of(self._session, model=self._host.loader.label, verdict=verdict))
        self.show_keys()

    def show_keys(self) -> None:
        """Show the keys that do something now."""
        panel = self._inspecting.panel
        moment = Moment(
            inspecting=panel is not None and panel.has_focus_within,
            editing=self._composing.is_editing,
            writing=self._director.is_writing,
            walking=self._walking.is_on,
            cutting=self._walking.has_cut,
            in_cast=self._casting.has_focus,
            adding=self._casting.is_adding,
            members=len(self._session.cast.members),
            length=self._choosing.length if self._session.lengths else None,
        )
        self.keys.show(hints(moment, self._host.keys))

    def show_loading(self) -> None:
        """Show how far the model is loaded; under the page only to who waits for it."""
        self.show()
        loader = self._host.loader
        if self._director.is_writing:
            done = loader.progress
            self._page.say(loading_line(done.done, done.total, size=loader.size) if done is not None else None)
        elif loader.progress is None and loader.told:
            self._director.remark(" · ".join(loader.told))
        elif loader.progress is None and self._director.is_fresh and (line := self._host.opening_line()):
            self._director.remark(line)

    def draft_changed(self) -> None:
        """The prompt laid open shows what would be said."""
        self._inspecting.look(self._verifying.verdict)

    def _verified(self) -> None:
        """Show the verdict; that a format differs is said once."""
        self.show()
        verdict, asked = self._verifying.verdict, (self._host.loader.label, self._session.preset.name)
        if verdict is None or verdict.kind != "differs" or self._director.is_writing or asked in self._host.told:
            return
        self._host.told.add(asked)
        self._director.remark(
            f"the preset's format differs from the model's own template ({verdict.detail}) · "
            f"{shown_key(BY_ID['scene.inspect'], self._host.keys)} shows the prompt"
        )
