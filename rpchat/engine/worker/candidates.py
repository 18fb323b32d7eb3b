"""The few tokens that can be drawn, found before the sampler chain looks at any.

llama.cpp's samplers copy and scan the whole vocabulary, some of them several times. Where the first one that looks at
more than single tokens keeps only the likeliest (min-p, top-k), or where only the likeliest is wanted, the same tokens
are found here in one pass over the logits, and the chain gets them alone. What it does with them is not touched.

What always holds: a token is left out only if that first sampler is certain to drop it, and the rest stand in the order
of the vocabulary. So the chain ends with the very numbers, and the very token, it would have ended with. Every other
chain is left whole: with top-p in front, say, the least likely token still counts in the sum.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log
from typing import TypeAlias

import llama_cpp
import numpy as np
import numpy.typing as npt

from rpchat.story.preset import Sampling

Logits: TypeAlias = npt.NDArray[np.float32]
Tokens: TypeAlias = npt.NDArray[np.intp]
Change: TypeAlias = Callable[["llama_cpp.llama_token_data_array"], None]
"""Changes single logits of an array of candidates in place, and moves none."""

SINGLE = frozenset({"logit_bias", "penalties", "dry"})
"""Samplers that change the logits of single tokens by themselves, whatever the others are."""

_KEEP_LIKELIEST = frozenset({"top_k", "top_p", "min_p", "top_n_sigma"})
_LONGEST_TOP_K = 1024
_COLUMNS = 8192
# Far above what float32 rounds away between here and llama.cpp, far below what would let many more tokens in.
_SLACK = 1e-5
_LEAST = float(np.finfo(np.float32).min)
_FIELDS = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which tokens can be drawn, by their logits behind the samplers of `SINGLE`."""

    margin: float = inf
    """How far a token may lie below the likeliest."""
    most: int = 0
    """How many of the likeliest are enough; 0 for no such limit."""


def heads(names: Sequence[str]) -> int:
    """Return how many samplers at the beginning of a plan change single logits only."""
    return next((index for index, name in enumerate(names) if name not in SINGLE), len(names))


def takes_likeliest(names: Sequence[str]) -> bool:
    """Return whether a plan always ends with the likeliest token behind the samplers of `SINGLE`."""
    tail = names[heads(names) :]
    return tail[-1] == "greedy" and _KEEP_LIKELIEST.issuperset(tail[:-1])


def find_cut(names: Sequence[str], sampling: Sampling) -> Cut | None:
    """Return the cut a plan allows, or None where its samplers must see the whole vocabulary."""
    tail = names[heads(names) :]
    if takes_likeliest(names):
        return Cut(margin=0.0)
    temperature = 1.0
    for name in tail:
        if name == "min_p":
            return Cut(margin=-log(sampling.min_p) * temperature)
        if name == "top_k" and sampling.top_k <= _LONGEST_TOP_K:
            return Cut(most=sampling.top_k)
        if name != "temperature" or sampling.dynamic_range > 0:
            return None
        temperature = sampling.temperature
    return None


class Shortlist:
    """Picks, token after token, what a chain needs to see of the logits.

    `size` is that of the vocabulary. `change` is the head of the chain: what changes single logits. It must be told
    by `touch` of every token it may change: those are looked at one by one, and the others stay as they are.
    """

    def __init__(self, size: int, *, cut: Cut, change: Change) -> None:
        self._size = size
        self._cut = cut
        self._change = change
        self._columns = min(size, _COLUMNS)
        self._offsets = np.arange(0, size, self._columns, dtype=np.intp)[:, None]
        self._seen: set[int] = set()
        self._touched: Tokens = np.empty(0, np.intp)
        # Only the pages that are written to become memory.
        self._table = np.empty(size, _FIELDS)
        # Only a view: the table is what owns it.
        self._data = (llama_cpp.llama_token_data * size).from_address(self._table.ctypes.data)
        self._array = llama_cpp.llama_token_data_array(self._data, 0, -1, False)

    def touch(self, tokens: Iterable[int]) -> None:
        """Note tokens whose logits the head of the chain may change from now on."""
        new = set(tokens) - self._seen
        if new:
            self._seen |= new
            self._touched = np.append(self._touched, np.fromiter(new, np.intp, len(new)))

    def pick(self, logits: Logits) -> llama_cpp.llama_token_data_array | None:
        """Return the tokens the rest of the chain must see, in the vocabulary's order and changed by its head.

        It is valid until the next call. `logits`, one for each token, must be writable; they are as before when this
        returns. None if they hold nothing to compare: not a number, or nothing finite.
        """
        touched = self._touched
        if not len(touched):
            return self._pick(logits, touched, np.empty(0, np.float32))
        before = logits[touched]
        changed = self._changed(touched, before)
        # Hidden for a moment rather than copied with the whole vocabulary.
        logits[touched] = -np.inf
        try:
            return self._pick(logits, touched, changed)
        finally:
            logits[touched] = before

    def likeliest(self, logits: Logits) -> int | None:
        """Return the one token that the likeliest is, the first of equals: what `pick` and a greedy sampler would give.

        For `logits`, and for None, see there.
        """
        touched = self._touched
        before = logits[touched]
        changed = self._changed(touched, before) if len(touched) else before
        logits[touched] = -np.inf
        token = int(logits.argmax())
        largest = float(logits[token])
        logits[touched] = before
        if len(touched):
            best = float(changed.max())
            if best >= largest:
                first = int(touched[changed == best].min())
                token, largest = first if best > largest else min(first, token), best
        return token if isfinite(largest) else None

    def _changed(self, tokens: Tokens, logits: Logits) -> Logits:
        """Return the logits of `tokens` behind the head of the chain."""
        self._change(self._fill(tokens, logits))
        return self._table["logit"][: len(tokens)].copy()

    def _pick(self, logits: Logits, touched: Tokens, changed: Logits) -> llama_cpp.llama_token_data_array | None:
        """Pick among `logits`, where what is touched is hidden, and the touched tokens' `changed` logits."""
        tops = self._tops(logits)
        threshold = self._threshold(tops, changed)
        if threshold is None:
            return None
        free = self._at_least(threshold, logits=logits, tops=tops)
        kept = changed >= threshold
        if not kept.any():
            return self._fill(free, logits[free])
        tokens = np.concatenate((free, touched[kept]))
        order = np.argsort(tokens)
        return self._fill(tokens[order], np.concatenate((logits[free], changed[kept]))[order])

    def _tops(self, logits: Logits) -> Logits:
        """Return the largest logit of each column, the vocabulary being laid out in rows of `_columns` tokens.

        Columns, because a row of maxima is computed with vectors, and because few of them hold anything likely.
        """
        whole = self._size // self._columns * self._columns
        tops: Logits = logits[:whole].reshape(-1, self._columns).max(axis=0)
        rest = self._size - whole
        np.maximum(tops[:rest], logits[whole:], out=tops[:rest])
        return tops

    def _threshold(self, tops: Logits, changed: Logits) -> float | None:
        """Return the least logit that counts, or None if the logits are no numbers."""
        tops = np.concatenate((tops, changed)) if len(changed) else tops
        largest = float(tops.max())
        if not isfinite(largest):
            return None
        if self._cut.most:
            # Each of these belongs to another token, so the n-th largest of them is at most the n-th largest of all.
            place = len(tops) - self._cut.most
            threshold = float(np.partition(tops, place)[place]) if place >= 0 else -inf
        else:
            threshold = largest - self._cut.margin - _SLACK * (1 + abs(largest) + self._cut.margin)
        # What is hidden or forbidden stands below every number.
        return max(threshold, _LEAST)

    def _at_least(self, threshold: float, *, logits: Logits, tops: Logits) -> Tokens:
        """Return the tokens with a logit of at least `threshold`, in order."""
        columns = np.flatnonzero(tops >= threshold)
        if len(columns) * 4 > self._columns:
            return np.flatnonzero(logits >= threshold)
        tokens = (self._offsets + columns).ravel()
        if tokens.size and tokens[-1] >= self._size:
            tokens = tokens[tokens < self._size]
        likely: Tokens = tokens[logits[tokens] >= threshold]
        return likely

    def _fill(self, tokens: Tokens, logits: Logits) -> llama_cpp.llama_token_data_array:
        """Return the array that llama.cpp reads, filled anew."""
        rows = self._table[: len(tokens)]
        rows["id"] = tokens
        rows["logit"] = logits
        self._array.data = self._data
        self._array.size = len(tokens)
        self._array.selected = -1
        self._array.sorted = False
        return self._array


class View:
    """The logits of a context, read where llama.cpp keeps them: nothing is copied."""

    def __init__(self, size: int) -> None:
        self._row = ctypes.c_float * size
        self._address = 0
        self._logits: Logits = np.empty(0, np.float32)

    def of(self, context: llama_cpp.llama_context_p, *, output: int) -> Logits | None:
        """Return the logits after token `output` of the last batch, or None if there are none.

        The next decode changes them.
        """
        pointer = llama_cpp.llama_get_logits_ith(context, output)
        if not pointer:
            return None
        address = ctypes.addressof(pointer.contents)
        if address != self._address:
            self._logits = np.ctypeslib.as_array(self._row.from_address(address))
            self._address = address
        return self._logits
