"""The sampler chain of one reply. Nothing of it outlives the request: the next one begins the same."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from math import isinf

import llama_cpp

from rpchat.engine.worker.samplers import Sampler, Setting, ban, make, plan, seen_by

_GRAMMAR = "grammar"
_LAST = -1


class Chain:
    """Draws the tokens of one reply. `close` frees it.

    `prompt` is what penalties and DRY have seen before the reply; a grammar never sees it. Until `allow_end` is
    called, the tokens in `forbidden` cannot be drawn, unless a grammar rules: where it allows only the end, nothing
    would be left to draw.
    """

    def __init__(self, setting: Setting, *, prompt: Sequence[int], forbidden: Iterable[int] = ()) -> None:
        names = plan(setting.sampling)
        # The only sampler that can fail comes first: there is nothing to free then.
        self._grammar = make(_GRAMMAR, setting) if _GRAMMAR in names else None
        self._free = _new_chain()
        banned = () if self._grammar else tuple(forbidden)
        self._forbids = bool(banned)
        if banned:
            llama_cpp.llama_sampler_chain_add(self._free, ban(setting.vocabulary, banned))
        for name in names:
            if name == _GRAMMAR:
                continue
            sampler = make(name, setting)
            llama_cpp.llama_sampler_chain_add(self._free, sampler)
            for token in seen_by(name, setting, prompt):
                llama_cpp.llama_sampler_accept(sampler, token)

    def draw(self, context: llama_cpp.llama_context_p) -> int:
        """Return the next token, after the last one decoded."""
        if self._grammar is None:
            token: int = llama_cpp.llama_sampler_sample(self._free, context, _LAST)
            return token
        return self._draw_by(self._grammar, context)

    def allow_end(self) -> None:
        """Let the reply end from now on."""
        if self._forbids:
            self._forbids = False
            llama_cpp.llama_sampler_free(llama_cpp.llama_sampler_chain_remove(self._free, 0))

    def close(self) -> None:
        """Free every sampler. To be called once."""
        llama_cpp.llama_sampler_free(self._free)
        if self._grammar is not None:
            llama_cpp.llama_sampler_free(self._grammar)

    def _draw_by(self, grammar: Sampler, context: llama_cpp.llama_context_p) -> int:
        """Draw freely and ask the grammar about that one token; only if it refuses, about the whole vocabulary.

        Asking about all takes a hundred times as long as drawing. The free draw is made by a copy, so that a refused
        token leaves no trace in penalties and random numbers.
        """
        trial = llama_cpp.llama_sampler_clone(self._free)
        token: int = llama_cpp.llama_sampler_sample(trial, context, _LAST)
        if _allows(grammar, token):
            llama_cpp.llama_sampler_free(self._free)
            self._free = trial
            llama_cpp.llama_sampler_accept(grammar, token)
            return token
        llama_cpp.llama_sampler_free(trial)
        return self._draw_bound(grammar, context)

    def _draw_bound(self, grammar: Sampler, context: llama_cpp.llama_context_p) -> int:
        """Draw among what the grammar allows. The samplers are lent to a chain, which accepts for all of them."""
        bound = _new_chain()
        llama_cpp.llama_sampler_chain_add(bound, grammar)
        llama_cpp.llama_sampler_chain_add(bound, self._free)
        token: int = llama_cpp.llama_sampler_sample(bound, context, _LAST)
        llama_cpp.llama_sampler_chain_remove(bound, 1)
        llama_cpp.llama_sampler_chain_remove(bound, 0)
        llama_cpp.llama_sampler_free(bound)
        return token


def _new_chain() -> Sampler:
    parameters = llama_cpp.llama_sampler_chain_default_params()
    parameters.no_perf = True
    chain: Sampler = llama_cpp.llama_sampler_chain_init(parameters)
    return chain


def _allows(grammar: Sampler, token: int) -> bool:
    """Return whether a grammar would let this token be drawn next."""
    data = (llama_cpp.llama_token_data * 1)(llama_cpp.llama_token_data(token, 1.0, 0.0))
    candidates = llama_cpp.llama_token_data_array(data, 1, -1, False)
    llama_cpp.llama_sampler_apply(grammar, ctypes.byref(candidates))
    return not isinf(data[0].logit)
