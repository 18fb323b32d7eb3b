"""Ctrl+P: the actions that can be done here, scenes, scenes to begin and cards by name, and in a scene every preset."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import Screen

from rpchat.story.text import one_line
from rpchat.tui.action_table import ACTIONS
from rpchat.tui.actions import PERFORMED, shown_key
from rpchat.tui.screens.room import Room
from rpchat.tui.screens.scene import SceneScreen

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp


def system_commands(app: RpchatApp, screen: Screen[object]) -> Iterable[SystemCommand]:
    """Yield the actions of the table that the screen or the app can do now."""
    yield SystemCommand("Change the colours", "Choose one of the themes", app.action_change_theme)
    here = ("app", "scene", "transcript") if isinstance(screen, SceneScreen) else ("app", screen.id)
    for action in ACTIONS:
        told = bool(action.commands or action.label) and (action.optional or not action.argument)
        if action.place not in here or not told or action.id == "app.command_palette":
            continue
        key = shown_key(action, app.keys)
        title = re.split(r"[;:,(]", action.help, maxsplit=1)[0].strip()
        if isinstance(screen, SceneScreen | Room) and action.place in PERFORMED:
            method: Callable[[], object] = partial(screen.action_perform, action.id)
        else:
            method = getattr(app if action.place == "app" else screen, f"action_{action.name}")
        yield SystemCommand(f"{title}  {key}" if key else title, action.help, method)


class PresetProvider(Provider):
    """Finds the presets a scene can be played with."""

    @property
    def _host(self) -> RpchatApp:
        return cast("RpchatApp", self.app)

    async def search(self, query: str) -> Hits:
        """Yield the presets that the query finds; none outside a scene."""
        screen = self.screen
        if not isinstance(screen, SceneScreen):
            return
        matcher = self.matcher(query)
        for preset_id in await self._host.program.models.preset_ids():
            name = f"Preset: {one_line(preset_id, 60)}"
            if (score := matcher.match(name)) > 0:
                choose = partial(screen.wishes.choose_preset, preset_id)
                yield Hit(score, Content(name), choose, text=name, help="play this scene with it")


class StoryProvider(Provider):
    """Finds scenes by title, cast and last words, scenes to begin by title and cast, and cards by name."""

    @property
    def _host(self) -> RpchatApp:
        return cast("RpchatApp", self.app)

    async def discover(self) -> Hits:
        """Yield the latest scenes."""
        for scene in await self._host.program.recent(limit=5):
            name = one_line(scene.title or ", ".join(scene.cast), 60)
            yield DiscoveryHit(Content(name), self._opener(scene.id), text=name, help="go on with this scene")

    async def search(self, query: str) -> Hits:
        """Yield the scenes, begun or not, and cards that the query finds."""
        matcher = self.matcher(query)
        for scene in await self._host.program.recent(limit=100):
            name = one_line(f"{scene.title} · {', '.join(scene.cast)}", 60)
            if (score := matcher.match(name)) > 0:
                yield Hit(score, Content(name), self._opener(scene.id), text=name, help="go on with this scene")
        for plan in await self._host.program.plans.entries():
            name = one_line(f"{plan.name} · {', '.join(plan.cast)}", 60)
            if not plan.error and (score := matcher.match(name)) > 0:
                yield Hit(score, Content(name), self._beginner(plan.id), text=name, help="begin this scene")
        for card in await self._host.program.cards():
            name = one_line(card.name, 60)
            if not card.error and (score := matcher.match(name)) > 0:
                yield Hit(score, Content(name), self._player(card.id), text=name, help="play this card")

    def _opener(self, scene_id: int) -> Callable[[], None]:
        return lambda: self._host.do(self._host.open_scene(scene_id))

    def _beginner(self, plan_id: str) -> Callable[[], None]:
        return lambda: self._host.do(self._host.play_plan(plan_id, new=False))

    def _player(self, card_id: str) -> Callable[[], None]:
        return lambda: self._host.do(self._host.play([card_id], new=False))
