"""From options to a running program: folders, config, lock, store, engine."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rpchat.choices import Wishes, server_of
from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Engine
from rpchat.errors import RpchatError
from rpchat.program import Program
from rpchat.session import Session
from rpchat.store.config import Config, load_config
from rpchat.store.folders import Folders, find_home
from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says, for every command alike."""

    home: Path | None = None
    cards: tuple[str, ...] = ()
    scene: str = ""
    new: bool = False
    wishes: Wishes = field(default_factory=Wishes)


def engine_for(folders: Folders) -> ChildEngine:
    """Return the engine of this home; no process is started before it has work."""
    return ChildEngine(log=folders.engine_log, machine=folders.machine_file)


def engine_of(folders: Folders, config: Config, wishes: Wishes) -> Engine:
    """Return the engine to play on: the server that is asked for or set, else this machine. Raises ModelError."""
    server = server_of(config, wishes)
    if not server.url:
        return engine_for(folders)
    # Who plays on this machine needs no network.
    from rpchat.engine.remote.engine import RemoteEngine

    return RemoteEngine(server, log=folders.engine_log)


def build(options: Options, *, wait: float = 0.0) -> Program:
    """Return the program. It only reads if another one has the home and does not give it back within `wait` seconds.

    Raises RpchatError.
    """
    folders = Folders(find_home(options.home))
    folders.create()
    config = load_config(folders.config_file)
    engine = engine_of(folders, config, options.wishes)
    lock = HomeLock(folders.lock_file)
    free = lock.acquire()
    if not free and wait:
        print("rpchat: another rpchat is using this home, waiting for it …", file=sys.stderr, flush=True)
        free = lock.acquire(wait)
    try:
        scenes = SceneStore.open(folders.database, read_only=not free)
    except RpchatError:
        lock.release()
        raise
    return Program(
        folders=folders, config=config, scenes=scenes, lock=lock, engine=engine, read_only=not free,
        wishes=options.wishes,
    )  # fmt: skip


@asynccontextmanager
async def running(options: Options, *, wait: float = 0.0) -> AsyncGenerator[Program, None]:
    """The program for as long as the block runs."""
    program = build(options, wait=wait)
    try:
        yield program
    finally:
        await program.close()


async def open_session(program: Program, options: Options) -> Session | None:
    """Return the session the options ask for: of a scene or of cards; None if they name neither."""
    if options.scene:
        return await program.play_scene(options.scene, new=options.new)
    if options.cards:
        return await program.play(options.cards, new=options.new)
    return None
