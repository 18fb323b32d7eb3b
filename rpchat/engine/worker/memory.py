"""What llama.cpp lets us do with the memory of a context, and what kind of memory a model has.

A transformer's memory is `full`: any token can be removed. One with a sliding window that keeps no more than the window
(`window`) can be cut only as far as the window still reaches back; a `recurrent` state, also a hybrid's, cannot be cut.
"""

from __future__ import annotations

import llama_cpp

from rpchat.engine.port import MemoryKind

_TO_THE_END = -1


class LlamaMemory:
    """The memory of one context. Positions are token counts from 0."""

    def __init__(self, context: llama_cpp.llama_context_p, *, kind: MemoryKind, window: int) -> None:
        memory = llama_cpp.llama_get_memory(context)
        assert memory is not None
        self._memory = memory
        self._window = window
        self.kind = kind

    @property
    def can_shift(self) -> bool:
        """Whether tokens in the middle can be taken out and what follows moved up."""
        return self.kind == "full" and bool(llama_cpp.llama_memory_can_shift(self._memory))

    def clear(self) -> None:
        """Empty every sequence."""
        llama_cpp.llama_memory_clear(self._memory, True)

    def cut(self, sequence: int, keep: int) -> None:
        """Remove what stands behind the first `keep` tokens, as far as llama.cpp can: `length` tells."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, keep, _TO_THE_END)

    def copy(self, source: int, target: int, count: int) -> None:
        """Let `target`, which is empty, share the first `count` tokens of `source`."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, count)

    def shift(self, sequence: int, start: int, stop: int) -> None:
        """Take out the tokens `start` to `stop` and move the later ones up. The next decode turns their keys."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, stop)
        llama_cpp.llama_memory_seq_add(self._memory, sequence, stop, _TO_THE_END, start - stop)

    def length(self, sequence: int) -> int:
        """Return how many tokens a sequence holds, by its last position."""
        return int(llama_cpp.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def floor(self, sequence: int) -> int:
        """Return the fewest tokens a sequence can be cut to, other than none."""
        if self.kind == "recurrent":
            return self.length(sequence)
        first = int(llama_cpp.llama_memory_seq_pos_min(self._memory, sequence))
        return first + self._window if first > 0 else 0


def kind_of(model: llama_cpp.llama_model_p, *, swa_full: bool) -> tuple[MemoryKind, int]:
    """Return a model's kind of memory, and its sliding window in tokens, 0 without one.

    A `full` memory with a window is full as long as it was filled by reading: a state that was taken back holds no
    more of the layers with a window than the window.
    """
    if llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model):
        return "recurrent", 0
    window = int(llama_cpp.llama_model_n_swa(model))
    return "window" if window and not swa_full else "full", window
