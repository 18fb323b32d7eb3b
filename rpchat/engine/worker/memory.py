"""What llama.cpp lets us do with the memory of a context, and what kind of memory a model has.

A transformer's memory is `full`: any token can be removed. One with a sliding window that keeps no more than the window
(`window`) can be cut only as far as the window still reaches back; a `recurrent` state, also a hybrid's, cannot be cut.
"""

from __future__ import annotations

import ctypes

import llama_cpp

from rpchat.engine.port import MemoryKind
from rpchat.engine.settings import CacheType
from rpchat.engine.worker.limits import has_room_for

_TO_THE_END = -1
_SHIFTED: tuple[CacheType, ...] = ("f32", "f16")
"""The types of keys that every backend can turn to another place."""
_ALL_LAYERS_TURN = ("gemma3",)
"""Of the architectures with a sliding window, those of which it was seen that all layers can be shifted."""


class LlamaMemory:
    """The memory of one context. Positions are token counts from 0."""

    def __init__(
        self,
        context: llama_cpp.llama_context_p,
        *,
        kind: MemoryKind,
        window: int,
        type_k: CacheType = "f16",
        architecture: str = "",
    ) -> None:
        memory = llama_cpp.llama_get_memory(context)
        assert memory is not None
        self._context = context
        self._memory = memory
        self._window = window
        self.kind = kind
        self.can_shift = (
            kind == "full"
            and type_k in _SHIFTED
            and (not window or architecture in _ALL_LAYERS_TURN)
            and _turns(context)
            and bool(llama_cpp.llama_memory_can_shift(memory))
        )
        """Whether tokens in the middle can be taken out and what follows moved up.

        llama.cpp alone says so too easily: it dies of keys in other types, and where no layer without a window turns
        its keys.
        """

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

    def state_bytes(self, sequence: int) -> int:
        """Return how long a copy of a sequence is."""
        return int(llama_cpp.llama_state_seq_get_size(self._context, sequence))

    def state(self, sequence: int) -> bytearray | None:
        """Return a copy of a sequence; None where memory is short, or llama.cpp gives none."""
        size = self.state_bytes(sequence)
        if not has_room_for(size):
            return None
        state = bytearray(size)
        array = (ctypes.c_uint8 * size).from_buffer(state)
        return state if llama_cpp.llama_state_seq_get_data(self._context, array, size, sequence) == size else None

    def restore(self, sequence: int, state: bytearray) -> None:
        """Let `sequence`, which is empty, hold what was copied, as far as there is room: `length` tells."""
        array = (ctypes.c_uint8 * len(state)).from_buffer(state)
        llama_cpp.llama_state_seq_set_data(self._context, array, len(state), sequence)

    def length(self, sequence: int) -> int:
        """Return how many tokens a sequence holds, by its last position."""
        return int(llama_cpp.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def floor(self, sequence: int) -> int:
        """Return the fewest tokens a sequence can be cut to, other than none."""
        if self.kind == "recurrent":
            return self.length(sequence)
        first = int(llama_cpp.llama_memory_seq_pos_min(self._memory, sequence))
        return first + self._window if first > 0 else 0


def _turns(context: llama_cpp.llama_context_p) -> bool:
    """Return whether a model's positions are a rotation of its keys: of another, only the cells would be moved."""
    model = llama_cpp.llama_get_model(context)
    return model is not None and llama_cpp.llama_model_rope_type(model) != llama_cpp.LLAMA_ROPE_TYPE_NONE


def kind_of(model: llama_cpp.llama_model_p, *, swa_full: bool) -> tuple[MemoryKind, int]:
    """Return a model's kind of memory, and its sliding window in tokens, 0 without one.

    A `full` memory with a window is full as long as it was filled by reading: a state that was taken back holds no
    more of the layers with a window than the window.
    """
    if llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model):
        return "recurrent", 0
    window = int(llama_cpp.llama_model_n_swa(model))
    return "window" if window and not swa_full else "full", window
