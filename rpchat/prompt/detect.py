"""Which preset fits a model, and why: from what the GGUF says of itself."""

from __future__ import annotations

import re
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
    """Return the preset for a model: one whose hints name it, else one whose marks its chat template has (the longest
    hint wins), else its own template, else the commonest format."""
    own = [_plain(facts.file_name), _plain(facts.name)]
    named = [
        (len(hint), Detection(preset.name, f"the model is named `{hint}`"))
        for preset in presets
        for hint in preset.models.names
        if any(_plain(hint) in name for name in own)
    ]
    marked = [
        (len("".join(marks)), Detection(preset.name, f"its own template has `{marks[0]}`"))
        for preset in presets
        if (marks := preset.models.template_marks) and all(mark in facts.chat_template for mark in marks)
    ]
    for found in (named, marked):
        if found:
            return max(found, key=lambda pair: pair[0])[1]
    if facts.chat_template:
        return Detection(OWN_TEMPLATE, "no preset names it, so its own template is used")
    return Detection(FALLBACK, "it has no template of its own; ChatML is the commonest")


def named_by(hints: Sequence[str], file_name: str) -> bool:
    """Return whether one of the hints is a part of the file's name."""
    return any(_plain(hint) in _plain(file_name) for hint in hints)


def _plain(name: str) -> str:
    """The form in which names are compared: `Antler 7B_RP.v3` is `antler-7b-rp-v3`."""
    return re.sub(r"[\s_.-]+", "-", fold(name))
