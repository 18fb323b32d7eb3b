"""Which preset fits a model, and why: from what the GGUF says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rpchat.story.preset import Preset
from rpchat.story.text import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a model before it is loaded."""

    file_name: str
    name: str = ""
    """`general.name`."""
    chat_template: str = ""


@dataclass(frozen=True, slots=True)
class Detection:
    """The name of the preset to use, and why in a few words."""

    preset: str
    why: str


FALLBACK = "chatml"
OWN_TEMPLATE = "template"


def detect(facts: ModelFacts, presets: Sequence[Preset]) -> Detection:
    """Return the preset for a model: one whose hints name it (the longest hint wins), else by its chat template."""
    own = [fold(facts.file_name), fold(facts.name)]
    best, length = None, 0
    for preset in presets:
        for hint in preset.models.names:
            if len(hint) > length and any(fold(hint) in name for name in own):
                best, length = Detection(preset.name, f"the model is named `{hint}`"), len(hint)
    if best is not None:
        return best
    if "<|im_start|>" in facts.chat_template:
        return Detection(FALLBACK, "its own template is ChatML")
    if facts.chat_template:
        return Detection(OWN_TEMPLATE, "no preset names it, so its own template is used")
    return Detection(FALLBACK, "it has no template of its own; ChatML is the commonest")
