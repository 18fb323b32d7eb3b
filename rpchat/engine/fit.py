"""How a model is loaded so that memory holds it: what is chosen, why, and what is given up first where it does not.

Pure: sizes of a model, what the machine has, and what was asked for go in; settings with nothing left open come out.
What was asked for is kept as long as it fits. Where it does not, that is told, and the order is always the same:
prompts are read in smaller batches, the KV cache is quantised, fewer layers go to the GPU, the context is smaller.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rpchat.engine.fit_words import Choice, Words
from rpchat.engine.needs import SEQUENCES, Needs, needs_of, prompt_bytes, prompts_held
from rpchat.engine.port import Device, Resources
from rpchat.engine.settings import EngineSettings
from rpchat.engine.shape import ModelShape

Verdict = Literal["fully", "partly", "not"]
"""`fully`: all of it where it computes fastest, the GPU if there is one; `partly`: some layers stay with the CPU;
`not`: memory does not hold it."""

DEFAULT_CONTEXT = 8192
LEAST_CONTEXT = 1024
_SMALL_BATCH = 128
_CONTEXT_STEP = 256
_HOST_MARGIN, _DEVICE_MARGIN = 512 << 20, 1 << 30
_PLAIN = ("f32", "f16", "bf16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a model is to be loaded here."""

    settings: EngineSettings
    """What is left open in these is left to the moment: how many threads compute."""
    verdict: Verdict
    line: str
    """In one line: where it runs, its context, what it takes."""
    told: tuple[str, ...]
    """One line for each thing that was asked for and is not so."""
    choices: tuple[Choice, ...]
    needs: Needs
    n_prompts: int
    """How many prompts can be kept read."""
    free: int
    """Memory of the host, in bytes, that was reckoned with."""

    @property
    def possible(self) -> bool:
        """Return whether loading can be tried: mapped weights may be read again and again, the rest must be there."""
        return self.verdict != "not" or (self.settings.use_mmap and self.needs.lasting <= self.free)


def fit(model: ModelShape, machine: Resources, wishes: EngineSettings, *, steps: int = 0) -> Fit:
    """Return how to load `model` on `machine` with what was asked for.

    `steps` is how often memory ran out with what came before: so many steps more are given up than needed.
    """
    devices = gpus(machine)
    asked = _asked(model, wishes)
    chosen, verdict = _chosen(model, asked, machine, devices)
    chosen = _with_prompts_aside(model, chosen, machine, devices)
    for _ in range(steps):
        smaller = step_down(model, chosen, devices=devices)
        if smaller is None:
            break
        chosen = smaller[0]
        verdict = _verdict(model, chosen, machine, devices)
    needs = needs_of(model, chosen, devices)
    words = Words(model, machine, devices, asked=wishes, settings=chosen, needs=needs)
    return Fit(
        settings=chosen,
        verdict=verdict,
        line=words.line(fits=verdict != "not"),
        told=words.told(),
        choices=words.choices(),
        needs=needs,
        n_prompts=prompts_held(model, chosen),
        free=machine.free,
    )


def step_down(
    model: ModelShape, settings: EngineSettings, *, devices: tuple[Device, ...] = ()
) -> tuple[EngineSettings, str] | None:
    """Return settings that take less memory and what was given up, in the user's words; None if nothing is left.

    Behind any step no prompts are kept beside the KV cache.
    """
    has_aside = settings.cache_ram > 0
    settings = replace(settings, cache_ram=0)
    if settings.n_batch > _SMALL_BATCH:
        return replace(settings, n_batch=_SMALL_BATCH), f"reading {_SMALL_BATCH} tokens at a time"
    quantised = _quantised(model, settings)
    if quantised is not None:
        return quantised, "keeping the KV cache as q8_0"
    layers = min(settings.n_gpu_layers, len(model.layers) + 1) if devices else 0
    if layers > 0:
        fewer = layers - max(1, (len(model.layers) + 1) // 4)
        return replace(settings, n_gpu_layers=max(0, fewer)), f"{max(0, fewer)} layers on the GPU"
    least = min(LEAST_CONTEXT, settings.n_ctx)
    if settings.n_ctx > least:
        smaller = max(least, settings.n_ctx // 2)
        return replace(settings, n_ctx=smaller), f"a context of {smaller:,} tokens"
    return (settings, "keeping one prompt read") if has_aside else None


def gpus(machine: Resources) -> tuple[Device, ...]:
    """Return the devices layers can go to, as llama.cpp takes them: integrated ones only where there are no others."""
    own = tuple(device for device in machine.devices if device.kind == "gpu")
    return own or tuple(device for device in machine.devices if device.kind == "igpu")[:1]


def _asked(model: ModelShape, wishes: EngineSettings) -> EngineSettings:
    trained = model.context or DEFAULT_CONTEXT
    return replace(wishes, n_ctx=wishes.n_ctx or min(trained, DEFAULT_CONTEXT))


def _chosen(
    model: ModelShape, asked: EngineSettings, machine: Resources, devices: tuple[Device, ...]
) -> tuple[EngineSettings, Verdict]:
    """Return the best settings that fit; where nothing does, those that take least."""
    best: tuple[EngineSettings, Verdict] | None = None
    for settings in _candidates(model, asked, machine, devices):
        verdict = _verdict(model, settings, machine, devices)
        kept = verdict == "fully" or (verdict == "partly" and settings.n_gpu_layers == asked.n_gpu_layers)
        if best is not None and best[1] == "partly" and (not kept or settings.n_ctx < asked.n_ctx):
            continue
        best = settings, verdict
        if kept:
            break
    assert best is not None
    return best


def _candidates(
    model: ModelShape, asked: EngineSettings, machine: Resources, devices: tuple[Device, ...]
) -> Iterator[EngineSettings]:
    """Yield what could be chosen, the best first; a smaller context only once everything else has been.

    One beyond the model's own is cut down to that before it is cut to what memory holds.
    """
    ladder = _thrifty(model, asked)
    own = max(model.context, DEFAULT_CONTEXT)
    if asked.n_ctx > own:
        ladder += _thrifty(model, replace(asked, n_ctx=own))
    for settings in ladder:
        yield _with_layers(model, settings, machine, devices)
    least = replace(ladder[-1], n_ctx=_context_that_fits(model, ladder[-1], machine, devices))
    if least.n_ctx < ladder[-1].n_ctx:
        yield _with_layers(model, least, machine, devices)


def _thrifty(model: ModelShape, asked: EngineSettings) -> list[EngineSettings]:
    """Return the settings as they are, then with less and less memory for the same context."""
    ladder = [asked]
    if asked.n_batch > _SMALL_BATCH:
        ladder.append(replace(ladder[-1], n_batch=_SMALL_BATCH))
    quantised = _quantised(model, ladder[-1])
    return ladder if quantised is None else [*ladder, quantised]


def _context_that_fits(
    model: ModelShape, settings: EngineSettings, machine: Resources, devices: tuple[Device, ...]
) -> int:
    """Return the largest context that fits somehow."""

    def is_too_large(n_ctx: int) -> bool:
        trial = _with_layers(model, replace(settings, n_ctx=n_ctx), machine, devices)
        return _verdict(model, trial, machine, devices) == "not"

    least = min(LEAST_CONTEXT, settings.n_ctx)
    contexts = range(least, settings.n_ctx + 1, _CONTEXT_STEP)
    return contexts[max(0, bisect_left(contexts, True, key=is_too_large) - 1)]


def _with_layers(
    model: ModelShape, settings: EngineSettings, machine: Resources, devices: tuple[Device, ...]
) -> EngineSettings:
    """Return the settings with as many layers on the devices as these hold, and no more than were asked for."""
    every = len(model.layers) + 1
    most = every if settings.n_gpu_layers < 0 else min(settings.n_gpu_layers, every)
    if not devices:
        return replace(settings, n_gpu_layers=0)
    room = [_room(device, machine) for device in devices]
    for count in range(most, 0, -1):
        trial = replace(settings, n_gpu_layers=count)
        taken = needs_of(model, trial, devices).devices
        if all(need <= free for need, free in zip(taken, room, strict=True)):
            return trial
    return replace(settings, n_gpu_layers=0)


def _with_prompts_aside(
    model: ModelShape, settings: EngineSettings, machine: Resources, devices: tuple[Device, ...]
) -> EngineSettings:
    """Return the settings with memory for prompts beside the KV cache: half of what is left, for as many as are told
    apart. Not by itself where other machines compute: every copy would go through the network."""
    if settings.cache_ram >= 0:
        return settings
    left = _host_room(machine) - _host_taken(model, settings, machine, devices)
    wanted = 0 if settings.rpc_servers else (SEQUENCES - 1) * prompt_bytes(model, settings)
    return replace(settings, cache_ram=max(0, min(wanted, left // 2)) >> 20)


def _verdict(model: ModelShape, settings: EngineSettings, machine: Resources, devices: tuple[Device, ...]) -> Verdict:
    if machine.total and _host_taken(model, settings, machine, devices) > _host_room(machine):
        return "not"
    wanted = len(model.layers) + 1 if devices else 0
    return "fully" if settings.n_gpu_layers >= wanted else "partly"


def _host_taken(model: ModelShape, settings: EngineSettings, machine: Resources, devices: tuple[Device, ...]) -> int:
    needs = needs_of(model, settings, devices)
    return needs.host + (sum(needs.devices) if machine.unified else 0)


def _host_room(machine: Resources) -> int:
    return machine.free - min(_HOST_MARGIN, machine.free // 10)


def _room(device: Device, machine: Resources) -> int:
    """Return what may be taken of a device; one that does not tell is believed to have the host's memory."""
    free = device.free if device.total else machine.free
    if machine.unified:
        free = min(free, machine.free)
    return free - min(_DEVICE_MARGIN, free // 12)


def _quantised(model: ModelShape, settings: EngineSettings) -> EngineSettings | None:
    """Return the settings with a KV cache of half the size; None where it is small already, or cannot be so."""
    if settings.flash_attn == "off" or not model.blocked_heads or not any(one.key_elements for one in model.layers):
        return None
    if settings.type_k not in _PLAIN or settings.type_v not in _PLAIN:
        return None
    return replace(settings, type_k="q8_0", type_v="q8_0", flash_attn="on")
