"""Scenes that are begun from files: which there are, and what one would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rpchat.choices import Choices
from rpchat.store.card_list import CardList
from rpchat.store.plan_list import PlanEntry, PlanList
from rpchat.store.shelf import Shelf
from rpchat.store.thread import OneThread
from rpchat.story.card import Card
from rpchat.story.greeting import Opening, greetings, opening_of
from rpchat.story.persona import Persona
from rpchat.story.plan import ScenePlan
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.text import fold


class Plans:
    """The scenes to begin; `program.plans`. `persona` says who plays with a cast where a plan names that persona, or
    none."""

    def __init__(
        self,
        shelf: Shelf[ScenePlan],
        kept: PlanList,
        *,
        cards: Shelf[Card],
        card_list: CardList,
        choices: Choices,
        thread: OneThread,
        persona: Callable[[Sequence[Member], str], Persona],
    ) -> None:
        self._shelf = shelf
        self._kept = kept
        self._cards = cards
        self._card_list = card_list
        self._choices = choices
        self._thread = thread
        self._persona = persona

    async def entries(self, search: str = "") -> list[PlanEntry]:
        """Return every plan by id, with the names of its cast; with `search`, those that hold all of its words."""
        entries = await self._thread.run(self._entries)
        words = fold(search).split()
        return [entry for entry in entries if all(word in entry.searched for word in words)]

    def _entries(self) -> list[PlanEntry]:
        names = {fold(card.id): card.spoken_name or card.name for card in self._card_list.entries()}
        return [
            replace(entry, cast=tuple(names.get(fold(Path(card).stem), Path(card).stem) for card in entry.cast))
            for entry in self._kept.entries()
        ]

    async def find(self, name: str) -> ScenePlan | None:
        """Return the plan of that id, path or title; None if there is none. Raises FileError for a broken file."""
        return await self._thread.run(self._find, name)

    def _find(self, name: str) -> ScenePlan | None:
        entries = self._shelf.entries()
        if name.endswith((".yaml", ".yml")) or any(fold(entry.id) == fold(name) for entry in entries):
            return self._shelf.find(name)[1]
        plans = [plan for entry in entries if (plan := entry.load().value) is not None]
        return next((plan for plan in plans if fold(plan.name) == fold(name)), None)

    async def draft(self, plan: ScenePlan) -> tuple[Scene, Opening | None]:
        """Return what a new scene of that plan would be (id 0, nothing stored, no turns), and what opens it. Raises
        FileError for a card or persona that is missing or broken."""
        return await self._thread.run(self._draft, plan)

    def _draft(self, plan: ScenePlan) -> tuple[Scene, Opening | None]:
        cast = tuple(Member(*self._cards.find(card)) for card in plan.cast)
        wishes = self._choices.wishes
        settings = SceneSettings(
            model=wishes.model, preset=wishes.preset, scenario=plan.scenario, casting=plan.casting, sheets=plan.sheets
        )
        persona = self._persona(cast, plan.persona)
        scene = Scene(id=0, title=plan.name, cast=cast, persona=persona, settings=settings)
        return scene, opening_of(plan, scene) or greetings(scene)
