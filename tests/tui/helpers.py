"""Short forms for what screen tests do again and again: a program on a home of its own, and waiting for a condition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from textual.command import CommandList
from textual.pilot import Pilot

from rpchat.engine.port import ModelInfo
from rpchat.engine.scripted import MODEL, Gate, Script, ScriptedEngine
from rpchat.program import Program
from rpchat.session import Session
from rpchat.store.config import load_config
from rpchat.store.folders import Folders
from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore
from rpchat.tui.app import RpchatApp
from rpchat.tui.screens.home import HomeScreen
from rpchat.tui.screens.scene import SceneScreen
from rpchat.tui.widgets.turn import TurnView

MODEL_FILE = "Antler-7B-RP-v3.Q4_K_M.gguf"

CARD = """
name: Mira
language: en
summary: Keeps the lighthouse.
description: Mira keeps the lighthouse.
first_message: '"You are late," Mira says. *She lifts the lamp.*'
"""


def folders_in(home: Path, *, model: bool = True) -> Folders:
    """Return a home with one card, and a model file unless there shall be none."""
    folders = Folders(home)
    folders.create()
    (folders.cards / "mira-of-the-light.yaml").write_text(CARD, encoding="utf-8")
    if model:
        (folders.models / MODEL_FILE).write_bytes(b"")
    return folders


GROUP = ("bram", "chen", "hana")
"""The ids of three cards, one of them with a Japanese name."""


def group_in(home: Path) -> Folders:
    """Return a home with the cards of a group."""
    folders = folders_in(home)
    for card_id, name, talks in (("bram", "Bram", 0.8), ("chen", "Chen", 0.4), ("hana", "花", 0.2)):
        text = f"name: {name}\ndescription: Keeps the tower clock.\ntalkativeness: {talks}\n"
        (folders.cards / f"{card_id}.yaml").write_text(text, encoding="utf-8")
    return folders


def program_in(
    folders: Folders,
    replies: Iterable[Script] | None = None,
    *,
    read_only: bool = False,
    model: ModelInfo = MODEL,
    read_ahead: bool = False,
) -> Program:
    """Return a program over a scripted engine that has not loaded `model` yet. Reading ahead is off, for it takes its
    time: what was read when a test looks would depend on the clock."""
    lock = HomeLock(folders.lock_file)
    if not read_only:
        assert lock.acquire()
    return Program(
        folders=folders,
        config=replace(load_config(folders.config_file), read_ahead=read_ahead),
        scenes=SceneStore.open(folders.database),
        lock=lock,
        engine=ScriptedEngine(replies, loaded=False, model=model),
        read_only=read_only,
    )


@dataclass
class Stage:
    """A running app, its pilot, and short ways to what is on it."""

    app: RpchatApp
    pilot: Pilot[None]

    @property
    def scene(self) -> SceneScreen:
        assert isinstance(self.app.screen, SceneScreen)
        return self.app.screen

    @property
    def home(self) -> HomeScreen:
        assert isinstance(self.app.screen, HomeScreen)
        return self.app.screen

    @property
    def session(self) -> Session:
        return self.scene.session

    @property
    def texts(self) -> list[str]:
        """What the turns on the page say."""
        return [view.face.text for view in self.app.screen.query(TurnView)]

    @property
    def below(self) -> str:
        """The line under the page; empty if none is shown."""
        line = self.app.screen.query_one("#below")
        return str(line.render()) if line.has_class("-shown") else ""

    def frame(self) -> str:
        """All that can be read on the screen."""
        return "\n".join(
            "".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()
        )

    async def until(self, condition: Callable[[], object], *, seconds: float = 60.0) -> None:
        """Let the app run until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"still waiting; the screen:\n{self.frame()}"
            await self.pilot.pause()

    async def settled(self) -> None:
        """Wait until nothing is asked for and nothing is being written."""
        await self.pilot.pause()
        await self.until(lambda: not any(not worker.is_finished for worker in self.app.workers))
        await self.pilot.pause()

    async def settled_but_writing(self) -> None:
        """Wait until every intent is done, whatever is being written."""
        await self.pilot.pause()
        await self.until(
            lambda: not any(not worker.is_finished for worker in self.app.workers if worker.group != "reply")
        )
        await self.pilot.pause()

    async def choose_found(self, text: str) -> None:
        """Choose the first thing the palette has found, once it is `text` and the search is over."""

        def first_found() -> bool:
            found = self.app.screen.query_one(CommandList)
            return found.option_count > 0 and text in str(found.get_option_at_index(0).prompt)

        await self.until(first_found)
        await self.settled()
        await self.until(first_found)
        palette = self.app.screen
        await self.pilot.press("enter")
        await self.until(lambda: self.app.screen is not palette)

    async def type(self, text: str) -> None:
        """Type a line and send it."""
        self.scene.composer.fill(text)
        await self.pilot.press("enter")


@asynccontextmanager
async def on_stage(
    program: Program,
    *,
    cards: Sequence[str] = ("mira-of-the-light",),
    size: tuple[int, int] = (80, 24),
    home: bool = False,
    settle: bool = True,
) -> AsyncIterator[Stage]:
    """Run the app on the home screen, or in the scene of these cards, until the first screen stands."""
    start = None if home else await program.play(cards)
    app = RpchatApp(program, start)
    async with app.run_test(size=size) as pilot:
        stage = Stage(app, pilot)
        await stage.until(lambda: isinstance(app.screen, HomeScreen if home else SceneScreen))
        if settle:
            await stage.settled()
        yield stage


def gated(text: str, at: int) -> tuple[Script, Gate]:
    """Return a script that stops before character `at` until its gate is opened."""
    gate = Gate(at=at)
    return Script(pieces=tuple(text), gate=gate), gate


async def reached(gate: Gate) -> None:
    """Wait until the script stands at its gate."""
    await asyncio.wait_for(gate.reached.wait(), 10)
