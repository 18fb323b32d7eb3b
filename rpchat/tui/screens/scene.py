"""The scene screen: the page, the composer, and which key asks whom for what."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from rpchat.errors import RpchatError
from rpchat.session import Session
from rpchat.story.scene import Turn
from rpchat.tui.actions import ACTIONS, BY_ID, Action, Place, bindings, command, shown_key
from rpchat.tui.director import Director
from rpchat.tui.faces import faces
from rpchat.tui.inspecting import Inspecting
from rpchat.tui.screens.scene_actions import SceneActions
from rpchat.tui.screens.scene_lines import Moment, hints, overview_of
from rpchat.tui.verifying import Verifying
from rpchat.tui.widgets.composer import Composer
from rpchat.tui.widgets.help import HelpPanel
from rpchat.tui.widgets.keyline import KeyLine
from rpchat.tui.widgets.status import StatusLine
from rpchat.tui.widgets.transcript import Transcript
from rpchat.tui.widgets.turn import TurnView
from rpchat.tui.widgets.waiting import loading_line

_EMPTY_LINE = frozenset(action.name for action in ACTIONS if action.empty_line)
_READ_ONLY = "read-only: another rpchat has these scenes open; close it and start again to write here"


class SceneScreen(SceneActions):
    """Plays one session."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("scene")]
    AUTO_FOCUS = "Composer _Field"

    def __init__(self, session: Session) -> None:
        super().__init__(id="scene")
        self.session = session
        self._editing: Turn | None = None
        self._status = StatusLine()
        self._keys = KeyLine()
        self.page = Transcript()
        self.composer = Composer()
        self.director = Director(session, stage=self)
        self.inspecting = Inspecting(
            session, do=self._do_behind, draft=self._unsaid, is_writing=lambda: self.director.is_writing
        )
        self.verifying = Verifying(session, do=self._do_behind, changed=self._verified)

    def compose(self) -> ComposeResult:
        """Status, page (with room for a panel), composer, keys."""
        yield self._status
        with Horizontal(id="middle"):
            yield self.page
        yield self.composer
        yield self._keys

    async def on_mount(self) -> None:
        """Show the scene as it is, and the draft that was left in it."""
        await self.page.show(faces(self.session.scene))
        self._show_composer()
        self.composer.fill(self.host.drafts.get(self.session.scene.id, ""))
        self.director.remark(self.host.opening_line())
        self.show_status()
        self.page.to_end()

    @property
    def places(self) -> tuple[Place, ...]:
        """The places whose actions can be done now."""
        return ("inspector", "scene") if self.inspecting.panel is not None else ("scene",)

    def _verified(self) -> None:
        """Show the verdict; that a format differs is said once."""
        self.show_status()
        verdict, asked = self.verifying.verdict, (self.host.loader.label, self.session.preset.name)
        if verdict is None or verdict.kind != "differs" or self.director.is_writing or asked in self.host.told:
            return
        self.host.told.add(asked)
        self.director.remark(
            f"the preset's format differs from the model's own template ({verdict.detail}) · "
            f"{self.key('scene.inspect')} shows the prompt"
        )

    def _do_behind(self, work: Coroutine[None, None, None]) -> None:
        """Do something that must not be cancelled with this screen."""
        self.host.do(work)

    def _unsaid(self) -> str:
        """Return what would be said if it were sent now: the draft, if it is neither an edit nor a command."""
        text = self.composer.text
        if self._editing is not None or (text.startswith("/") and not text.startswith("//")):
            return ""
        return text.removeprefix("/") if text.startswith("//") else text

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError."""
        if self.host.loader.progress is not None:
            self.show_loading()
        await self.host.loader.ready(self.session)

    def settled(self) -> None:
        """Show the status after something was done."""
        self.show_status()

    def show_status(self) -> None:
        """Bring the top line, the line of keys and the inspector up to date."""
        if self.host.loader.is_ready:
            self.verifying.look()
        verdict = self.verifying.verdict
        self.inspecting.look(verdict)
        self._status.show(overview_of(self.session, model=self.host.loader.label, verdict=verdict))
        self._show_keys()

    def _show_keys(self) -> None:
        panel = self.inspecting.panel
        moment = Moment(
            inspecting=panel is not None and panel.has_focus_within,
            editing=self._editing is not None,
            writing=self.director.is_writing,
            length=self.choosing.length if self.session.lengths else None,
        )
        self._keys.show(hints(moment, self.host.keys))

    def key(self, action_id: str) -> str:
        """Return the key of an action as people write it."""
        return shown_key(BY_ID[action_id], self.host.keys)

    def _show_composer(self) -> None:
        if self._editing is not None:
            self.composer.show(name=f"✎ {self._editing.speaker}", editing=True)
        elif self.session.read_only:
            self.composer.show(name=self.session.scene.persona.name, placeholder=_READ_ONLY, read_only=True)
        else:
            self.composer.show(name=self.session.scene.persona.name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave the keys of an empty line to the field while something is written in it."""
        return not (action in _EMPTY_LINE and self.is_mounted and not self.composer.is_empty)

    def on_composer_edited(self, event: Composer.Edited) -> None:
        """Keep the draft with the scene."""
        if self._editing is None:
            self.host.drafts[self.session.scene.id] = event.text
        self.inspecting.look(self.verifying.verdict)

    def on_descendant_focus(self) -> None:
        """The keys change with the focus."""
        if self.is_mounted:
            self._show_keys()

    def on_turn_view_marks_clicked(self, event: TurnView.MarksClicked) -> None:
        """Show another version of any turn, by mouse."""
        last = self.director.last
        newest = last is not None and last.id == event.turn_id
        self.director.do(self.director.swipe(event.step, None if newest else event.turn_id))

    def show_loading(self) -> None:
        """Show how far the model is loaded; under the page only to who waits for it."""
        self.show_status()
        loader = self.host.loader
        if self.director.is_writing:
            done = loader.progress
            self.page.say(loading_line(done.done, done.total, size=loader.size) if done is not None else None)
        elif loader.progress is None and self.director.is_fresh and (line := self.host.opening_line()):
            self.director.remark(line)

    def action_send(self) -> None:
        """Send, keep an edit, or run a slash command: with the text as it is now, whatever is typed behind it."""
        text, edited = self.composer.text, self._editing
        if edited is None:
            self.composer.fill("")
        self.director.do(self._send(text, edited))

    async def _send(self, text: str, edited: Turn | None) -> None:
        if edited is not None:
            await self.director.edit(edited, text)
            self._leave_edit()
            return
        try:
            if (found := command(text.strip())) is not None:
                await self._run_command(*found)
            elif self.director.is_writing:
                self._give_back(text)
                self.director.remark(f"still writing · {self.key('scene.stop')} stops it")
            else:
                await self.director.say(text[1:] if text.startswith("//") else text)
        except RpchatError:
            self._give_back(text)
            raise

    def _give_back(self, text: str) -> None:
        """Put what could not be sent back in front of what was typed since."""
        self.composer.fill("\n".join(part for part in (text, self.composer.text) if part))

    async def _run_command(self, action: Action, argument: str) -> None:
        """Do what a slash command names, as its key would."""
        if action.id == "app.theme":
            await self.host.choose_theme(argument)
        elif action.argument:
            await self._choose(action.id, argument)
        else:
            await self.run_action(f"{'app' if action.place == 'app' else 'screen'}.{action.name}")

    def _edit(self, turn: Turn | None) -> None:
        if turn is None:
            self.director.remark("there is nothing to edit yet")
            return
        self._editing = turn
        self._show_composer()
        self.composer.fill(turn.text)
        self.show_status()

    def _leave_edit(self) -> None:
        self._editing = None
        self._show_composer()
        self.composer.fill("")
        self.show_status()

    def action_newline(self) -> None:
        """Begin a new line."""
        self.composer.newline()

    def action_edit_last(self) -> None:
        """Edit the last message."""
        self.director.do(self._edit_when_written(own=False))

    def action_edit_own(self) -> None:
        """Edit the last message of the user's own."""
        self.director.do(self._edit_when_written(own=True))

    async def _edit_when_written(self, *, own: bool) -> None:
        await self.director.stop()
        self._edit(self.director.last_of_user() if own else self.director.last)

    async def action_stop(self) -> None:
        """Close the inspector one is in; else stop writing, close the help or the inspector, leave the edit."""
        panel = self.inspecting.panel
        if panel is not None and panel.has_focus_within:
            if not panel.leave_find() and not self.host.close_help():
                await self.action_inspect()
        elif self.director.is_writing:
            self.director.do(self.director.halt())
        elif self.host.close_help():
            pass
        elif panel is not None:
            await self.action_inspect()
        elif self._editing is not None:
            self._leave_edit()

    async def action_inspect(self) -> None:
        """Show the prompt laid open, or the page again."""
        opening = self.inspecting.panel is None
        self.set_class(opening, "-inspecting")
        if opening:
            await self.inspecting.open(self.query_one("#middle"))
        else:
            await self.inspecting.close()
            self.composer.field.focus()
        self.show_status()

    def action_page_up(self) -> None:
        """Scroll up."""
        self._scroll(-1)

    def action_page_down(self) -> None:
        """Scroll down."""
        self._scroll(1)

    def _scroll(self, direction: int) -> None:
        """Scroll the page, or what covers it."""
        if not self.page.display:
            shown = (*self.query(HelpPanel), *([self.inspecting.panel.rows] if self.inspecting.panel else []))
            shown[0].scroll_relative(y=direction * (shown[0].size.height - 2), animate=False)
        else:
            self.page.page(direction)

    def action_compose_mode(self) -> None:
        """Change what Enter does."""
        sends = self.host.change_enter()
        self.director.remark("Enter sends" if sends else f"Enter begins a new line · {self.key('scene.send')} sends")
        self.show_status()

    def action_home(self) -> None:
        """To the scenes and cards."""
        self.host.do(self.host.go_home())
