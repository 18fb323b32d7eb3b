"""A persona: who the user plays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from annotated_types import MinLen

from rpchat.story.card import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """The user's own character. Only `name` is required."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: Annotated[str, MinLen(1)]
    language: str = ""
    summary: str = ""
    sheet: Sheet = field(default_factory=dict)
    description: str = ""


ANONYMOUS = Persona(name="You")
"""Who plays when no persona was chosen."""
