"""The models worth fetching that come to mind first: a short list, shipped as data beside this module.

Sizes that are not known are reckoned from the number of parameters; what a repository really holds is asked of it
when something is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from rpchat.errors import ModelError
from rpchat.store.parsing import parse
from rpchat.store.reading import JSON_LIMIT, load_json, read_bytes
from rpchat.story.text import fold

_FILE = Path(__file__).with_name("curated.json")

# Bits that a weight takes on average, all the tensors of a file together.
_BITS: Mapping[str, float] = {"Q3_K_S": 3.5, "Q4_K_M": 4.85, "Q5_K_M": 5.7, "Q6_K": 6.6, "Q8_0": 8.5}
_USUAL = "Q4_K_M"
_ROOM = 1.5e9
"""Bytes that the program, llama.cpp's buffers and a context of 8k take beside the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model of the list. Without a `repository`, `by_hand` says what to do instead."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    id: str
    title: str
    about: str
    languages: tuple[str, ...] = ()
    licence: str = ""
    parameters: float = 0
    repository: str = ""
    elsewhere: tuple[str, ...] = ()
    """Other repositories that hold it."""
    quantisations: tuple[str, ...] = ()
    """Those worth having, the best first."""
    sizes: Mapping[str, float] = field(default_factory=dict)
    """Bytes of the file of a quantisation, where that is known."""
    by_hand: str = ""

    def size(self, quantisation: str) -> int:
        """Return about how many bytes the file of a quantisation has; 0 if that cannot be said."""
        known = self.sizes.get(quantisation)
        return int(known if known is not None else self.parameters * _BITS.get(quantisation, 0) / 8)

    def needs(self, quantisation: str) -> int:
        """Return about how many bytes of memory it takes to play with a context of 8k."""
        return int(self.size(quantisation) + _ROOM)

    def quantisation_for(self, memory: int) -> str:
        """Return the best quantisation that fits into `memory` bytes, or else the smallest; empty without any.

        0 bytes is not known how many: then it is the usual one.
        """
        if not memory and _USUAL in self.quantisations:
            return _USUAL
        fitting = (one for one in self.quantisations if self.needs(one) <= memory)
        return next(fitting, self.quantisations[-1] if self.quantisations else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    version: int
    models: tuple[Offer, ...]


def offers() -> tuple[Offer, ...]:
    """Return the list, in its order."""
    content = load_json(read_bytes(_FILE, limit=JSON_LIMIT), name=_FILE.name)
    return parse(_List, content, name=_FILE.name).models


def offer_named(name: str) -> Offer | None:
    """Return the offer of that id or title, or the only one that begins like it; None if there is none.

    Raises ModelError if several begin like it.
    """
    listed = offers()
    wanted = fold(name)
    if not wanted:
        return None
    for offer in listed:
        if wanted in (fold(offer.id), fold(offer.title)):
            return offer
    near = [offer for offer in listed if offer.id.startswith(wanted) or fold(offer.title).startswith(wanted)]
    if len(near) > 1:
        raise ModelError(f"`{name}` can mean {' or '.join(offer.id for offer in near)}", "Write more of the name.")
    return near[0] if near else None
