"""Everything one run of rpchat has, without a screen: folders, shelves, scenes, engine; and what can be done between
scenes: look through them, open one, begin one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from rpchat.choices import Choices, Wishes
from rpchat.engine.port import Engine
from rpchat.errors import FileError, RpchatError, StoreError
from rpchat.program.models import Models
from rpchat.program.plans import Plans
from rpchat.store.card_list import CardEntry, CardList
from rpchat.store.config import Config, change_config
from rpchat.store.folders import Folders, shipped
from rpchat.store.kv_files import KvFiles
from rpchat.store.lock import HomeLock
from rpchat.store.plan_list import PlanList
from rpchat.store.scenes import SceneStore, SceneSummary
from rpchat.store.shelf import Shelf
from rpchat.store.thread import OneThread
from rpchat.story.card import Card
from rpchat.story.greeting import Opening, greetings, opened
from rpchat.story.persona import ANONYMOUS, Persona
from rpchat.story.plan import ScenePlan
from rpchat.story.preset import Preset
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.text import fold, one_line

if TYPE_CHECKING:
    from rpchat.library import Library
    from rpchat.session import Session


class Program:
    """One running rpchat. Its parts are built by the command line and handed in; `close` ends them all."""

    def __init__(
        self,
        *,
        folders: Folders,
        config: Config,
        scenes: SceneStore,
        lock: HomeLock,
        engine: Engine,
        read_only: bool = False,
        wishes: Wishes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folders = folders
        self.engine = engine
        self.read_only = read_only
        self.card_shelf: Shelf[Card] = Shelf(Card, folders.cards, shipped("cards"))
        self.persona_shelf: Shelf[Persona] = Shelf(Persona, folders.personas, shipped("personas"))
        self.plan_shelf: Shelf[ScenePlan] = Shelf(ScenePlan, folders.scenes, shipped("scenes"))
        self.preset_shelf: Shelf[Preset] = Shelf(Preset, folders.presets, shipped("presets"))
        self._scenes = scenes
        self._lock = lock
        self.choices = Choices(folders, config, self.preset_shelf, wishes=wishes or Wishes())
        self._thread = OneThread()
        self._clock = clock
        self._kv_files = KvFiles(folders.kv, quota=config.kv_disk_mb * 1_000_000)
        self._cards = CardList(self.card_shelf, folders.card_list, read_only=read_only)
        self.plans = Plans(
            self.plan_shelf, PlanList(self.plan_shelf, folders.plan_list, read_only=read_only), cards=self.card_shelf,
            card_list=self._cards, choices=self.choices, thread=self._thread, persona=self._persona,
        )  # fmt: skip
        self.models = Models(
            engine, self.choices, self.preset_shelf, self._thread, remember=self.remember, writable=self._writable
        )

    @cached_property
    def library(self) -> Library:
        """The user's collection: cards and personas with all that belongs to them, and the way in and out."""
        from rpchat.library import Library  # the home screen opens without what knows other programs' files

        return Library(
            self.folders,
            thread=self._thread,
            scenes=self._scenes,
            cards=self.card_shelf,
            card_list=self._cards,
            personas=self.persona_shelf,
            plans=self.plan_shelf,
            presets=self.preset_shelf,
            read_only=self.read_only,
            clock=self._clock,
        )

    @property
    def config(self) -> Config:
        """The user's settings as they are now."""
        return self.choices.config

    # Between scenes

    async def recent(self, search: str = "", limit: int = 30) -> list[SceneSummary]:
        """Return the scenes played last, newest first; with `search`, those whose names or turns contain it."""
        return await self._thread.run(self._scenes.recent, limit=limit, search=search)

    async def cards(self, search: str = "") -> list[CardEntry]:
        """Return every card by id, the user's own and the shipped ones; with `search`, those that match it."""
        entries = await self._thread.run(self._cards.entries)
        words = fold(search).split()
        return [entry for entry in entries if all(word in entry.searched for word in words)]

    async def play(self, cards: Sequence[str], *, new: bool = False) -> Session:
        """Open the latest scene of exactly these cards (names or paths), or begin one. Raises RpchatError."""
        scene = await self.scene_of(cards, new=new)
        return await self._play(scene) if scene.id else await self._begin(scene, greetings(scene))

    async def scene_of(self, cards: Sequence[str], *, new: bool = False) -> Scene:
        """Return the latest scene of exactly these cards, or a draft of one (id 0, nothing stored, no turns).

        A persona that was asked for and is not the scene's makes it another scene.
        """
        cast = await self._thread.run(lambda: tuple(Member(*self.card_shelf.find(name)) for name in cards))
        persona = await self._thread.run(self._persona, cast)
        if not new:
            latest = await self._thread.run(self._scenes.latest_of, [member.card_id for member in cast])
            if latest is not None:
                scene = await self._load(latest, fresh=cast)
                if not self.choices.wishes.persona or scene.persona == persona:
                    return scene
        settings = SceneSettings(model=self.choices.wishes.model, preset=self.choices.wishes.preset)
        title = ", ".join(member.card.spoken_name for member in cast)
        return Scene(id=0, title=title, cast=cast, persona=persona, settings=settings)

    async def scene_to_be(self, member: Member) -> Scene:
        """Return what a new scene with that member alone would be, whether its card is saved or not: a draft (id 0,
        nothing stored, no turns). Raises FileError for a persona that is missing or broken."""
        persona = await self._thread.run(self._persona, (member,))
        settings = SceneSettings(model=self.choices.wishes.model, preset=self.choices.wishes.preset)
        return Scene(id=0, title=member.card.spoken_name, cast=(member,), persona=persona, settings=settings)

    async def play_scene(self, name: str, *, new: bool = False) -> Session:
        """Open the scene of that title or number, or begin the one that is planned in the file of that name or path.

        A scene that was begun from a plan is gone on with, unless it is to be a `new` one. Raises RpchatError.
        """
        scene, opening = await self._scene_at(name, new=new)
        return await self._play(scene) if scene.id else await self._begin(scene, opening)

    async def scene_at(self, name: str, *, new: bool = False) -> Scene:
        """Return the scene that `play_scene` would play; one that is not begun yet as a draft (id 0, nothing stored)
        with its first turn. Raises RpchatError."""
        return opened(*await self._scene_at(name, new=new))

    async def _scene_at(self, name: str, *, new: bool) -> tuple[Scene, Opening | None]:
        plan = await self.plans.find(name)
        begun = await self.scene_named(name) if plan is None else None
        if plan is not None and not new:
            begun = await self._titled(plan.name)
        if begun is not None:
            return await self._load(begun, fresh=()), None
        assert plan is not None
        return await self.plans.draft(plan)

    async def scene_named(self, name: str) -> int:
        """Return the id of the scene of that title (in any case), the one played last if there are several; a number
        is an id. Raises StoreError with what there is instead."""
        if (titled := await self._titled(name)) is not None:
            return titled
        for summary in await self.recent(limit=10_000):
            if str(summary.id) == name:
                return summary.id
        near = ", ".join(dict.fromkeys(f"`{summary.title}`" for summary in await self.recent(name, limit=3)))
        raise StoreError(f"there is no scene `{one_line(name)}`", f"Did you mean {near}?" if near else "")

    async def _titled(self, title: str) -> int | None:
        found = await self.recent(title, limit=200)
        return next((summary.id for summary in found if fold(summary.title) == fold(title)), None)

    async def member(self, name: str) -> Member:
        """Return the card of that name or path as a member a scene can be joined by. Raises FileError."""
        return Member(*await self._thread.run(self.card_shelf.find, name))

    async def rename(self, session: Session, title: str) -> None:
        """Give a session's scene another title. Raises RpchatError for an empty one, StoreError."""
        if not title.strip():
            raise RpchatError("a scene needs a title", "Write it behind the command.")
        await session.rename(title)

    async def duplicate(self, session: Session) -> Session:
        """Return a session of a new scene that holds everything of this one. Raises StoreError."""
        self._writable("no scene can be copied")
        scene = session.scene
        copy = await self._thread.run(self._scenes.duplicate, scene, title=f"{scene.title} (2)", now=self._clock())
        return await self._play(copy)

    def _writable(self, cannot: str) -> None:
        if self.read_only:
            raise StoreError(f"another rpchat is using this home, so {cannot}", "Close it, then try again.")

    async def open(self, scene_id: int) -> Session:
        """Open a scene. Cards whose files are gone play on as they were kept with it."""
        return await self._play(await self._load(scene_id, fresh=()))

    async def _load(self, scene_id: int, *, fresh: Sequence[Member]) -> Scene:
        if not self.read_only:
            await self._thread.run(self._scenes.settle, scene_id)
        scene = await self._thread.run(self._scenes.load, scene_id)
        cast = await self._thread.run(lambda: tuple(self._current(member, fresh) for member in scene.cast))
        return replace(scene, cast=cast)

    def _current(self, member: Member, fresh: Sequence[Member]) -> Member:
        for one in fresh:
            if one.card_id == member.card_id:
                return replace(member, card=one.card)
        try:
            return replace(member, card=self.card_shelf.find(member.card_id)[1])
        except FileError:
            return member

    async def _begin(self, draft: Scene, opening: Opening | None) -> Session:
        self._writable("no scene can be begun")
        scene = await self._thread.run(
            self._scenes.create, title=draft.title, cast=draft.cast, persona=draft.persona, settings=draft.settings,
            now=self._clock(),
        )  # fmt: skip
        return await self._play(scene, opening)

    async def _play(self, scene: Scene, opening: Opening | None = None) -> Session:
        # The home screen opens without the rooms that only a scene needs.
        from rpchat.session import Session
        from rpchat.session.book import Book
        from rpchat.session.resume import Resume

        async def preset_of(scene: Scene) -> tuple[Preset, str]:
            return await self._thread.run(self.choices.preset, scene)

        preset, why = await preset_of(scene)
        book = Book(scene, self._scenes, self._thread, read_only=self.read_only, clock=self._clock)
        resume = Resume(self.engine, self._kv_files, self._thread, scene_id=scene.id)
        session = Session(book, self.engine, preset, preset_why=why, preset_of=preset_of, resume=resume)
        opening = opening or greetings(scene)
        if opening is not None and not scene.turns and not self.read_only:
            await session.greet(*opening)
        return session

    def _persona(self, cast: Sequence[Member], planned: str = "") -> Persona:
        wanted = self.choices.wishes.persona or planned or self.config.persona
        if wanted:
            return self.persona_shelf.find(wanted)[1]
        for entry in self.persona_shelf.entries():
            persona = entry.load().value
            if persona is not None and persona.language and persona.language == cast[0].card.language:
                return persona
        return ANONYMOUS

    async def remember(self, key: str, value: object) -> None:
        """Set one setting in the config file."""
        self.choices.config = await self._thread.run(change_config, self.folders.config_file, key, value)

    async def close(self) -> None:
        """End the engine, the store and the lock, in this order. What the engine has read is kept on disk."""
        await self.models.keep_read()
        if not self.read_only:
            await self._thread.run(self._kv_files.trim)
        await self.engine.close()
        await self._thread.run(self._scenes.close)
        self._thread.close()
        self._lock.release()
