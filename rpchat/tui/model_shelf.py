"""What the models screen shows, without a widget: the models that are here, those to fetch, and the search."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import groupby

from rpchat.engine.port import Resources
from rpchat.fetch.curated import Offer, offers
from rpchat.model_rows import ModelRow, ModelRows, fitted, memory_for_models, resources_of
from rpchat.program import Program
from rpchat.story.text import fold

Listed = ModelRow | Offer
Group = tuple[str, Sequence[Listed]]
"""A heading and the rows under it."""

_REDRAW = 0.2
"""Seconds between two calls of `changed` while headers are being read."""


class ModelShelf:
    """The models of one screen. `changed` is called whenever there is something new to show."""

    def __init__(self, program: Program, *, changed: Callable[[], None]) -> None:
        self._program = program
        self._changed = changed
        self.rows: Sequence[ModelRow] = ()
        self.reading = True
        """Whether it is not known yet what all is here."""
        self.resources: Resources | None = None
        """What this machine has; None while that is not known."""
        self.offering = False
        """Whether the models to fetch are shown, not those that are here."""
        self.search = ""
        self._quantisations: dict[str, str] = {}

    @property
    def memory(self) -> int:
        """Return the bytes a model is best kept within; 0 while that is not known."""
        return memory_for_models(self.resources)

    @property
    def names_repository(self) -> bool:
        """Whether what is written in the search can be a repository."""
        return self.offering and "/" in self.search

    def quantisation_of(self, offer: Offer) -> str:
        """Return the quantisation in which a model would be fetched."""
        return self._quantisations.get(offer.id) or offer.quantisation_for(self.memory)

    def take_another_quantisation(self, offer: Offer) -> None:
        """Take the next of its quantisations, behind the last one the first."""
        if offer.quantisations:
            index = offer.quantisations.index(self.quantisation_of(offer)) + 1
            self._quantisations[offer.id] = offer.quantisations[index % len(offer.quantisations)]

    def groups(self) -> list[Group]:
        """Return what matches the search, under headings."""
        words = fold(self.search).split()
        if self.offering:
            listed = [one for one in offers() if all(word in fold(f"{one.title} {one.about}") for word in words)]
            return [("To fetch", listed)] if listed else []
        rows = [row for row in self.rows if all(word in row.searched for word in words)]
        usable = (row for row in rows if row.preset)
        groups: list[Group] = [
            (_title(place), list(some)) for place, some in groupby(usable, key=lambda row: row.place)
        ]
        broken = [row for row in rows if not row.preset]
        return [*groups, ("Cannot be played with", broken)] if broken else groups

    async def read(self) -> None:
        """Read what is here; rows come as their headers are read."""
        program = self._program
        reader = ModelRows(program.choices, program.preset_shelf, program.folders, read_only=program.read_only)
        rows, drawn = reader.rows(self.resources), time.monotonic()
        found: list[ModelRow] = []
        self.reading = True
        while (row := await asyncio.to_thread(next, rows, None)) is not None:
            found.append(row)
            if time.monotonic() - drawn > _REDRAW and len(found) > len(self.rows):
                self.rows, drawn = tuple(found), time.monotonic()
                self._changed()
        self.reading = False
        self._keep(found)

    async def measure(self) -> None:
        """Find out what this machine has, unless that is known. Raises RpchatError."""
        if self.resources is None:
            self.resources = await resources_of(self._program.engine)
            self._keep(self.rows)

    def _keep(self, rows: Sequence[ModelRow]) -> None:
        resources, wishes = self.resources, self._program.config.engine
        self.rows = tuple(rows if resources is None else (fitted(row, resources, wishes) for row in rows))
        self._changed()


def _title(place: str) -> str:
    return place[:1].upper() + place[1:]
