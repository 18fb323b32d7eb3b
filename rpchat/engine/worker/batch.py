"""Tokens on their way into llama.cpp: batches that are filled again and again."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import llama_cpp


class Batch:
    """A batch of up to `most` tokens of one sequence.

    llama.cpp itself counts the positions on from what the sequence holds, and gives logits for the last token only.
    """

    def __init__(self, most: int) -> None:
        integers = ctypes.POINTER(ctypes.c_int32)
        self._tokens = (ctypes.c_int32 * most)()
        self._sequence = ctypes.c_int32(0)
        self._counts = (ctypes.c_int32 * most)(*([1] * most))
        self._sequences = (integers * most)(*([ctypes.pointer(self._sequence)] * most))
        self._batch = llama_cpp.llama_batch()
        for name, array in (("token", self._tokens), ("n_seq_id", self._counts), ("seq_id", self._sequences)):
            setattr(self._batch, name, array)

    def decode(self, context: llama_cpp.llama_context_p, ids: list[int], *, sequence: int) -> int:
        """Evaluate `ids` behind what `sequence` holds and return llama.cpp's code: 0 is done, 1 full, 2 aborted."""
        self._tokens[: len(ids)] = [*ids]
        self._sequence.value = sequence
        self._batch.n_tokens = len(ids)
        return int(llama_cpp.llama_decode(context, self._batch))


class Row:
    """A batch of one token for each of up to `most` sequences, with logits for all of them, in that order."""

    def __init__(self, most: int) -> None:
        integers = ctypes.POINTER(ctypes.c_int32)
        self._tokens = (ctypes.c_int32 * most)()
        self._targets = (ctypes.c_int32 * most)()
        size = ctypes.sizeof(ctypes.c_int32)
        places = (ctypes.cast(ctypes.byref(self._targets, index * size), integers) for index in range(most))
        self._sequences = (integers * most)(*places)
        self._counts = (ctypes.c_int32 * most)(*([1] * most))
        self._wanted = (ctypes.c_int8 * most)(*([1] * most))
        self._batch = llama_cpp.llama_batch()
        for name, array in (
            ("token", self._tokens), ("n_seq_id", self._counts), ("seq_id", self._sequences), ("logits", self._wanted),
        ):  # fmt: skip
            setattr(self._batch, name, array)

    def decode(self, context: llama_cpp.llama_context_p, tokens: Sequence[tuple[int, int]]) -> int:
        """Evaluate pairs of a sequence and the token behind what it holds; return llama.cpp's code."""
        for index, (sequence, token) in enumerate(tokens):
            self._targets[index], self._tokens[index] = sequence, token
        self._batch.n_tokens = len(tokens)
        return int(llama_cpp.llama_decode(context, self._batch))
