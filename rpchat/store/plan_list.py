"""Every scene to begin as a list shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rpchat.store.kept_list import KeptList, ListEntry
from rpchat.store.shelf import Entry, Shelf
from rpchat.story.plan import ScenePlan
from rpchat.story.text import fold, one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntry(ListEntry):
    """A scene to begin as a list shows it."""

    cast: tuple[str, ...] = ()
    """Its cards, as the file names them or as they are called."""

    @property
    def tags(self) -> tuple[str, ...]:
        """What it is found under beside its name and summary: who takes part."""
        return self.cast

    @property
    def searched(self) -> str:
        """What a search looks through."""
        return fold(" ".join([self.id, self.name, self.summary, *self.cast]))


class PlanList(KeptList[ScenePlan, PlanEntry]):
    """The scenes to begin of a shelf in short; `cache` and `read_only` as in `KeptList`."""

    def __init__(self, shelf: Shelf[ScenePlan], cache: Path, *, read_only: bool = False) -> None:
        super().__init__(shelf, cache, kind=PlanEntry, told=_entry, read_only=read_only)


def _entry(found: Entry[ScenePlan]) -> PlanEntry:
    plan = found.value
    if plan is None:
        error = str(found.error)
        return PlanEntry(id=found.id, name=one_line(found.id), shipped=found.shipped, error=error, path=str(found.path))
    return PlanEntry(
        id=found.id,
        name=one_line(plan.name),
        summary=one_line(plan.summary or plan.scenario, 200),
        language=plan.language,
        cast=tuple(one_line(card, 60) for card in plan.cast),
        shipped=found.shipped,
        path=str(found.path),
    )
