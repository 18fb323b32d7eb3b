"""How a reply is to behave, and what of it is put away instead of shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rpchat.story.preset import Reasoning
from rpchat.story.scene import Impersonation, OutOfCharacter

FoldKind = Literal["reasoning", "ooc"]


@dataclass(frozen=True, slots=True)
class Manners:
    """What the scene and the preset say of replies: by itself, nothing but the story and nobody else's line."""

    impersonation: Impersonation = "cut"
    out_of_character: OutOfCharacter = "cut"
    reasoning: Reasoning | None = None
    """How the model marks its thoughts; None if it does not think before it speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """A part of what the model wrote that is not told in the story: thoughts, or an out-of-character line."""

    kind: FoldKind
    text: str
    at: int
    """Where it stood: an index in the text of the reply, the prefill counted."""
