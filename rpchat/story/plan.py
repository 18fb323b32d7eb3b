"""A scene that can be begun again and again: who takes part, where, and how it opens. A file that people share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Len, MinLen

from rpchat.story.casting import Strategy
from rpchat.story.scene import Sheets


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePlan:
    """A cast of cards and what stands at the beginning. Only `name` and `cast` are required."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: Annotated[str, MinLen(1)]
    """The title of the scenes that are begun with it."""
    language: str = ""
    summary: str = ""
    """One line for lists. The model never reads it."""
    cast: Annotated[tuple[str, ...], Len(1, 7)]
    """Cards by name or path, in the order in which they speak where the order decides."""
    persona: str = ""
    """Who the user plays; empty: as for any scene of these cards."""
    scenario: str = ""
    """The place and what happens there; empty: what the cards say."""
    opening: str = ""
    """The first turn; empty: the first greeting of the cast. Macros allowed."""
    opened_by: str = ""
    """Whose turn that is, a card of the cast; empty: the first."""
    casting: Strategy = "natural"
    sheets: Sheets = "joined"
