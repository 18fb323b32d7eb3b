"""What other programs' files can hold."""

from __future__ import annotations

from typing import Literal

Kind = Literal["card", "chat", "preset", "lorebook", "personas", "group", "plan", "regex scripts", "quick replies"]
"""A `group` is SillyTavern's; a `plan` is a scene to begin, in our own words."""
