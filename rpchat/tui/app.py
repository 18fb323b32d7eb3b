"""The app: the themes, the keymap, the model that loads behind, and which screen is on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker

from rpchat.errors import RpchatError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.tui.actions import COMPOSE_KEYS, bindings, keymap
from rpchat.tui.border import shown
from rpchat.tui.fetching import ModelFetching
from rpchat.tui.gallery import Gallery
from rpchat.tui.graphics import drawn
from rpchat.tui.loading import ModelLoader
from rpchat.tui.palette import PresetProvider, StoryProvider, system_commands
from rpchat.tui.screens.home import HomeScreen
from rpchat.tui.screens.room import Room
from rpchat.tui.screens.scene import SceneScreen
from rpchat.tui.shelf_row import Kind
from rpchat.tui.themes import DEFAULT, OWN, story_variables
from rpchat.tui.widgets.help import HelpPanel

_PATIENCE = 0.5
"""Seconds a key waits for those before it; a field that is busy longer is no reason to lose one."""


class RpchatApp(App[None]):
    """One run of rpchat on a screen. Shows `start`, or the home screen where it is None."""

    TITLE = "rpchat"
    # Here and not at the screens: a screen that brings its own makes Textual parse all of them again when it opens.
    CSS_PATH = [  # noqa: RUF012
        "screens/home.tcss", "screens/scene.tcss", "screens/library.tcss", "screens/editor.tcss", "screens/models.tcss",
    ]  # fmt: skip
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {
        PresetProvider,
        StoryProvider,
    }
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]

    def __init__(self, program: Program, start: Session | None = None) -> None:
        super().__init__()
        self.program = program
        self.drafts: dict[int, str] = {}
        """What is written and not sent, by scene id."""
        self.told: set[tuple[str, str]] = set()
        """The models and presets whose formats were said to differ."""
        self.gallery = Gallery(drawn(program.config.pictures))
        """The pictures of cards."""
        self.loader = ModelLoader(program, changed=self._model_changed)
        self.fetching = ModelFetching(lambda: program.choices.models_folder, changed=self._fetching_changed)
        """The model that is on its way from a hub, whichever screen is on."""
        self._start = start
        self.keys, self._problems = keymap(program.config.keys, enter_sends=program.config.enter_sends)
        for theme in OWN:
            self.register_theme(theme)
        self.theme = program.config.theme if program.config.theme in self.available_themes else DEFAULT

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give every theme the colours of the story."""
        return story_variables(self.current_theme)

    def on_mount(self) -> None:
        """Show the first screen at once; the model comes behind it."""
        self.set_keymap(self.keys)
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        start = self._start
        self.push_screen(HomeScreen(self) if start is None else SceneScreen(start, self))
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        for problem in self._problems:
            self._fail(problem)
        self.do(self.loader.ready(self._start))

    async def on_event(self, event: events.Event) -> None:
        """Take a key only when the field one writes in has taken those before it.

        Our keys stand before the field's own, and the app would take them at once: of keys that come in a burst, as
        from a pasting terminal or a script, Enter would overtake the text it is to send.
        """
        if isinstance(event, events.Key) and self.focused is not None:
            caught_up = asyncio.Event()
            if self.focused.call_later(caught_up.set):
                with suppress(TimeoutError):
                    await asyncio.wait_for(caught_up.wait(), _PATIENCE)
        await super().on_event(event)

    async def on_unmount(self) -> None:
        """Leave nothing running."""
        await self.fetching.stop()
        await self.loader.close()
        await self.program.close()

    def do(self, work: Coroutine[None, None, None], *, group: str = "app", exclusive: bool = False) -> None:
        """Do something in a worker of the app; its error becomes a line on the screen."""
        self.run_worker(shown(work, self._fail), group=group, exclusive=exclusive)

    def do_latest(self, work: Callable[[], Coroutine[None, None, None]], *, group: str) -> None:
        """Do something instead of what the group does; of what comes in a burst only the last is begun at all."""

        async def begun() -> None:
            await shown(work(), self._fail)

        _: Worker[None] = self.run_worker(begun, group=group, exclusive=True)

    def _fail(self, line: str) -> None:
        if isinstance(self.screen, SceneScreen):
            self.screen.director.fail(line)
        elif isinstance(self.screen, Room):
            self.screen.remark(line, error=True)

    def _model_changed(self) -> None:
        if isinstance(self.screen, SceneScreen):
            self.screen.show_loading()
        elif isinstance(self.screen, Room):
            self.screen.show_status()

    def _fetching_changed(self) -> None:
        from rpchat.tui.screens.models import ModelsScreen

        if isinstance(self.screen, ModelsScreen):
            self.screen.show_fetching()

    def opening_line(self) -> str:
        """Return the quiet line a scene opens with: that a demo is a demo."""
        if self.loader.choice is None or not self.loader.choice.demo:
            return ""
        models = self.program.choices.models_folder
        return f"demo model: small and a poor actor · a real one: a .gguf file in {models}, or --model PATH"

    async def choose_model(self, path: str) -> None:
        """Take the model the user typed, and load it."""
        await self.program.models.choose_model(path)
        await self.loader.ready(None)

    # The screens

    async def play(self, cards: Sequence[str], *, new: bool) -> None:
        """Play the latest scene of exactly these cards, or a new one."""
        await self._show_scene(await self.program.play(cards, new=new))

    async def play_plan(self, plan_id: str, *, new: bool) -> None:
        """Go on with the scene that was begun from that file, or begin one."""
        await self._show_scene(await self.program.play_scene(plan_id, new=new))

    async def open_scene(self, scene_id: int) -> None:
        """Go on with a scene."""
        await self._show_scene(await self.program.open(scene_id))

    async def _show_scene(self, session: Session) -> None:
        await self._leave_scene()
        await self._put_on(SceneScreen(session, self))
        await self.loader.ready(session)

    async def go_home(self) -> None:
        """Leave the scene, which is on disk, and show the home screen."""
        await self._leave_scene()
        await self._put_on(HomeScreen(self))

    async def go_library(self) -> None:
        """Show the library."""
        from rpchat.tui.screens.library import LibraryScreen  # what shows cards is loaded when they are looked at

        await self._put_on(LibraryScreen(self))

    def action_models(self) -> None:
        """Show the models over this screen; one that is chosen from a scene is chosen for it."""
        from rpchat.tui.screens.models import ModelsScreen

        session = self.screen.session if isinstance(self.screen, SceneScreen) else None
        if not isinstance(self.screen, ModelsScreen):
            self.push_screen(ModelsScreen(self, session))

    async def _put_on(self, screen: Screen[None]) -> None:
        """Show a screen in place of the one there is and of those that lie over it."""
        while len(self.screen_stack) > 2:  # the first one is Textual's own
            await self.pop_screen()
        await self.switch_screen(screen)

    def edit(self, kind: Kind, entry_id: str) -> None:
        """Edit a card or a persona over this screen; with an empty id, a new one."""
        from rpchat.tui.editing import Editing
        from rpchat.tui.screens.editor import EditorScreen

        if kind != "trash":
            self.push_screen(EditorScreen(Editing(self.program, kind, entry_id)))

    def import_files(self, paths: Sequence[Path] = ()) -> None:
        """Take files in over this screen: these, or those that are asked for."""
        from rpchat.tui.screens.importing import ImportScreen

        self.push_screen(ImportScreen(paths))

    async def _leave_scene(self) -> None:
        if isinstance(self.screen, SceneScreen):
            await self.screen.director.stop()
        elif isinstance(self.screen, Room):
            await self.screen.keep()

    async def action_quit(self) -> None:
        """Stop writing, keep everything, quit."""
        self.do(self._quit())

    async def _quit(self) -> None:
        await self._leave_scene()
        self.exit()

    # Help, palette, colours, keys

    def action_help(self) -> None:
        """Show the keys of this screen, or hide them."""
        if not isinstance(self.screen, SceneScreen | Room) or self.close_help():
            return
        panel = HelpPanel((*self.screen.places, "app"), self.keys, back_to=self.focused)
        self.screen.query_one("#middle").mount(panel)
        self.screen.add_class("-help")

    def close_help(self) -> bool:
        """Hide the keys, and go back to where one was before; return whether they were shown."""
        panels = list(self.screen.query(HelpPanel))
        self.screen.remove_class("-help")
        for panel in panels:
            if self.focused in (None, panel):
                # Where the keys cover the page, it can have the focus again only when it is drawn again.
                self.call_after_refresh(self.screen.set_focus, panel.back_to)
            panel.remove()
        return bool(panels)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the actions that can be done here, for the palette."""
        yield from system_commands(self, screen)

    async def choose_theme(self, name: str) -> None:
        """Change the colours. Raises RpchatError for a theme that is not there."""
        if name not in self.available_themes:
            known = ", ".join([theme.name for theme in OWN])
            raise RpchatError(f"there is no theme {name!r}", f"Ours are {known}; Ctrl+P lists them all")
        self.theme = name

    def _theme_changed(self, theme: Theme) -> None:
        """Remember the theme, however it was chosen."""
        if theme.name != self.program.config.theme:
            self.do(self.program.remember("theme", theme.name))

    def change_enter(self) -> bool:
        """Change what Enter does until the end of this run; return whether it sends now."""
        sends = self.keys.get("scene.send") == COMPOSE_KEYS["scene.send"]
        self.keys, _ = keymap(self.program.config.keys, enter_sends=sends)
        self.set_keymap(self.keys)
        return sends
