"""A model's vocabulary: from segments to token ids, from ids to bytes.

A prompt is counted after every line, and most of its runs of text are those of the prompt before: their ids are kept.
A run is what is tokenised as one, so what is kept is what would be found again.
"""

from __future__ import annotations

import ctypes
import re
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise

import llama_cpp

from rpchat.errors import PromptError
from rpchat.prompt.segment import Segment, joined
from rpchat.story.text import one_line

_NONE = -1
_USER_DEFINED = llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
_LONGEST_NAME = 64
_QUOTED = re.compile(r"""(['"])(.+?)\1""")
_BRACKETED = re.compile(r"<[^\s<>]{1,62}>|\[[^\s\[\]]{1,62}\]")


class Runs:
    """Token ids of the runs of text seen last, forgotten from the one not seen for longest.

    It holds at most `most_runs` runs and `most_bytes` bytes of text and ids.
    """

    def __init__(self, *, most_runs: int = 4096, most_bytes: int = 8 * 1024 * 1024) -> None:
        self._most_runs = most_runs
        self._most_bytes = most_bytes
        self._ids: OrderedDict[bytes, array[int]] = OrderedDict()
        self.size = 0
        """Bytes held."""

    def __len__(self) -> int:
        return len(self._ids)

    def get(self, run: bytes) -> array[int] | None:
        """Return the ids of a run, or None if they are not held."""
        ids = self._ids.get(run)
        if ids is not None:
            self._ids.move_to_end(run)
        return ids

    def put(self, run: bytes, ids: Iterable[int]) -> array[int]:
        """Hold the ids of a run that is not held, and return them."""
        kept = array("i", ids)
        self._ids[run] = kept
        self.size += _size(run, kept)
        while len(self._ids) > self._most_runs or self.size > self._most_bytes:
            self.size -= _size(*self._ids.popitem(last=False))
        return kept


def _size(run: bytes, ids: array[int]) -> int:
    return len(run) + len(ids) * ids.itemsize


class Vocabulary:
    """The vocabulary of one loaded model. Only control segments ever become control tokens."""

    def __init__(self, model: llama_cpp.llama_model_p) -> None:
        pointer = llama_cpp.llama_model_get_vocab(model)
        assert pointer is not None
        self.pointer = pointer
        self.size = int(llama_cpp.llama_vocab_n_tokens(pointer))
        self._buffer = ctypes.create_string_buffer(64)
        self._controls: dict[str, int | None] = {}
        self._marks: re.Pattern[bytes] | None = None
        self.stock: dict[tuple[object, ...], llama_cpp.llama_sampler_p] = {}
        """Samplers that take long to make for this vocabulary, by what they were made with; they are only copied."""
        self._runs = Runs()

    def tokenize(self, segments: Iterable[Segment]) -> list[int]:
        """Return the ids of a prompt. Raises PromptError for a control segment that is not one control token."""
        ids: list[int] = []
        for kind, content in joined(segments):
            if kind == "t":
                ids += self.text_ids(content)
                continue
            token = self.control_id(content)
            if token is None:
                raise PromptError(
                    f"this model has no control token {one_line(content)}",
                    "This preset is for another model; choose one.",
                )
            ids.append(token)
        return ids

    def text_ids(self, text: str) -> list[int]:
        """Return the ids of plain text: nothing in it becomes a control token."""
        run = text.encode("utf-8", "replace")
        ids = self._runs.get(run)
        if ids is None:
            ids = self._runs.put(run, self._plain_ids(run))
        return ids.tolist()

    def _plain_ids(self, run: bytes) -> list[int]:
        """Tokenise text with every mark in it cut behind its first byte: llama.cpp finds user-defined tokens in any
        text, whatever it is told of special ones."""
        cuts = [match.start() + 1 for match in self._marks.finditer(run)] if self._marks is not None else []
        parts = (run[start:stop] for start, stop in pairwise([0, *cuts, len(run)]))
        return [token for part in parts for token in self._ids(part, special=False)]

    def control_id(self, name: str) -> int | None:
        """Return the id of the control token `name`; None if the vocabulary has no such single token."""
        if name not in self._controls:
            ids = self._ids(name.encode("utf-8", "replace"), special=True)
            plain = self._ids(name.encode("utf-8", "replace"), special=False)
            self._controls[name] = ids[0] if len(ids) == 1 and ids != plain else None
        return self._controls[name]

    def controls_among(self, names: Iterable[str], *, template: str = "") -> frozenset[str]:
        """Return which of `names`, and of the words a chat template could mean as tokens, are control tokens.

        Those of `names` that are user-defined tokens, as in older files of fine-tuned models, are control tokens from
        then on: only a control segment becomes one.
        """
        names = set(names)
        marks = [name for name in names if self._is_user_defined(name)]
        if marks:
            self._marks = re.compile(b"|".join(re.escape(name.encode()) for name in marks))
            self._controls |= {name: self._ids(name.encode(), special=True)[0] for name in marks}
            self._runs = Runs()
        words = {match[2] for match in _QUOTED.finditer(template) if len(match[2]) <= _LONGEST_NAME}
        words |= set(_BRACKETED.findall(template))
        return frozenset(name for name in {*names, *words} if self.control_id(name) is not None)

    def _is_user_defined(self, name: str) -> bool:
        ids = self._ids(name.encode("utf-8", "replace"), special=True)
        return len(ids) == 1 and bool(llama_cpp.llama_vocab_get_attr(self.pointer, ids[0]) & _USER_DEFINED)

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token; empty for a control token."""
        length = self._piece(token, special=False)
        return self._buffer.raw[:length]

    def name(self, token: int) -> str:
        """Return the text of a token as the vocabulary names it."""
        length = self._piece(token, special=True)
        return self._buffer.raw[:length].decode("utf-8", "replace")

    def is_end(self, token: int) -> bool:
        """Return whether the token ends a generation."""
        return bool(llama_cpp.llama_vocab_is_eog(self.pointer, token))

    @cached_property
    def ends(self) -> frozenset[int]:
        """Every end-of-generation token."""
        is_end, pointer = llama_cpp.llama_vocab_is_eog, self.pointer
        return frozenset(token for token in range(self.size) if is_end(pointer, token))

    @property
    def bos(self) -> str | None:
        """Return the name of the token a prompt begins with; None where the vocabulary wants none."""
        token = llama_cpp.llama_vocab_bos(self.pointer)
        wanted = token != _NONE and llama_cpp.llama_vocab_get_add_bos(self.pointer)
        return self.name(token) if wanted else None

    @property
    def eos(self) -> str:
        """Return the name of the end-of-text token, or the empty string."""
        token = llama_cpp.llama_vocab_eos(self.pointer)
        return "" if token == _NONE else self.name(token)

    def _piece(self, token: int, *, special: bool) -> int:
        """Write a token's bytes into the buffer, which grows when it is too small, and return their number."""
        size = len(self._buffer)
        length = llama_cpp.llama_token_to_piece(self.pointer, token, self._buffer, size, 0, special)
        if length < 0:
            self._buffer = ctypes.create_string_buffer(-length)
            length = llama_cpp.llama_token_to_piece(self.pointer, token, self._buffer, -length, 0, special)
        return int(length)

    def _ids(self, data: bytes, *, special: bool) -> list[int]:
        capacity = len(data) + 8
        tokens = (llama_cpp.llama_token * capacity)()
        count = llama_cpp.llama_tokenize(self.pointer, data, len(data), tokens, capacity, False, special)
        if count < 0:
            capacity = -count
            tokens = (llama_cpp.llama_token * capacity)()
            count = llama_cpp.llama_tokenize(self.pointer, data, len(data), tokens, capacity, False, special)
        if count < 0:
            raise PromptError("the prompt is too long to be read")
        return list(tokens[:count])
