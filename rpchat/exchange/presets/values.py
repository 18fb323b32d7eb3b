"""What goes in and out of this room: preset files, taken apart and understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rpchat.story.preset import Preset

Part = Literal["instruct", "context", "sysprompt", "samplers", "reasoning", "adapter"]
"""What a preset file can hold: how turns are marked, how the setup is laid out, the opening instruction, the samplers,
the marks of thoughts; or KoboldAI's short form of the first."""

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetParts:
    """What one or several files hold together, as plain data, not yet understood."""

    name: str = ""
    """What the preset is called, from inside a file or else from its name."""
    parts: Mapping[Part, Values] = field(default_factory=dict)
    packed: Values = field(default_factory=dict)
    """What a file written by us holds for us alone."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPreset:
    """Preset files as they were understood. Nothing has been stored yet."""

    preset: Preset
    parts: tuple[Part, ...]
    """What the files held."""
    carried: Mapping[Part, Values] = field(default_factory=dict)
    """The fields that a preset of ours has no place for, by part, as they came."""
    notes: tuple[str, ...] = ()
    """A line for each field without a counterpart, and for what was odd."""
