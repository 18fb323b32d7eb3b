"""From a preset's `Sampling` to llama.cpp's sampler chain, made anew for every request."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import llama_cpp

from rpchat.engine.worker.vocabulary import Vocabulary
from rpchat.errors import PromptError
from rpchat.story.preset import Sampling

Sampler: TypeAlias = "llama_cpp.llama_sampler_p"

_KEEP_ONE = 1
_MIROSTAT_M = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """What a chain is made for."""

    vocabulary: Vocabulary
    sampling: Sampling
    seed: int
    n_ctx: int


def plan(sampling: Sampling) -> tuple[str, ...]:
    """Return the names of the samplers that take part, in order, the selector last. Neutral ones are left out."""
    mirostat = sampling.mirostat != 0 and not sampling.greedy
    order: Sequence[str] = ("penalties", "dry") if mirostat else sampling.order
    names = [name for name in order if name in sampling.order and not _neutral(name, sampling)]
    if mirostat:
        names += [] if _neutral("temperature", sampling) else ["temperature"]
        selector = "mirostat" if sampling.mirostat == 1 else "mirostat_v2"
    else:
        selector = "greedy" if sampling.greedy else "dist"
    front = ["logit_bias"] * bool(sampling.logit_bias) + ["grammar"] * bool(sampling.grammar.strip())
    return (*front, *dict.fromkeys(names), selector)


def _neutral(name: str, sampling: Sampling) -> bool:
    """Return whether a sampler is left out. Temperature 0 is the selector's business."""
    return sampling.neutral(name) or (name == "temperature" and sampling.temperature == 0)


def make(name: str, setting: Setting) -> Sampler:
    """Return a new sampler by its name in a plan. Raises PromptError for a grammar that llama.cpp does not read."""
    return _MAKERS[name](setting)


def ban(vocabulary: Vocabulary, tokens: Iterable[int]) -> Sampler:
    """Return a sampler that never lets any of `tokens` be drawn."""
    return _bias(vocabulary, dict.fromkeys(tokens, float("-inf")))


def biased(setting: Setting) -> Iterable[int]:
    """Return the tokens whose logits the preset's bias changes."""
    return _text_bias(setting.vocabulary, setting.sampling.logit_bias)


def seen_by(name: str, setting: Setting, prompt: Sequence[int]) -> Sequence[int]:
    """Return the last prompt tokens that a sampler of this name looks back at."""
    last = {"penalties": setting.sampling.penalty_last_n, "dry": setting.sampling.dry_last_n}.get(name, 0)
    if last == 0:
        return ()
    return prompt[-last:] if last > 0 else prompt


def _penalties(setting: Setting) -> Sampler:
    sampling = setting.sampling
    sampler: Sampler = llama_cpp.llama_sampler_init_penalties(
        setting.vocabulary.size,
        sampling.penalty_last_n if sampling.penalty_last_n > 0 else setting.n_ctx,
        sampling.repeat_penalty,
        sampling.frequency_penalty,
        sampling.presence_penalty,
    )
    return sampler


def _dry(setting: Setting) -> Sampler:
    """A copy of the one that was made first: to find its breakers, it goes through the whole vocabulary."""
    sampling = setting.sampling
    last = sampling.dry_last_n if sampling.dry_last_n > 0 else setting.n_ctx
    numbers = (sampling.dry_multiplier, sampling.dry_base, sampling.dry_allowed_length, last)
    stock, key = setting.vocabulary.stock, (*numbers, *sampling.dry_breakers)
    if key not in stock:
        breakers = [text.encode("utf-8", "replace") for text in sampling.dry_breakers]
        stock[key] = llama_cpp.llama_sampler_init_dry(
            setting.vocabulary.pointer, *numbers, (ctypes.c_char_p * len(breakers))(*breakers), len(breakers)
        )
    sampler: Sampler = llama_cpp.llama_sampler_clone(stock[key])
    return sampler


def _grammar(vocabulary: Vocabulary, grammar: str) -> Sampler:
    """Return a grammar's sampler. Raises PromptError for one that llama.cpp does not read."""
    rules = grammar.encode("utf-8", "replace")
    sampler: Sampler = llama_cpp.llama_sampler_init_grammar(vocabulary.pointer, rules, b"root")
    # A grammar that does not parse gives a null pointer object, which is not None.
    if not bool(sampler):
        raise PromptError("the grammar cannot be read", "It must be GBNF with a rule called root.")
    return sampler


def _text_bias(vocabulary: Vocabulary, biases: Mapping[str, float]) -> dict[int, float]:
    """Return the bias of each token: the sum over the texts it occurs in."""
    total: dict[int, float] = {}
    for text, bias in biases.items():
        for token in set(vocabulary.text_ids(text)):
            total[token] = total.get(token, 0.0) + bias
    return total


def _bias(vocabulary: Vocabulary, biases: Mapping[int, float]) -> Sampler:
    pairs = [llama_cpp.llama_logit_bias(token, bias) for token, bias in biases.items()]
    array = (llama_cpp.llama_logit_bias * len(pairs))(*pairs)
    sampler: Sampler = llama_cpp.llama_sampler_init_logit_bias(vocabulary.size, len(pairs), array)
    return sampler


_MAKERS: dict[str, Callable[[Setting], Sampler]] = {
    "logit_bias": lambda to: _bias(to.vocabulary, _text_bias(to.vocabulary, to.sampling.logit_bias)),
    "grammar": lambda to: _grammar(to.vocabulary, to.sampling.grammar),
    "penalties": _penalties,
    "dry": _dry,
    "top_n_sigma": lambda to: llama_cpp.llama_sampler_init_top_n_sigma(to.sampling.top_n_sigma),
    "top_k": lambda to: llama_cpp.llama_sampler_init_top_k(to.sampling.top_k),
    "typical_p": lambda to: llama_cpp.llama_sampler_init_typical(to.sampling.typical_p, _KEEP_ONE),
    "top_p": lambda to: llama_cpp.llama_sampler_init_top_p(to.sampling.top_p, _KEEP_ONE),
    "min_p": lambda to: llama_cpp.llama_sampler_init_min_p(to.sampling.min_p, _KEEP_ONE),
    "xtc": lambda to: llama_cpp.llama_sampler_init_xtc(
        to.sampling.xtc_probability, to.sampling.xtc_threshold, _KEEP_ONE, to.seed
    ),
    "temperature": lambda to: llama_cpp.llama_sampler_init_temp_ext(
        to.sampling.temperature, to.sampling.dynamic_range, to.sampling.dynamic_exponent
    ),
    "greedy": lambda _: llama_cpp.llama_sampler_init_greedy(),
    "mirostat": lambda to: llama_cpp.llama_sampler_init_mirostat(
        to.vocabulary.size, to.seed, to.sampling.mirostat_tau, to.sampling.mirostat_eta, _MIROSTAT_M
    ),
    "mirostat_v2": lambda to: llama_cpp.llama_sampler_init_mirostat_v2(
        to.seed, to.sampling.mirostat_tau, to.sampling.mirostat_eta
    ),
    "dist": lambda to: llama_cpp.llama_sampler_init_dist(to.seed),
}
