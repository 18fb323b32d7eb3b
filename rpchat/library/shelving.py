"""Values that were read from files, put onto their shelves, and beside them what the shelves' files cannot hold.

presets/carried/<id>.json, personas/carried/<id>.json, scenes/carried/<id>.json
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeVar

from rpchat.exchange.extras import ImportedGroup, ImportedPersonas
from rpchat.exchange.presets import ImportedPreset
from rpchat.library.beside import write_beside
from rpchat.library.cards import Cards
from rpchat.library.personas import Personas
from rpchat.library.ready import ReadyCard
from rpchat.store.files import write_atomically
from rpchat.store.shelf import Shelf
from rpchat.story.persona import Persona
from rpchat.story.plan import ScenePlan
from rpchat.story.preset import Preset

V = TypeVar("V", Preset, ScenePlan)
F = TypeVar("F", Persona, Preset, ScenePlan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where something is now. `known`: it was there already, and nothing was written."""

    id: str
    where: str
    known: bool = False
    notes: tuple[str, ...] = ()


class Shelving:
    """The shelves of one home as what is taken in comes to stand on them. To be used by one thread."""

    def __init__(self, cards: Cards, personas: Personas, plans: Shelf[ScenePlan], presets: Shelf[Preset]) -> None:
        self._cards = cards
        self._personas = personas
        self._plans = plans
        self._presets = presets

    def card(self, card: ReadyCard) -> Placed:
        """Put a card into the library."""
        known = self._cards.arrived(sha256(card.belongings.original).hexdigest())
        card_id = known or self._cards.take(card)
        return Placed(id=card_id, where=f"cards/{card_id}.yaml", known=known is not None)

    def own_file(self, value: Persona | Preset | ScenePlan, data: bytes) -> Placed:
        """Put a file of ours beside the user's others, as it was written."""
        match value:
            case Persona():
                known, shelf = self._personas.known(value), self._personas.shelf
                return _own(shelf, value, data, place="personas", known=known)
            case Preset():
                return _own(self._presets, value, data, place="presets", known=_same(self._presets, value))
            case ScenePlan():
                return _own(self._plans, value, data, place="scenes", known=_same(self._plans, value))

    def preset(self, imported: ImportedPreset) -> Placed:
        """Put a preset onto its shelf, called by the id it has there."""
        known = _same(self._presets, imported.preset)
        if known:
            return Placed(id=known, where=f"presets/{known}.yaml", known=True)
        preset_id = self._presets.new_id(imported.preset.name)
        path = self._presets.own_path(preset_id)
        if imported.carried:
            write_beside(path, imported.carried)
        self._presets.save(preset_id, replace(imported.preset, name=preset_id))
        return Placed(id=preset_id, where=f"presets/{preset_id}.yaml")

    def group(self, imported: ImportedGroup) -> Placed:
        """Put a group onto the shelf of scenes to begin, its members by the ids their cards have here."""
        cast, notes = [], []
        for stem in imported.plan.cast:
            called = self._cards.called(file=stem, name=stem)
            if called is None:
                notes.append(f"There is no card {stem} yet")
            cast.append(called[0] if called is not None else stem)
        plan = replace(imported.plan, cast=tuple(dict.fromkeys(cast)))
        known = _same(self._plans, plan)
        if known:
            return Placed(id=known, where=f"scenes/{known}.yaml", known=True, notes=tuple(notes))
        plan_id = self._plans.new_id(plan.name)
        if imported.metadata:
            write_beside(self._plans.own_path(plan_id), imported.metadata)
        self._plans.save(plan_id, plan)
        return Placed(id=plan_id, where=f"scenes/{plan_id}.yaml", notes=tuple(notes))

    def personas(self, imported: ImportedPersonas) -> Placed:
        """Put personas onto their shelf; those that are there already stay as they are."""
        ids, all_known = [], True
        for index, persona in enumerate(imported.personas):
            persona_id, known = self._personas.add(persona)
            ids.append(persona_id)
            all_known = all_known and known
            if not known and index < len(imported.carried) and imported.carried[index]:
                write_beside(self._personas.shelf.own_path(persona_id), imported.carried[index])
        return Placed(
            id=", ".join(ids), where=f"personas/{ids[0]}.yaml" if len(ids) == 1 else "personas", known=all_known
        )


def _own(shelf: Shelf[F], value: F, data: bytes, *, place: str, known: str) -> Placed:
    entry_id = known or shelf.new_id(value.name)
    if not known:
        write_atomically(shelf.own_path(entry_id), data)
    return Placed(id=entry_id, where=f"{place}/{entry_id}.yaml", known=bool(known))


def _same(shelf: Shelf[V], value: V) -> str:
    """Return the id of what is on a shelf already, whatever it is called there; empty if it is not."""
    for entry in shelf.entries():
        there = entry.load().value
        if there is not None and (there == value or replace(there, name=value.name) == value):
            return entry.id
    return ""
