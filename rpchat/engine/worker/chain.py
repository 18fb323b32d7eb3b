"""The sampler chain of one reply. Nothing of it outlives the request: the next one begins the same."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from math import isinf

import llama_cpp

from rpchat.engine.worker.candidates import Logits, Shortlist, View, find_cut, heads, takes_likeliest
from rpchat.engine.worker.samplers import Sampler, Setting, ban, biased, make, plan, seen_by

_GRAMMAR = "grammar"
_LAST = -1


class Chain:
    """Draws the tokens of one reply. `close` frees it.

    `prompt` is what penalties and DRY have seen before the reply; a grammar never sees it. Until `allow_end` is
    called, the tokens in `forbidden` cannot be drawn, unless a grammar rules: where it allows only the end, nothing
    would be left to draw. With `whole`, every sampler is shown the whole vocabulary, also where `candidates` knows
    that a few tokens are enough: that is slower, and for comparing.
    """

    def __init__(
        self, setting: Setting, *, prompt: Sequence[int], forbidden: Iterable[int] = (), whole: bool = False
    ) -> None:
        names = plan(setting.sampling)
        # The only sampler that can fail comes first: there is nothing to free then.
        self._grammar = make(_GRAMMAR, setting) if _GRAMMAR in names else None
        names = tuple(name for name in names if name != _GRAMMAR)
        banned = () if self._grammar else tuple(forbidden)
        self._size = setting.vocabulary.size
        self._view = View(self._size)
        self._forbids = bool(banned)
        self._free, self._head, self._tail = _new_chain(), _new_chain(), _new_chain()
        llama_cpp.llama_sampler_chain_add(self._free, self._head)
        llama_cpp.llama_sampler_chain_add(self._free, self._tail)
        if banned:
            llama_cpp.llama_sampler_chain_add(self._head, ban(setting.vocabulary, banned))
        split = heads(names)
        _fill(self._head, names[:split], setting=setting, prompt=prompt)
        _fill(self._tail, names[split:], setting=setting, prompt=prompt)
        self._looks_back = not {"penalties", "dry"}.isdisjoint(names[:split])
        self._greedy = takes_likeliest(names)
        self._shortlist: Shortlist | None = None
        if self._grammar is None and not whole:
            self._shortlist = self._shortlist_for(setting, names, prompt=prompt, banned=banned)

    def draw(self, context: llama_cpp.llama_context_p, *, output: int = _LAST) -> int:
        """Return the next token, after the one at index `output` of the last batch: its last one, if not told."""
        if self._grammar is not None:
            return self._draw_by(self._grammar, context, output)
        logits = self._view.of(context, output=output) if self._shortlist is not None else None
        token = self.draw_from(logits) if logits is not None else None
        if token is None:
            token = int(llama_cpp.llama_sampler_sample(self._free, context, output))
            self._note(token)
        else:
            self.accept(token)
        return token

    def draw_from(self, logits: Logits) -> int | None:
        """Return the next token by these logits; None where the chain must be shown the whole vocabulary.

        Nothing is accepted: that is for `accept`.
        """
        if self._greedy and self._shortlist is not None:
            return self._shortlist.likeliest(logits)
        candidates = self.weigh(logits)
        return None if candidates is None else int(candidates.data[candidates.selected].id)

    def weigh(self, logits: Logits) -> llama_cpp.llama_token_data_array | None:
        """Return what the chain leaves of a shortlist, with probabilities and one token selected.

        None where it must be shown the whole vocabulary. Nothing is accepted: that is for `accept`.
        """
        candidates = self._shortlist.pick(logits) if self._shortlist is not None else None
        if candidates is not None:
            _apply(self._tail, candidates)
        return candidates

    def weigh_all(self, candidates: llama_cpp.llama_token_data_array) -> None:
        """Do to an array of any candidates what the chain does to the whole vocabulary."""
        _apply(self._free, candidates)

    def accept(self, token: int) -> None:
        """Let every sampler know what was drawn."""
        llama_cpp.llama_sampler_accept(self._free, token)
        self._note(token)

    def allow_end(self) -> None:
        """Let the reply end from now on."""
        if self._forbids:
            self._forbids = False
            llama_cpp.llama_sampler_free(llama_cpp.llama_sampler_chain_remove(self._head, 0))

    def close(self) -> None:
        """Free every sampler. To be called once."""
        llama_cpp.llama_sampler_free(self._free)
        if self._grammar is not None:
            llama_cpp.llama_sampler_free(self._grammar)

    def _shortlist_for(
        self, setting: Setting, names: Sequence[str], *, prompt: Sequence[int], banned: Sequence[int]
    ) -> Shortlist | None:
        """Return what picks this chain's candidates, or None if it must see them all."""
        cut = find_cut(names, setting.sampling)
        if cut is None:
            return None
        shortlist = Shortlist(self._size, cut=cut, change=lambda array: _apply(self._head, array))
        shortlist.touch(banned)
        head = names[: heads(names)]
        if "logit_bias" in head:
            shortlist.touch(biased(setting))
        for name in head:
            shortlist.touch(seen_by(name, setting, prompt))
        return shortlist

    def _note(self, token: int) -> None:
        """Count a drawn token among those that penalties and DRY may change from now on."""
        if self._shortlist is not None and self._looks_back:
            self._shortlist.touch((token,))

    def _draw_by(self, grammar: Sampler, context: llama_cpp.llama_context_p, output: int) -> int:
        """Draw freely and ask the grammar about that one token; only if it refuses, about the whole vocabulary.

        Asking about all takes a hundred times as long as drawing. The free draw is made by a copy, so that a refused
        token leaves no trace in penalties and random numbers.
        """
        trial = llama_cpp.llama_sampler_clone(self._free)
        token: int = llama_cpp.llama_sampler_sample(trial, context, output)
        if _allows(grammar, token):
            llama_cpp.llama_sampler_free(self._free)
            self._free = trial
            self._head, self._tail = (llama_cpp.llama_sampler_chain_get(trial, index) for index in range(2))
            llama_cpp.llama_sampler_accept(grammar, token)
            return token
        llama_cpp.llama_sampler_free(trial)
        return self._draw_bound(grammar, context, output)

    def _draw_bound(self, grammar: Sampler, context: llama_cpp.llama_context_p, output: int) -> int:
        """Draw among what the grammar allows. The samplers are lent to a chain, which accepts for all of them."""
        bound = _new_chain()
        llama_cpp.llama_sampler_chain_add(bound, grammar)
        llama_cpp.llama_sampler_chain_add(bound, self._free)
        token: int = llama_cpp.llama_sampler_sample(bound, context, output)
        llama_cpp.llama_sampler_chain_remove(bound, 1)
        llama_cpp.llama_sampler_chain_remove(bound, 0)
        llama_cpp.llama_sampler_free(bound)
        return token


def _new_chain() -> Sampler:
    parameters = llama_cpp.llama_sampler_chain_default_params()
    parameters.no_perf = True
    chain: Sampler = llama_cpp.llama_sampler_chain_init(parameters)
    return chain


def _fill(chain: Sampler, names: Sequence[str], *, setting: Setting, prompt: Sequence[int]) -> None:
    """Add new samplers to a chain, and let each see what of the prompt it looks back at."""
    for name in names:
        sampler = make(name, setting)
        llama_cpp.llama_sampler_chain_add(chain, sampler)
        for token in seen_by(name, setting, prompt):
            llama_cpp.llama_sampler_accept(sampler, token)


def _apply(sampler: Sampler, candidates: llama_cpp.llama_token_data_array) -> None:
    llama_cpp.llama_sampler_apply(sampler, ctypes.byref(candidates))


def _allows(grammar: Sampler, token: int) -> bool:
    """Return whether a grammar would let this token be drawn next."""
    data = (llama_cpp.llama_token_data * 1)(llama_cpp.llama_token_data(token, 1.0, 0.0))
    _apply(grammar, llama_cpp.llama_token_data_array(data, 1, -1, False))
    return not isinf(data[0].logit)
