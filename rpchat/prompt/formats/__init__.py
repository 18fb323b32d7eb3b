"""One small file per format adapter, and the table that names them."""

from __future__ import annotations

from difflib import get_close_matches

from rpchat.errors import PromptError
from rpchat.prompt.formats.alpaca import Alpaca
from rpchat.prompt.formats.blockml import BlockML
from rpchat.prompt.formats.chatml import ChatML
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.formats.mistral import Mistral
from rpchat.prompt.formats.party import Party
from rpchat.prompt.formats.sequences import SequencesAdapter
from rpchat.prompt.formats.template import Template
from rpchat.prompt.formats.vicuna import Vicuna
from rpchat.story.preset import Preset

ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter for adapter in (Mistral(), Vicuna(), Party(), ChatML(), Alpaca(), BlockML(), Template())
}

CONTROLS: frozenset[str] = frozenset(name for adapter in ADAPTERS.values() for name in adapter.controls)
"""Every control token an adapter may use: what a model is asked about when it is loaded."""


def adapter_of(preset: Preset) -> Adapter:
    """Return the preset's adapter; PromptError with the nearest name if there is none."""
    name = preset.adapter
    if name == "sequences" and preset.sequences is not None:
        return SequencesAdapter(preset.sequences)
    if name in ADAPTERS:
        return ADAPTERS[name]
    if name == "sequences":
        raise PromptError(
            f"the preset `{preset.name}` names the adapter `sequences`, but has none", "Add `sequences:`."
        )
    near = get_close_matches(name, ADAPTERS, n=1)
    known = ", ".join(ADAPTERS)
    raise PromptError(
        f"there is no format adapter `{name}`", f"Did you mean `{near[0]}`?" if near else f"Known: {known}."
    )
