"""What the home screen lists: in which sections, where the bar stands first, and what is said where rows are missing.
Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rpchat.store.card_list import CardEntry
from rpchat.store.plan_list import PlanEntry
from rpchat.store.scenes import SceneSummary
from rpchat.story.text import fold
from rpchat.tui.finding import found

Entry = SceneSummary | PlanEntry | CardEntry

MOST_PLANS = 3
"""Scenes to begin that are listed while nothing is searched."""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading; `count` says in words how many there are, where that says something."""

    heading: str
    entries: Sequence[Entry]
    count: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRows:
    """What was found for `search`: scenes, the latest first, plans and cards by id."""

    scenes: Sequence[SceneSummary] = ()
    plans: Sequence[PlanEntry] = ()
    cards: Sequence[CardEntry] = ()
    search: str = ""

    @property
    def sections(self) -> list[Section]:
        """The sections that have rows, in their order."""
        plans = self._plans()
        of = f" of {len(self.plans)}" if len(plans) < len(self.plans) else ""
        sections = [
            Section("Continue", self.scenes),
            Section("Scenes to begin", plans, f"{len(plans)}{of}"),
            Section("Cards", self.cards, str(len(self.cards))),
        ]
        return [section for section in sections if section.entries]

    def _plans(self) -> Sequence[PlanEntry]:
        """All that a search found; else the first few, without those whose scenes stand above."""
        if self.search.strip():
            return self.plans
        begun = {fold(scene.title) for scene in self.scenes}
        return [plan for plan in self.plans if fold(plan.name) not in begun][:MOST_PLANS]

    @property
    def likeliest(self) -> Entry | None:
        """What Enter plays at first: the latest scene, else what the search fits best, a card where both do."""
        if self.scenes:
            return self.scenes[0]
        either: list[CardEntry | PlanEntry] = [*self.cards, *self._plans()]
        return next(iter(found(either, self.search) or either), None)

    @property
    def taught(self) -> str:
        """What one key would do where there is nothing, or nothing was begun; empty where there is enough."""
        if self.scenes or (self.search and (self.plans or self.cards)):
            return ""
        if self.search:
            return f"nothing has “{self.search}” in it · Esc empties the search"
        if self.cards:
            return "choose a character and press Enter: the scene begins, and every word of it is kept"
        return "no cards yet: Tab, then i takes them in from files, or n writes one · dropping files here works too"
