"""A turn: one message of a scene, in one of its wordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["user", "member"]

ROOT = 0
"""The parent of a first turn. Turn ids are 1 and up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message. `created` is in seconds since the epoch, UTC."""

    id: int
    parent: int
    side: Side
    speaker: str
    """The name on the line, as it was when it was said."""
    member: str = ""
    """The card id of a member's turn; empty for the user's."""
    text: str = ""
    created: float = 0.0
    finish: str = ""
    """Why the reply ended (`eos`, `length`, `cancelled` …); empty for typed text; `open` while it is being written."""
    edited: bool = False
    continues: int = 0
    """The version this one goes on from: its text begins with that one's. 0: it begins by itself."""
    record: Mapping[str, object] = field(default_factory=dict)
    """The story of the turn: attempts, token counts, times, token ids. JSON values only."""

    @property
    def unheard(self) -> bool:
        """Whether the turn is shown, but never told to a model."""
        return self.record.get("unheard") is True

    @property
    def narrated(self) -> bool:
        """Whether nobody says this: it is told to a model as a note."""
        return self.record.get("narrated") is True

    @property
    def standing(self) -> dict[str, object]:
        """What of the record holds for every wording of the turn: who was in the room, and whether a model is told."""
        return {name: self.record[name] for name in ("present", "unheard", "narrated") if name in self.record}
