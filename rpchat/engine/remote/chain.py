"""A preset's samplers in the words of a server: what it can be told, and the names of what it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf

from rpchat.story.preset import Sampling

_LLAMA_NAMES = {"typical_p": "typ_p"}
_NO_BREAKER = "\x1f\x1f"
"""Stands for no breaker at all: the server wants one, and this one never occurs."""
_MOST_STOPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The fields of a request, and the samplers of the preset that could not be said in them."""

    fields: Mapping[str, object]
    unsaid: tuple[str, ...] = ()


def active(sampling: Sampling) -> tuple[str, ...]:
    """Return the samplers that change anything, in the preset's order."""
    return tuple(dict.fromkeys(name for name in sampling.order if not sampling.neutral(name)))


def for_llama_server(sampling: Sampling, *, n_ctx: int) -> Told:
    """Return a preset's chain for llama-server, which has the same samplers in any order.

    With mirostat it leaves penalties and DRY out. The bias of single tokens is not among the fields: it takes a
    vocabulary.
    """
    names = [name for name in active(sampling) if name != "temperature" or not sampling.greedy]
    mirostat = 0 if sampling.greedy else sampling.mirostat
    if sampling.greedy:
        # Behind it there is one token left, so what changes the order of the tokens stands in front.
        names.append("temperature")
    fields: dict[str, object] = {
        "samplers": [_LLAMA_NAMES.get(name, name) for name in names],
        "temperature": sampling.temperature if "temperature" in names else 1.0,
        "dynatemp_range": sampling.dynamic_range, "dynatemp_exponent": sampling.dynamic_exponent,
        "top_k": sampling.top_k, "top_p": sampling.top_p, "min_p": sampling.min_p, "typical_p": sampling.typical_p,
        "top_n_sigma": sampling.top_n_sigma if sampling.top_n_sigma else -1.0,
        "xtc_probability": sampling.xtc_probability, "xtc_threshold": sampling.xtc_threshold,
        "dry_multiplier": sampling.dry_multiplier if "dry" in names else 0.0, "dry_base": sampling.dry_base,
        "dry_allowed_length": sampling.dry_allowed_length,
        "dry_penalty_last_n": _window(sampling.dry_last_n, n_ctx),
        "dry_sequence_breakers": list(sampling.dry_breakers) or [_NO_BREAKER],
        "repeat_penalty": sampling.repeat_penalty, "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty, "repeat_last_n": _window(sampling.penalty_last_n, n_ctx),
        "mirostat": mirostat, "mirostat_tau": sampling.mirostat_tau, "mirostat_eta": sampling.mirostat_eta,
    }  # fmt: skip
    if sampling.grammar.strip():
        fields["grammar"] = sampling.grammar
    unsaid = tuple(name for name in names if name in ("penalties", "dry")) if mirostat else ()
    return Told(fields=fields, unsaid=unsaid)


def _window(last: int, n_ctx: int) -> int:
    """So many tokens are looked back at; the server has no word for all of them."""
    return n_ctx if last < 0 else last


def bias_of(biases: Mapping[str, float], ids: Mapping[str, Sequence[int]]) -> dict[int, float]:
    """Return the bias of each token, the sum over the texts it occurs in; `ids` are the tokens of each text."""
    total: dict[int, float] = {}
    for text, bias in biases.items():
        for token in set(ids[text]):
            total[token] = total.get(token, 0.0) + bias
    return total


def llama_bias(biases: Mapping[int, float]) -> list[list[object]]:
    """Return biases as llama-server takes them: false forbids a token."""
    return [[token, False if isinf(bias) and bias < 0 else bias] for token, bias in biases.items()]


def openai_bias(biases: Mapping[int, float]) -> dict[str, float]:
    """Return biases as OpenAI's completions take them: between -100, which forbids, and 100."""
    return {str(token): max(-100.0, min(100.0, bias)) for token, bias in biases.items()}


def for_completions(sampling: Sampling, *, is_vllm: bool) -> Told:
    """Return what of a preset's chain OpenAI's completions can be told; vLLM knows a few more samplers.

    The order of the chain is the server's own.
    """
    names = set(active(sampling))
    greedy = sampling.greedy
    fields: dict[str, object] = {"temperature": 0.0 if greedy else _temperature(sampling)}
    said = {"temperature"} if not sampling.dynamic_range else set()
    if "top_p" in names and not greedy:
        fields["top_p"] = sampling.top_p
    said.add("top_p")
    penalised = "penalties" in names
    if penalised:
        fields |= {"frequency_penalty": sampling.frequency_penalty, "presence_penalty": sampling.presence_penalty}
    if not is_vllm and sampling.repeat_penalty == 1.0:
        said.add("penalties")
    if is_vllm:
        said |= {"top_k", "min_p", "penalties"}
        fields |= {name: getattr(sampling, name) for name in ("top_k", "min_p") if name in names and not greedy}
        fields |= {"repetition_penalty": sampling.repeat_penalty} if penalised else {}
    # Where only the likeliest token is taken, what would leave out unlikely ones changes nothing.
    idle = {"top_k", "top_p", "min_p", "top_n_sigma", "typical_p", "temperature"} if greedy else set()
    unsaid = [name for name in active(sampling) if name not in said | idle]
    unsaid += ["mirostat"] if sampling.mirostat and not greedy else []
    unsaid += ["grammar"] if sampling.grammar.strip() else []
    return Told(fields=fields, unsaid=tuple(unsaid))


def _temperature(sampling: Sampling) -> float:
    return sampling.temperature if "temperature" in sampling.order else 1.0


def stops_of(names: Sequence[str]) -> list[str]:
    """Return as many stops as every server takes."""
    return list(names[:_MOST_STOPS])
