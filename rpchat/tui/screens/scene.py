"""The scene screen: the page, the composer, and which part does what a key asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from rpchat.session import Session
from rpchat.tui.action import Action, Place
from rpchat.tui.actions import BY_ID, bindings, shown_key
from rpchat.tui.calling import Calling
from rpchat.tui.cast_changes import CastChanges
from rpchat.tui.cast_commands import CastCommands
from rpchat.tui.cast_handling import CastHandling
from rpchat.tui.casting import Casting
from rpchat.tui.choosing import Choosing
from rpchat.tui.composing import Composing
from rpchat.tui.director import Director
from rpchat.tui.faces import faces
from rpchat.tui.handling import Handling
from rpchat.tui.inspecting import Inspecting
from rpchat.tui.overflow import Overflow
from rpchat.tui.panels import Panels
from rpchat.tui.screens.scene_actions import SceneActions
from rpchat.tui.screens.scene_chrome import Chrome
from rpchat.tui.walking import Walking
from rpchat.tui.widgets.card_search import CardSearch
from rpchat.tui.widgets.composer import Composer
from rpchat.tui.widgets.transcript import Transcript
from rpchat.tui.widgets.turn import TurnView

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp


class SceneScreen(Screen[None]):
    """Plays one session. It gives every part what it needs, and every action to the part that does it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("scene")]
    AUTO_FOCUS = "Composer TextArea"

    def __init__(self, session: Session, host: RpchatApp) -> None:
        super().__init__()
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
        self.calling = Calling(session, self.page, director=self.director, key=self.key, settled=self.settled)
        self.casting = Casting(session, host.program, do=host.do, progress=self.calling)
        self.panels = Panels(
            self, inspecting=self.inspecting, casting=self.casting, to_composer=self._to_composer,
            settled=self.settled, keys=lambda: host.keys,
        )  # fmt: skip
        self._changes = CastChanges(
            session, host.program, self.casting, remark=self.director.remark, key=self.key, settled=self.settled
        )
        self._members = CastHandling(
            session, self.casting, director=self.director, calling=self.calling, changes=self._changes,
            uncover=self.panels.uncover,
        )  # fmt: skip
        self._commands = CastCommands(
            session, host.program, director=self.director, calling=self.calling, changes=self._changes,
            open_scene=lambda scene_id: host.do(host.open_scene(scene_id)), settled=self.settled,
        )  # fmt: skip
        self.wishes = SceneActions(
            self.page, director=self.director, choosing=Choosing(session, host.program), panels=self.panels,
            overflow=Overflow(session, host.program, stop=self.director.stop, load=self.ready), changed=self.settled,
        )  # fmt: skip
        self._handling = Handling(
            session, self.walking, director=self.director, edit=self.composing.edit, copy=host.copy_to_clipboard,
            key=self.key,
        )  # fmt: skip
        self._chrome = Chrome(
            session, host, page=self.page, director=self.director, composing=self.composing, walking=self.walking,
            inspecting=self.inspecting, casting=self.casting,
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
        if self.panels.places:
            return self.panels.places
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
        """Leave the keys of an empty line to the field while something is written in it, Tab where there is nothing
        to complete, and every key of the cast to the search for a card."""
        if action != "perform" or not self.is_mounted:
            return True
        wanted = BY_ID[str(parameters[0])]
        if self.casting.is_adding:
            return wanted.place == "scene" and not wanted.on_page
        if wanted.id == "scene.complete":
            return self.composing.can_complete
        return not (wanted.empty_line and self.composer.field.has_focus and not self.composer.is_empty)

    def on_composer_edited(self, event: Composer.Edited) -> None:
        """Keep the draft with the scene; who types has something to say."""
        self.composing.keep(event.text)
        if event.text:
            self.calling.typed()
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

    def on_card_search_searched(self, event: CardSearch.Searched) -> None:
        """Look for a card to add."""
        self._host.do(self.casting.find(event.text), group="cast", exclusive=True)

    def on_card_search_wanted(self, event: CardSearch.Wanted) -> None:
        """Let a card join."""
        self.director.do(self._changes.join(event.card_id))

    async def action_perform(self, action_id: str, key: str = "") -> None:
        """Do an action of the scene, its page or its cast, by whichever part does it."""
        action = BY_ID[action_id]
        # The screen comes last: Textual gives every screen actions of its own, page_up among them.
        parts: Mapping[str, Sequence[object]] = {
            "transcript": (self.walking, self._handling, self.calling),
            "cast": (self._members,),
            "scene": (self.composing, self.wishes, self.walking, self.panels, self._commands, self),
        }
        method = f"action_{action.name}"
        do: Callable[..., Awaitable[None] | None] = next(
            getattr(part, method) for part in parts[action.place] if hasattr(part, method)
        )
        if isawaitable(doing := do(key) if action.by_key else do()):
            await doing

    async def _run_command(self, action: Action, argument: str) -> None:
        """Do what a slash command names, as its key would."""
        if action.id == "app.theme":
            await self._host.choose_theme(argument)
        elif self._commands.knows(action.id):
            await self._commands.run(action.id, argument)
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
        """Leave the field of the panel one is in, or close the prompt; else stop writing, close the help or the panel,
        leave the edit; else step from the composer to the page or back."""
        if self.panels.have_focus and (self.panels.leave_field() or self._host.close_help()):
            return
        if self.director.is_writing and self.inspecting.panel is None:
            self.director.do(self.director.halt())
        elif self.panels.have_focus:
            await self.panels.close()
        elif self.director.is_writing:
            self.director.do(self.director.halt())
        elif self._host.close_help() or await self.panels.close():
            pass
        elif self.composing.is_editing:
            self.composing.leave_edit()
        elif self.walking.is_on:
            self.walking.step_back()
        else:
            self.walking.begin()

    def action_home(self) -> None:
        """To the scenes and cards."""
        self._host.do(self._host.go_home())
