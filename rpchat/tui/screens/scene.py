"""The scene screen: the page, the composer, and which part does what a key asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from rpchat.session import Session
from rpchat.tui.actions import ACTIONS, BY_ID, Action, Place, bindings, shown_key
from rpchat.tui.choosing import Choosing
from rpchat.tui.composing import Composing
from rpchat.tui.director import Director
from rpchat.tui.faces import faces
from rpchat.tui.handling import Handling
from rpchat.tui.inspecting import Inspecting
from rpchat.tui.screens.scene_actions import SceneActions
from rpchat.tui.screens.scene_chrome import Chrome
from rpchat.tui.walking import Walking
from rpchat.tui.widgets.composer import Composer
from rpchat.tui.widgets.transcript import Transcript
from rpchat.tui.widgets.turn import TurnView

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp

_EMPTY_LINE = frozenset(action.id for action in ACTIONS if action.empty_line)


class SceneScreen(Screen[None]):
    """Plays one session. It gives every part what it needs, and every action to the part that does it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("scene")]
    AUTO_FOCUS = "Composer _Field"

    def __init__(self, session: Session, host: RpchatApp) -> None:
        super().__init__(id="scene")
        self.session = session
        self.page = Transcript()
        self.composer = Composer()
        self._host = host
        self.director = Director(session, stage=self)
        self.composing = Composing(
            session, self.composer, director=self.director, host=host, key=self.key, changed=self.settled,
            run=self._run_command,
        )  # fmt: skip
        self.walking = Walking(
            session, self.page, director=self.director, leave=self._to_composer, changed=self.settled
        )
        self.inspecting = Inspecting(
            session, do=host.do, draft=self.composing.unsaid, is_writing=lambda: self.director.is_writing
        )
        self.wishes = SceneActions(
            self.page, director=self.director, choosing=Choosing(session, host.program), inspecting=self.inspecting,
            changed=self.settled,
        )  # fmt: skip
        self._handling = Handling(
            session, self.walking, director=self.director, edit=self.composing.edit, copy=host.copy_to_clipboard,
            key=self.key,
        )  # fmt: skip
        self._chrome = Chrome(
            session, host, page=self.page, director=self.director, composing=self.composing, walking=self.walking,
            inspecting=self.inspecting,
        )  # fmt: skip

    def compose(self) -> ComposeResult:
        """Status, page (with room for a panel), composer, keys."""
        yield self._chrome.status
        with Horizontal(id="middle"):
            yield self.page
        yield self.composer
        yield self._chrome.keys

    async def on_mount(self) -> None:
        """Show the scene as it is, and the draft that was left in it."""
        await self.page.show(faces(self.session.scene))
        self.composing.show()
        self.composer.fill(self.composing.draft)
        self.director.remark(self._host.opening_line())
        self.settled()
        self.page.to_end()

    @property
    def places(self) -> tuple[Place, ...]:
        """The places whose actions can be done now, the nearest first."""
        if self.inspecting.panel is not None:
            return ("inspector", "scene")
        return ("transcript", "scene") if self.walking.is_on else ("scene", "transcript")

    def key(self, action_id: str) -> str:
        """Return the key of an action as people write it."""
        return shown_key(BY_ID[action_id], self._host.keys)

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError."""
        if self._host.loader.progress is not None:
            self.show_loading()
        await self._host.loader.ready(self.session)

    def settled(self) -> None:
        """Something was done: bring what stands around the page up to date."""
        self._chrome.show()

    def show_loading(self) -> None:
        """Show how far the model is loaded."""
        self._chrome.show_loading()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys of an empty line to the field while something is written in it."""
        typing = self.is_mounted and self.composer.field.has_focus and not self.composer.is_empty
        return not (typing and action == "perform" and parameters[0] in _EMPTY_LINE)

    def on_composer_edited(self, event: Composer.Edited) -> None:
        """Keep the draft with the scene."""
        self.composing.keep(event.text)
        self._chrome.draft_changed()

    def on_descendant_focus(self) -> None:
        """The keys change with the focus, and the mark comes and goes."""
        if self.is_mounted:
            self.walking.look()
            self._chrome.show_keys()

    def on_turn_view_marks_clicked(self, event: TurnView.MarksClicked) -> None:
        """Show another version of any turn, by mouse."""
        self.director.do(self.director.swipe(event.step, self.session.scene.turns[event.turn_id]))

    def on_turn_view_picked(self, event: TurnView.Picked) -> None:
        """Mark the turn that was clicked."""
        self.walking.begin(event.turn_id)

    async def action_perform(self, action_id: str) -> None:
        """Do an action of the scene or its page, by whichever part does it."""
        action = BY_ID[action_id]
        on_page = (self.walking, self._handling)
        # The screen comes last: Textual gives every screen actions of its own, page_up among them.
        parts = on_page if action.place == "transcript" else (self.composing, self.wishes, self.walking, self)
        method = f"action_{action.name}"
        do: Callable[[], Awaitable[None] | None] = next(
            getattr(part, method) for part in parts if hasattr(part, method)
        )
        if isawaitable(doing := do()):
            await doing

    async def _run_command(self, action: Action, argument: str) -> None:
        """Do what a slash command names, as its key would."""
        if action.id == "app.theme":
            await self._host.choose_theme(argument)
        elif action.argument:
            await self.wishes.choose(action.id, argument)
        elif action.place == "app":
            await self.run_action(f"app.{action.name}")
        else:
            await self.action_perform(action.id)

    def _to_composer(self) -> None:
        self.set_focus(self.composer.field)
        self.settled()

    async def action_stop(self) -> None:
        """Close the inspector one is in; else stop writing, close the help or the inspector, leave the edit; else step
        from the composer to the page or back."""
        panel = self.inspecting.panel
        if panel is not None and panel.has_focus_within:
            if not panel.leave_find() and not self._host.close_help():
                await self.action_inspect()
        elif self.director.is_writing:
            self.director.do(self.director.halt())
        elif self._host.close_help():
            pass
        elif panel is not None:
            await self.action_inspect()
        elif self.composing.is_editing:
            self.composing.leave_edit()
        elif self.walking.is_on:
            self.walking.step_back()
        else:
            self.walking.begin()

    async def action_inspect(self) -> None:
        """Show the prompt laid open, or the page again."""
        opening = self.inspecting.panel is None
        self.set_class(opening, "-inspecting")
        if opening:
            await self.inspecting.open(self.query_one("#middle"))
        else:
            await self.inspecting.close()
            self.composer.field.focus()
        self.settled()

    def action_home(self) -> None:
        """To the scenes and cards."""
        self._host.do(self._host.go_home())
