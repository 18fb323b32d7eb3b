"""The scene screen: the page, the composer, and which key asks the director for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from rpchat.session import Session
from rpchat.story.scene import Turn
from rpchat.tui.actions import ACTIONS, BY_ID, Action, bindings, command, shown_key
from rpchat.tui.director import Director
from rpchat.tui.faces import faces
from rpchat.tui.widgets.composer import Composer
from rpchat.tui.widgets.help import HelpPanel
from rpchat.tui.widgets.keyline import Hint, KeyLine
from rpchat.tui.widgets.status import Overview, StatusLine
from rpchat.tui.widgets.transcript import Transcript
from rpchat.tui.widgets.turn import TurnView
from rpchat.tui.widgets.waiting import loading_line

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp

_EMPTY_LINE = frozenset(action.name for action in ACTIONS if action.empty_line)
_READ_ONLY = "read-only: another rpchat has these scenes open; close it and start again to write here"


class SceneScreen(Screen[None]):
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
    def host(self) -> RpchatApp:
        """The app, as what it is."""
        return cast("RpchatApp", self.app)

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError."""
        if self.host.loader.progress is not None:
            self.show_loading()
        await self.host.loader.ready(self.session)

    def settled(self) -> None:
        """Show the status after something was done."""
        self.show_status()

    def show_status(self) -> None:
        """Bring the top line and the line of keys up to date."""
        scene, status = self.session.scene, self.session.status
        cast_names = ", ".join(member.card.spoken_name for member in scene.cast)
        self._status.show(
            Overview(
                title=scene.title or cast_names,
                cast=cast_names if scene.title not in ("", cast_names) else "",
                model=self.host.loader.label,
                tokens_per_second=status.tokens_per_second,
                context_used=status.context_used,
                context=status.context,
                warning="read-only" if self.session.read_only else "",
            )
        )
        self._keys.show(self._hints())

    def _hints(self) -> list[Hint]:
        if self._editing is not None:
            return [self._hint("scene.send", "keep the edit"), self._hint("scene.stop", "leave it as it was")]
        if self.director.is_writing:
            page = self._hint("scene.page_up", "scroll")
            return [self._hint("scene.stop"), self._hint("scene.regenerate"), page, self._hint("app.help")]
        both = "".join(self.key(name) for name in ("scene.swipe_previous", "scene.swipe_next"))
        names = ("scene.continue", "scene.edit_last", "scene.home", "app.command_palette", "app.quit", "app.help")
        first = [self._hint("scene.send"), self._hint("scene.regenerate"), (both, "swipe")]
        return first + [self._hint(name) for name in names]

    def _hint(self, action_id: str, word: str = "") -> Hint:
        return self.key(action_id), word or BY_ID[action_id].label

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
        """Send, keep an edit, or run a slash command."""
        self.director.do(self._send())

    async def _send(self) -> None:
        text = self.composer.text
        if self._editing is not None:
            await self.director.edit(self._editing, text)
            self._leave_edit()
        elif (found := command(text.strip())) is not None:
            self.composer.fill("")
            await self._run_command(*found)
        elif self.director.is_writing:
            self.director.remark(f"still writing · {self.key('scene.stop')} stops it")
        else:
            await self.director.say(text[1:] if text.startswith("//") else text)
            if self.composer.text == text:
                self.composer.fill("")

    async def _run_command(self, action: Action, argument: str) -> None:
        """Do what a slash command names, as its key would."""
        if action.id == "app.theme":
            await self.host.choose_theme(argument)
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

    def action_edit_last(self) -> None:
        """Edit the last message."""
        self.director.do(self._edit_when_written(own=False))

    def action_edit_own(self) -> None:
        """Edit the last message of the user's own."""
        self.director.do(self._edit_when_written(own=True))

    async def _edit_when_written(self, *, own: bool) -> None:
        await self.director.stop()
        self._edit(self.director.last_of_user() if own else self.director.last)

    def action_delete_last(self) -> None:
        """Delete the last message."""
        self.director.do(self.director.delete_last())

    def action_undo(self) -> None:
        """Take the last action back."""
        self.director.do(self.director.undo())

    def action_redo(self) -> None:
        """Do it again."""
        self.director.do(self.director.redo())

    def action_stop(self) -> None:
        """Stop writing; else close the help, else leave the edit."""
        if self.director.is_writing:
            self.director.do(self.director.halt())
        elif not self.host.close_help() and self._editing is not None:
            self._leave_edit()

    def action_page_up(self) -> None:
        """Scroll up."""
        self._scroll(-1)

    def action_page_down(self) -> None:
        """Scroll down."""
        self._scroll(1)

    def _scroll(self, direction: int) -> None:
        """Scroll the page, or the help where it covers the page."""
        if not self.page.display:
            panel = self.query_one(HelpPanel)
            panel.scroll_relative(y=direction * (panel.size.height - 2), animate=False)
        else:
            self.page.page(direction)

    def action_top(self) -> None:
        """To the first turn."""
        self.page.to_start()

    def action_bottom(self) -> None:
        """To the end."""
        self.page.to_end()

    def action_compose_mode(self) -> None:
        """Change what Enter does."""
        sends = self.host.change_enter()
        self.director.remark("Enter sends" if sends else f"Enter begins a new line · {self.key('scene.send')} sends")
        self.show_status()

    def action_home(self) -> None:
        """To the scenes and cards."""
        self.host.do(self.host.go_home())
