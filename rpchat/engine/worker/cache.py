"""What the KV cache holds, and how much of it the next prompt can use.

Invariant: `ids` are exactly the tokens whose keys and values are in the cache, in order. A token that was sampled but
not decoded is not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import llama_cpp

_SEQUENCE = 0


def reusable(cached: Sequence[int], prompt: Sequence[int]) -> int:
    """Return how many tokens of `prompt` need not be read again: their common prefix, but never the last token.

    The last one is decoded again in any case, because sampling needs its logits.
    """
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(cached, prompt, strict=False)))
    return max(0, min(same, len(prompt) - 1))


class Cache:
    """The KV cache of one context, used as a single sequence."""

    def __init__(self, context: llama_cpp.llama_context_p) -> None:
        memory = llama_cpp.llama_get_memory(context)
        assert memory is not None
        self._memory = memory
        self.ids: list[int] = []

    def prepare(self, prompt: Sequence[int]) -> int:
        """Cut the cache to what `prompt` shares with it and return how many tokens that is.

        Models with a recurrent state or a window cannot always be cut: then the cache is emptied.
        """
        kept = reusable(self.ids, prompt)
        removed = llama_cpp.llama_memory_seq_rm(self._memory, _SEQUENCE, kept, -1)
        if not removed or self._span() != ((0, kept - 1) if kept else (-1, -1)):
            self.clear()
            return 0
        del self.ids[kept:]
        return kept

    def clear(self) -> None:
        """Empty the cache."""
        llama_cpp.llama_memory_clear(self._memory, True)
        self.ids.clear()

    def settle(self, ids: Sequence[int]) -> None:
        """After an aborted decode: believe the cache about how many of `ids`, what it should hold, are in it."""
        first, last = self._span()
        if first > 0:
            self.clear()
        else:
            self.ids[:] = ids[: last + 1]

    def _span(self) -> tuple[int, int]:
        """Return the first and last position in the cache; (-1, -1) where it is empty."""
        first = llama_cpp.llama_memory_seq_pos_min(self._memory, _SEQUENCE)
        return int(first), int(llama_cpp.llama_memory_seq_pos_max(self._memory, _SEQUENCE))
