"""Sampler settings of text completion into ours, and back.

Ranges of 0 mean the whole context there, and -1 does here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rpchat.exchange.loose import is_mapping
from rpchat.exchange.taking import Taker, number_of
from rpchat.story.preset import DEFAULT_ORDER, SamplerName, Sampling

_DEFAULTS = Sampling()
_LARGEST_SEED = 0xFFFFFFFE

_NAMES: Mapping[str, SamplerName] = {
    "penalties": "penalties", "repetition_penalty": "penalties", "presence_penalty": "penalties",
    "frequency_penalty": "penalties", "dry": "dry", "top_n_sigma": "top_n_sigma", "top_nsigma": "top_n_sigma",
    "top_k": "top_k", "typ_p": "typical_p", "typical_p": "typical_p", "typical": "typical_p", "top_p": "top_p",
    "min_p": "min_p", "xtc": "xtc", "temperature": "temperature", "dynamic_temperature": "temperature",
}  # fmt: skip
"""What samplers are called in `samplers` (llama.cpp) and `sampler_priority` (text-generation-webui)."""

_NUMBERS: Mapping[int, SamplerName] = {0: "top_k", 2: "top_p", 4: "typical_p", 5: "temperature", 6: "penalties"}
"""What they are called in `sampler_order` (KoboldAI), where 1 is top-a and 3 is tail-free, which we have not."""

_THEIRS: Mapping[str, str] = {
    "top_p": "top_p", "min_p": "min_p", "typical_p": "typical_p", "top_n_sigma": "nsigma",
    "xtc_probability": "xtc_probability", "xtc_threshold": "xtc_threshold", "dry_multiplier": "dry_multiplier",
    "dry_base": "dry_base", "dry_allowed_length": "dry_allowed_length", "repeat_penalty": "rep_pen",
    "frequency_penalty": "freq_pen", "presence_penalty": "presence_pen", "mirostat": "mirostat_mode",
    "mirostat_tau": "mirostat_tau", "mirostat_eta": "mirostat_eta", "grammar": "grammar_string", "top_k": "top_k",
}  # fmt: skip
"""Fields of ours that have one of the same meaning there."""

NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "top_a": (0,), "tfs": (1,), "epsilon_cutoff": (0,), "eta_cutoff": (0,), "rep_pen_decay": (0,),
    "rep_pen_slope": (0, 1), "rep_pen_size": (0,), "no_repeat_ngram_size": (0,), "encoder_rep_pen": (1,),
    "penalty_alpha": (0,), "num_beams": (1,), "length_penalty": (1,), "skew": (0,), "do_sample": (True,),
    "early_stopping": (False,), "smoothing_factor": (0,), "smoothing_curve": (1,), "add_bos_token": (True,),
    "ban_eos_token": (False,), "ignore_eos_token": (False,), "skip_special_tokens": (True,),
    "spaces_between_special_tokens": (True, False), "guidance_scale": (1,), "negative_prompt": ("",),
    "json_schema": (None, {}, ""), "json_schema_allow_empty": (False, True), "speculative_ngram": (False,),
    "max_tokens_second": (0,), "streaming": (True, False), "stream": (True, False), "n": (1,), "min_keep": (0,),
    "samplers_priorities": (), "sampler_priority": (), "sampler_order": (), "samplers": (),
    "temperature_last": (True, False),
    "global_banned_tokens": ("",), "send_banned_tokens": (True, False), "custom_model": ("",), "type": (),
    "adaptive_target": (-0.01, -1, 0), "adaptive_decay": (0.9,), "min_temp": (), "max_temp": (),
    "dynatemp_exponent": (), "name": (), "preset": (), "bypass_status_check": (True, False), "order": (),
}  # fmt: skip
"""Fields without a counterpart, with the values at which nobody misses them; none listed: at any value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samplers:
    """What sampler settings say."""

    sampling: Sampling
    max_tokens: int | None = None
    min_tokens: int = 0


def read_samplers(taker: Taker) -> Samplers:
    """Return what the settings say; each number is brought into the range it has here, with a note."""
    temperature, dynamic_range, exponent = _temperature(taker)
    unit = {"low": 0.0, "high": 1.0}
    seed = taker.maybe_whole("seed")
    sampling = Sampling(
        order=_order(taker),
        temperature=temperature,
        dynamic_range=dynamic_range,
        dynamic_exponent=exponent,
        top_k=max(0, taker.whole("top_k", default=0)),
        top_p=taker.number("top_p", default=1.0, **unit),
        min_p=taker.number("min_p", default=0.0, **unit),
        typical_p=taker.number("typical_p", "typical", default=1.0, **unit),
        top_n_sigma=max(0.0, taker.number("nsigma", "top_n_sigma", default=0.0)),
        xtc_probability=taker.number("xtc_probability", default=0.0, **unit),
        xtc_threshold=taker.number("xtc_threshold", default=0.1, **unit),
        dry_multiplier=taker.number("dry_multiplier", default=0.0, low=0),
        dry_base=taker.number("dry_base", default=1.75, low=1),
        dry_allowed_length=taker.whole("dry_allowed_length", default=2, low=0),
        dry_last_n=_range(taker, "dry_penalty_last_n", default=_DEFAULTS.dry_last_n),
        dry_breakers=_breakers(taker),
        repeat_penalty=_positive(taker, "rep_pen", default=1.0),
        frequency_penalty=taker.number("freq_pen", "frequency_penalty", default=0.0),
        presence_penalty=taker.number("presence_pen", "presence_penalty", default=0.0),
        penalty_last_n=_range(taker, "rep_pen_range", default=_DEFAULTS.penalty_last_n),
        mirostat=_mirostat(taker),
        mirostat_tau=_positive(taker, "mirostat_tau", default=5.0),
        mirostat_eta=_positive(taker, "mirostat_eta", default=0.1),
        logit_bias={**_banned(taker), **_biases(taker)},
        grammar=taker.text("grammar_string", "grammar"),
        seed=seed if seed is not None and 0 <= seed <= _LARGEST_SEED else None,
    )
    longest = taker.maybe_whole("genamt", "max_tokens", "amount_gen", low=1)
    return Samplers(sampling=sampling, max_tokens=longest, min_tokens=taker.whole("min_length", default=0, low=0))


def write_samplers(
    sampling: Sampling, *, max_tokens: int, min_tokens: int
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the settings in their words, and a line for what they cannot say."""
    dynamic = sampling.dynamic_range > 0
    low, high = sampling.temperature - sampling.dynamic_range, sampling.temperature + sampling.dynamic_range
    biases = sampling.logit_bias
    finite = {text: bias if math.isfinite(bias) else math.copysign(100, bias) for text, bias in biases.items()}
    told = {theirs: getattr(sampling, ours) for ours, theirs in _THEIRS.items()} | {
        "temp": sampling.temperature,
        "temperature_last": sampling.order[-1:] == ("temperature",),
        "dynatemp": dynamic,
        "min_temp": max(0.0, low) if dynamic else 0,
        "max_temp": high if dynamic else 2,
        "dynatemp_exponent": sampling.dynamic_exponent,
        "rep_pen_range": max(0, sampling.penalty_last_n),
        "dry_penalty_last_n": max(0, sampling.dry_last_n),
        "dry_sequence_breakers": json.dumps(list(sampling.dry_breakers), ensure_ascii=False),
        "samplers": list(sampling.order),
        "sampler_priority": list(sampling.order),
        "logit_bias": [{"id": text, "text": text, "value": bias} for text, bias in finite.items()],
        "banned_tokens": "",
        "seed": -1 if sampling.seed is None else sampling.seed,
        "genamt": max_tokens,
        "min_length": min_tokens,
    }
    lines = ["`logit_bias` has no infinite numbers there: 100 stands for them"] if finite != biases else []
    if dynamic and low < 0:
        lines.append("`dynamic_range` reaches below a temperature of 0 and is cut off there")
    return told, tuple(lines)


def _temperature(taker: Taker) -> tuple[float, float, float]:
    """Return temperature, the range around it and the exponent; the range is told by its two ends there."""
    plain = taker.number("temp", "temperature", default=1.0, low=0, high=10)
    low = taker.number("min_temp", default=0.0, low=0, high=10)
    high = taker.number("max_temp", default=plain, low=0, high=10)
    exponent = min(_positive(taker, "dynatemp_exponent", default=1.0), 10.0)
    if not taker.flag("dynatemp") or high <= low:
        return plain, 0.0, 1.0
    return (low + high) / 2, (high - low) / 2, exponent


def _order(taker: Taker) -> tuple[SamplerName, ...]:
    """Return the chain: llama.cpp's list, else the priorities of text-generation-webui, else KoboldAI's numbers. A
    sampler that the list does not name keeps its usual place."""
    listed = [_NAMES.get(name) for name in taker.texts("samplers")]
    explicit = bool(listed)
    listed = listed or [_NAMES.get(name) for name in taker.texts("sampler_priority")]
    if not listed:
        numbers = taker.raw("sampler_order")
        listed = [_NUMBERS.get(one) for one in numbers if isinstance(one, int)] if isinstance(numbers, list) else []
    order: list[SamplerName] = list(dict.fromkeys(name for name in listed if name is not None))
    for at, name in enumerate(DEFAULT_ORDER):
        if name not in order:
            before = (order.index(one) for one in DEFAULT_ORDER[:at] if one in order)
            order.insert(max(before, default=-1) + 1, name)
    if not explicit and taker.flag("temperature_last"):
        order = [*(name for name in order if name != "temperature"), "temperature"]
    return tuple(order)


def _range(taker: Taker, name: str, *, default: int) -> int:
    held = taker.maybe_whole(name)
    return default if held is None else held if held > 0 else -1


def _positive(taker: Taker, name: str, *, default: float) -> float:
    held = taker.maybe_number(name)
    if held is not None and held <= 0:
        taker.note(f"`{name}` is {held:g} and left out")
        return default
    return default if held is None else held


def _mirostat(taker: Taker) -> Literal[0, 1, 2]:
    held = taker.whole("mirostat_mode", default=0, low=0, high=2)
    return 2 if held == 2 else 1 if held == 1 else 0


def _breakers(taker: Taker) -> tuple[str, ...]:
    """Return the breakers: a list, the same list as JSON in a text, or quoted texts with commas between them."""
    held = taker.raw("dry_sequence_breakers")
    if held is None:
        return _DEFAULTS.dry_breakers
    listed = held if isinstance(held, list) else _listed(str(held))
    texts = [one for one in listed if isinstance(one, str) and one] if listed is not None else []
    if listed is None or len(texts) < len(listed):
        taker.note("`dry_sequence_breakers` is no list of texts; what is not one is left out")
    return tuple(texts)


def _listed(text: str) -> list[object] | None:
    if len(text) > 10_000 or text.count("[") > 1 or "{" in text:
        return None
    bare = text.strip()
    try:
        value = json.loads(bare if bare.startswith("[") else f"[{bare}]")
    except ValueError:
        return None
    return value if isinstance(value, list) else None


def _banned(taker: Taker) -> dict[str, float]:
    """Return the texts none of whose tokens may be drawn. Ids belong to one vocabulary, and phrases in quotes are more
    than their tokens: neither can be said here."""
    banned: dict[str, float] = {}
    left_out = 0
    for line in taker.text("banned_tokens").split("\n"):
        text = line.strip()
        if text.startswith(("[", '"')):
            left_out += 1
        elif text:
            banned[text] = -math.inf
    if left_out:
        taker.note(f"`banned_tokens`: {left_out} lines with ids or phrases have no counterpart and are left out")
    return banned


def _biases(taker: Taker) -> dict[str, float]:
    biases: dict[str, float] = {}
    held = taker.raw("logit_bias")
    items = [item if is_mapping(item) else {} for item in held] if isinstance(held, list) else []
    for item in items:
        text, value = item.get("text"), number_of(item.get("value"))
        if isinstance(text, str) and text and not text.startswith("[") and value is not None:
            biases[text.removeprefix("{").removesuffix("}") if text.startswith("{") else text] = value
    if len(biases) < len(items):
        taker.note(f"`logit_bias`: {len(items) - len(biases)} entries are no texts with a number and are left out")
    return {text: value for text, value in biases.items() if text}
