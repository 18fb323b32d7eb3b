"""Presets of other programs: instruct and context templates, system prompts, samplers, and files with all of them."""

from __future__ import annotations

from rpchat.exchange.presets.parts import is_preset, merged, read_parts
from rpchat.exchange.presets.reading import build_preset, read_presets
from rpchat.exchange.presets.values import ImportedPreset, Part, PresetParts
from rpchat.exchange.presets.writing import write_preset

__all__ = [
    "ImportedPreset",
    "Part",
    "PresetParts",
    "build_preset",
    "is_preset",
    "merged",
    "read_parts",
    "read_presets",
    "write_preset",
]
