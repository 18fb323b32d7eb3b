"""How much memory a model takes with given settings, and where: the sums llama.cpp makes when it loads one.

All sizes are bytes. Of the compute buffers the sum is an estimate, within a seventh of what llama.cpp allocates.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from rpchat.engine.port import Device
from rpchat.engine.settings import CacheType, EngineSettings
from rpchat.engine.shape import Layer, ModelShape

SEQUENCES = 8
"""How many prompts and branches the cache tells apart. In a full memory they share all cells and cost nothing."""
MOST_UBATCH = 512
"""Most tokens that are computed in one go, whatever the batch."""

_CACHE_BITS: dict[CacheType, float] = {
    "f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5, "q5_1": 6.0, "q5_0": 5.5, "q4_1": 5.0, "q4_0": 4.5,
}  # fmt: skip
_CELLS = 256
"""llama.cpp makes its caches in steps of so many tokens."""
_FLOAT, _MASK = 4, 2
_PER_TOKEN = 400
"""What the vocabulary takes for each of its tokens, beside the weights."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model takes."""

    weights: int
    """In the host's memory; mapped from the file, it can be read again where memory is short."""
    cache: int
    """The KV cache in the host's memory."""
    compute: int
    """What computing takes in the host's memory, with the vocabulary."""
    devices: tuple[int, ...] = ()
    """All that is taken on each device."""

    @property
    def host(self) -> int:
        """Return what is taken of the host's memory, all together."""
        return self.weights + self.cache + self.compute

    @property
    def lasting(self) -> int:
        """Return what of it must stay in memory whatever happens."""
        return self.cache + self.compute


def needs_of(model: ModelShape, settings: EngineSettings, devices: Sequence[Device]) -> Needs:
    """Return what a model takes with settings in which n_ctx is given, its layers shared by `devices`.

    They are shared as llama.cpp does it. -1 layers are none here: how many there are to be is found out before.
    """
    offloaded = min(max(0, settings.n_gpu_layers), len(model.layers) + 1) if devices else 0
    flash = flash_attention(settings, offloads=offloaded > 0) != "off"
    computing = _computing(model, settings, flash=flash)
    placed = [0] * len(devices)
    busy = set[int]()
    cached = 0
    first = len(model.layers) + 1 - offloaded
    places = _places(offloaded, settings, devices)
    weights = model.input_weights
    for index, layer in enumerate(model.layers):
        cache = cache_bytes(model, layer, settings)
        if index < first:
            weights, cached = weights + layer.weights, cached + cache
            continue
        place = places[index - first]
        busy.add(place)
        placed[place] += layer.weights + (cache if settings.offload_kqv else 0)
        cached += 0 if settings.offload_kqv else cache
    if offloaded:
        busy.add(places[-1])
        placed[places[-1]] += model.output_weights + (model.input_weights if model.tied else 0)
    else:
        weights += model.output_weights
    for place in busy:
        placed[place] += computing
    beside = SEQUENCES * model.vocabulary * _FLOAT + model.vocabulary * _PER_TOKEN
    state = SEQUENCES * model.state
    return Needs(weights, cached + state, beside + (computing if first > 0 else computing // 8), tuple(placed))


def cache_bytes(model: ModelShape, layer: Layer, settings: EngineSettings) -> int:
    """Return what one layer's KV cache takes."""
    cells = _padded(settings.cells)
    if layer.windowed and model.window and not settings.swa_full:
        cells = min(cells, _padded(model.window * SEQUENCES + ubatch_of(settings)))
    keys = layer.key_elements * _CACHE_BITS[settings.type_k]
    return int(cells * (keys + layer.value_elements * _CACHE_BITS[settings.type_v]) / 8)


def prompt_bytes(model: ModelShape, settings: EngineSettings) -> int:
    """Return what a copy of one prompt of `n_ctx` tokens takes, as the KV cache has it."""
    alone = replace(settings, n_spare=0)
    return model.state + sum(cache_bytes(model, layer, alone) for layer in model.layers)


def prompts_held(model: ModelShape, settings: EngineSettings) -> int:
    """Return how many prompts of `n_ctx` tokens can be kept read: in the KV cache, and in the memory beside it."""
    aside = (settings.cache_ram << 20) // max(1, prompt_bytes(model, settings))
    return min(SEQUENCES, settings.cells // settings.n_ctx + aside)


def ubatch_of(settings: EngineSettings) -> int:
    """Return how many tokens are computed in one go."""
    return min(settings.n_batch, MOST_UBATCH)


def flash_attention(settings: EngineSettings, *, offloads: bool) -> str:
    """Return llama.cpp's switch. What it calls automatic writes at half the speed on a CPU once a prompt is long.

    A quantised V cache needs flash attention anywhere.
    """
    if settings.flash_attn == "auto" and not offloads and settings.type_v in ("f32", "f16", "bf16"):
        return "off"
    return settings.flash_attn


def _computing(model: ModelShape, settings: EngineSettings, *, flash: bool) -> int:
    """Return what a device takes to compute one batch: whichever is more of attention, layers and output."""
    tokens = ubatch_of(settings)
    cells = _padded(settings.cells)
    layers = tokens * _FLOAT * (3 * model.inner + 4 * model.width)
    if flash:
        attention = cells * tokens * _MASK + layers
    else:
        attention = cells * tokens * _FLOAT * (model.heads + 1) + tokens * _FLOAT * (model.inner + 3 * model.width)
    return max(attention, layers, SEQUENCES * model.vocabulary * _FLOAT)


def _places(offloaded: int, settings: EngineSettings, devices: Sequence[Device]) -> list[int]:
    """Return the device of each offloaded layer, by llama.cpp's rule: shares of the sum, in the order of the layers."""
    if settings.split_mode == "none" or len(devices) < 2:
        main = min(settings.main_gpu, len(devices) - 1) if settings.split_mode == "none" else 0
        return [main] * offloaded
    given = (*settings.tensor_split, *[0.0] * len(devices))[: len(devices)]
    shares = given if sum(given) > 0 else [max(1, device.free) for device in devices]
    bounds = [bound / sum(shares) for bound in accumulate(shares)]
    return [min(bisect_right(bounds, index / offloaded), len(devices) - 1) for index in range(offloaded)]


def _padded(cells: int) -> int:
    return -(-cells // _CELLS) * _CELLS
