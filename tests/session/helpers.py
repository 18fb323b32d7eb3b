"""A scene being played on a real database by a scripted engine, and short ways to look at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from rpchat.engine.port import ModelInfo
from rpchat.engine.scripted import MODEL, Gate, Script, ScriptedEngine
from rpchat.errors import RpchatError
from rpchat.prompt.segment import joined
from rpchat.session import Delta, Finished, Session, SessionEvent, Started
from rpchat.session.book import Book
from rpchat.store.scenes import SceneStore
from rpchat.store.thread import OneThread
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.preset import Preset
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.turn import Turn

MIRA = Member("mira", Card(name="Mira Halloran", nickname="Mira", language="en", description="Keeps the ferry."))
TOCK = Member("tock", Card(name="Tock", language="en", description="Made of brass."))
SAKURA = Member("sakura", Card(name="桜", language="ja", description="屋敷のメイド。"))
ROBIN = Persona(name="Robin", description="Travels light.")
YUTO = Persona(name="悠人")
CHATML = Preset(name="chatml", adapter="chatml")
MISTRAL = Preset(name="antler", adapter="mistral")


@dataclass(slots=True)
class Play:
    """An open session with everything behind it."""

    session: Session
    engine: ScriptedEngine
    store: SceneStore
    thread: OneThread
    database: Path

    @property
    def texts(self) -> list[str]:
        """What the told line says."""
        return [turn.text for turn in self.session.scene.line()]

    @property
    def last(self) -> Turn:
        return self.session.scene.line()[-1]

    @property
    def prompts(self) -> list[str]:
        """What the engine was asked, oldest first: one text each, control tokens by name."""
        return ["".join(part for _, part in joined(request.segments)) for request in self.engine.requests]

    def on_disk(self) -> Scene:
        """Return the scene as another process would read it."""
        reader = SceneStore.open(self.database, read_only=True)
        try:
            return reader.load(self.session.scene.id)
        finally:
            reader.close()

    async def close(self) -> None:
        await self.thread.run(self.store.close)
        self.thread.close()


def play(
    folder: Path,
    replies: Iterable[Script | str] | None = None,
    *,
    cast: tuple[Member, ...] = (MIRA,),
    persona: Persona = ROBIN,
    preset: Preset = CHATML,
    n_ctx: int = 8192,
    n_prompts: int = 1,
    chat_template: str = "",
) -> Play:
    """Begin a scene without turns. A reply given as a string is written one character a piece, to its end."""
    database = folder / "rpchat.db"
    store, thread = SceneStore.open(database), OneThread()
    scene = store.create(title="A scene", cast=cast, persona=persona, settings=SceneSettings(), now=1.0)
    scripts = None if replies is None else [Script.of(one) if isinstance(one, str) else one for one in replies]
    ticks = iter(range(2, 1_000_000))
    book = Book(scene, store, thread, clock=lambda: float(next(ticks)))
    model = replace(_model(n_ctx, chat_template), n_prompts=n_prompts)
    engine = ScriptedEngine(scripts, model=model)
    return Play(Session(book, engine, preset), engine, store, thread, database)


def _model(n_ctx: int, chat_template: str) -> ModelInfo:
    controls = MODEL.controls | {"<|im_start|>", "<|im_end|>", "[INST]", "[/INST]"}
    return replace(MODEL, n_ctx=n_ctx, chat_template=chat_template, controls=controls)


async def told(events: AsyncGenerator[SessionEvent, None]) -> list[SessionEvent]:
    """Return everything a reply tells."""
    async with aclosing(events):
        return [event async for event in events]


async def failing(events: AsyncGenerator[SessionEvent, None]) -> tuple[list[SessionEvent], RpchatError]:
    """Return what a reply tells before it fails, and how it fails."""
    seen: list[SessionEvent] = []
    try:
        async for event in events:
            seen.append(event)
    except RpchatError as error:
        return seen, error
    raise AssertionError("it did not fail")


def shown(events: Iterable[SessionEvent]) -> str:
    """Return what a reader saw grow."""
    text = ""
    for event in events:
        if isinstance(event, Started):
            text = event.turn.text
        elif isinstance(event, Delta):
            text += event.text
    return text


def finished(events: Iterable[SessionEvent]) -> Finished:
    """Return how it ended."""
    *_, last = events
    assert isinstance(last, Finished)
    return last


def gated(*pieces: str | bytes, at: int) -> tuple[Script, Gate]:
    """Return a script that stands still before piece `at` until its gate is opened."""
    gate = Gate(at=at)
    return Script(pieces=pieces, gate=gate), gate


async def reached(gate: Gate) -> None:
    """Wait until the script stands at its gate."""
    await asyncio.wait_for(gate.reached.wait(), 10)
