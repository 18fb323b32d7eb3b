"""The header of a GGUF file, read without llama.cpp: what it says, and whether the file can be whole.

llama.cpp aborts the process on some malformed files; walking the header first tells most of them apart in one line.
Only the metadata and the list of tensors are read, through a memory map, within the bounds of `cursor`. The vocabulary
is stepped over; single tokens are looked up in it when somebody asks.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rpchat.engine.cursor import AGAIN, Cursor, Scalar, Span
from rpchat.engine.tensors import Tensor, read_tensors
from rpchat.errors import ModelError
from rpchat.story.text import one_line

TokenKind = Literal["normal", "unknown", "control", "user-defined", "unused", "byte"]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_HEAD = 24
"""Bytes of magic, version and the two counts."""
_MOST_ENTRIES = 1 << 16
_MOST_TENSORS = 1 << 16
_LONGEST_NAME = 1 << 16
_TOKENS, _TOKEN_KINDS = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"
_KINDS: dict[float | None, TokenKind] = {2: "unknown", 3: "control", 4: "user-defined", 5: "unused", 6: "byte"}

# `general.file_type`: how most of the weights are quantised.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS",
    20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M",
    28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header of a GGUF says."""

    path: Path
    metadata: Mapping[str, Scalar]
    """Every entry that is one value."""
    arrays: Mapping[str, tuple[float, ...]]
    """Short arrays of numbers: one value a layer."""
    vocabulary: Mapping[str, Span]
    """Where the lists of the vocabulary stand in the file, by their keys."""
    tensors: tuple[Tensor, ...]
    """Those of this file; a model that was split has more in its other files."""
    size: int
    """Bytes of the weights in this file."""

    @property
    def parameters(self) -> int:
        """Return the number of weights in this file."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def absolute_path(self) -> str:
        """Return the path for a process that may stand in another folder."""
        return str(self.path.absolute())

    @property
    def architecture(self) -> str:
        """Return llama.cpp's name of the architecture, such as `llama`."""
        return self.text("general.architecture")

    @property
    def name(self) -> str:
        """Return `general.name`, or the file's stem."""
        return one_line(self.text("general.name")) or one_line(self.path.stem)

    @property
    def quantisation(self) -> str:
        """Return how most weights are stored, such as `Q4_K_M`; empty where it is not told."""
        return _FILE_TYPES.get(self.number("general.file_type", -1), "")

    @property
    def chat_template(self) -> str:
        """Return the Jinja template, or the empty string."""
        return self.text("tokenizer.chat_template")

    @property
    def vocabulary_model(self) -> str:
        """Return how the vocabulary cuts text: `llama` (SentencePiece), `gpt2` (byte pairs) …; empty: not told."""
        return one_line(self.text("tokenizer.ggml.model"))

    @property
    def pre_tokenizer(self) -> str:
        """Return llama.cpp's name of the rules that cut text before byte pairs are merged, such as `tekken`."""
        return one_line(self.text("tokenizer.ggml.pre"))

    @property
    def vocabulary_size(self) -> int:
        """Return the number of tokens."""
        span = self.vocabulary.get(_TOKENS)
        return span.count if span is not None else 0

    @property
    def context_length(self) -> int:
        """Return the context the model was trained with, in tokens; 0 where it is not told."""
        return max(0, self.number(f"{self.architecture}.context_length"))

    def text(self, key: str) -> str:
        """Return a string of the metadata, or the empty string."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number of the metadata, or `default`."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) else default

    def cache_elements(self) -> tuple[int, int]:
        """Return how many elements one token takes in the K and in the V cache, all layers together.

        (0, 0) where the header does not tell.
        """
        prefix = self.architecture
        heads, width = self.number(f"{prefix}.attention.head_count"), self.number(f"{prefix}.embedding_length")
        layers = self.number(f"{prefix}.block_count")
        per_layer = self.arrays.get(f"{prefix}.attention.head_count_kv")
        all_heads = (
            int(sum(per_layer))
            if per_layer is not None
            else layers * self.number(f"{prefix}.attention.head_count_kv", heads)
        )
        head_width = width // heads if heads > 0 else 0
        key = self.number(f"{prefix}.attention.key_length", head_width)
        value = self.number(f"{prefix}.attention.value_length", head_width)
        return max(0, all_heads * key), max(0, all_heads * value)


def read_header(path: Path) -> Header:
    """Read the header of `path`. Raises ModelError: missing, not a GGUF, of another version, damaged or truncated."""
    with _mapped(path) as (label, data):
        return _walk(path, label, data)


def token_kinds(header: Header, names: Collection[str]) -> dict[str, TokenKind]:
    """Return which of `names` are one token each in the vocabulary, and of which kind.

    The file is read again, the memory taken does not depend on it. A kind the file does not tell is `normal`. Raises
    ModelError if the file is gone or has changed.
    """
    tokens, kinds = header.vocabulary.get(_TOKENS), header.vocabulary.get(_TOKEN_KINDS)
    if tokens is None or not names:
        return {}
    wanted = {name.encode(): name for name in names}
    found: dict[str, TokenKind] = {}
    with _mapped(header.path) as (_, data):
        for index, spelling in tokens.strings(data, frozenset(map(len, wanted))):
            if spelling in wanted:
                number = kinds.number(data, index) if kinds is not None else None
                found[wanted[spelling]] = _KINDS.get(number, "normal")
    return found


@contextmanager
def _mapped(path: Path) -> Iterator[tuple[str, mmap.mmap]]:
    """Open a GGUF file as (the name it is called by in errors, its bytes); ModelError for all that goes wrong in it."""
    label = one_line(path.name)
    try:
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                raise ModelError(f"{label} is not a GGUF file", "Models for llama.cpp are GGUF files.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield label, data
    except FileNotFoundError:
        raise ModelError(f"there is no model file {one_line(str(path), 200)}") from None
    except IsADirectoryError:
        raise ModelError(f"{label} is a folder, not a GGUF file") from None
    except OSError as error:
        raise ModelError(f"{label} cannot be read: {one_line(error.strerror or str(error))}") from error
    except (struct.error, IndexError, OverflowError):
        raise ModelError(f"{label} is truncated: it ends within its header", AGAIN) from None


def _walk(path: Path, label: str, data: mmap.mmap) -> Header:
    version, count, entries = struct.unpack_from("<IQQ", data, 4)
    if version not in _VERSIONS:
        raise ModelError(f"{label} is GGUF version {version}, which is not supported")
    if count > _MOST_TENSORS or entries > _MOST_ENTRIES:
        raise ModelError(f"{label} is damaged: its header counts {count} tensors and {entries} entries", AGAIN)
    cursor = Cursor(data, label, at=_HEAD)
    metadata: dict[str, Scalar] = {}
    arrays: dict[str, tuple[float, ...]] = {}
    vocabulary: dict[str, Span] = {}
    for _ in range(entries):
        key = cursor.name(_LONGEST_NAME)
        value = cursor.value(keep_list=key != _TOKEN_KINDS)
        if isinstance(value, tuple):
            arrays[key] = value
        elif not isinstance(value, Span | None):
            metadata[key] = value
        elif value is not None and key in (_TOKENS, _TOKEN_KINDS):
            vocabulary[key] = value
    tensors = read_tensors(cursor, count)
    end = max((tensor.offset + tensor.size for tensor in tensors), default=0)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment <= 0 or alignment % 8:
        raise ModelError(f"{label} is damaged: its alignment is {one_line(str(alignment))}", AGAIN)
    start = -(-cursor.at // alignment) * alignment
    if start + end > len(data):
        raise ModelError(f"{label} is truncated: {len(data):,} bytes of at least {start + end:,}", AGAIN)
    return Header(
        path=path,
        metadata=metadata,
        arrays=arrays,
        vocabulary=vocabulary,
        tensors=tensors,
        size=len(data) - start,
    )
