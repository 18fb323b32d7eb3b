"""The header of a GGUF file, read without llama.cpp: what it says, and whether the file can be whole.

llama.cpp aborts the process on some malformed files; walking the header first tells most of them apart in one line.
Only the metadata and the list of tensors are read, through a memory map; nothing in a file makes this read or allocate
more than the file is long.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from rpchat.errors import ModelError
from rpchat.story.text import one_line

Scalar = bool | int | float | str

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MOST_ENTRIES = 1 << 16
_MOST_TENSORS = 1 << 16
_MOST_DIMENSIONS = 4
_LONGEST_KEY = 1 << 16
_KEPT_ARRAY = 4096
"""Number arrays up to this length are kept: they hold one value a layer. Longer ones belong to the vocabulary."""

_STRING, _ARRAY = 8, 9
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}

# Tensor types: (elements in a block, bytes of a block).
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip

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
    tensors: int
    parameters: int
    size: int
    """Bytes of the weights in this file."""

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
    label = one_line(path.name)
    try:
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                raise ModelError(f"{label} is not a GGUF file", "Models for llama.cpp are GGUF files.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _read(path, label, data)
    except FileNotFoundError:
        raise ModelError(f"there is no model file {one_line(str(path), 200)}") from None
    except IsADirectoryError:
        raise ModelError(f"{label} is a folder, not a GGUF file") from None
    except OSError as error:
        raise ModelError(f"{label} cannot be read: {one_line(error.strerror or str(error))}") from error


def _read(path: Path, label: str, data: mmap.mmap) -> Header:
    try:
        return _walk(path, label, data)
    except (struct.error, IndexError, OverflowError):
        raise ModelError(f"{label} is truncated: it ends within its header", _AGAIN) from None


_AGAIN = "Download it again."


def _walk(path: Path, label: str, data: mmap.mmap) -> Header:
    version, tensors, entries = struct.unpack_from("<IQQ", data, 4)
    if version not in _VERSIONS:
        raise ModelError(f"{label} is GGUF version {version}, which is not supported")
    if tensors > _MOST_TENSORS or entries > _MOST_ENTRIES:
        raise ModelError(f"{label} is damaged: its header counts {tensors} tensors and {entries} entries", _AGAIN)
    cursor = _Cursor(data, label)
    metadata: dict[str, Scalar] = {}
    arrays: dict[str, tuple[float, ...]] = {}
    for _ in range(entries):
        key = cursor.text(_LONGEST_KEY)
        value = cursor.value()
        if isinstance(value, tuple):
            arrays[key] = value
        elif value is not None:
            metadata[key] = value
    parameters, end = _tensors(cursor, tensors)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment <= 0 or alignment % 8:
        raise ModelError(f"{label} is damaged: its alignment is {one_line(str(alignment))}", _AGAIN)
    start = -(-cursor.at // alignment) * alignment
    if start + end > len(data):
        raise ModelError(f"{label} is truncated: {len(data):,} bytes of at least {start + end:,}", _AGAIN)
    return Header(
        path=path, metadata=metadata, arrays=arrays, tensors=tensors, parameters=parameters, size=len(data) - start
    )


def _tensors(cursor: _Cursor, count: int) -> tuple[int, int]:
    """Return the number of parameters, and where the last tensor ends behind the start of the data."""
    parameters, end = 0, 0
    for _ in range(count):
        cursor.text(_LONGEST_KEY)
        dimensions = cursor.number("<I")
        if not 0 < dimensions <= _MOST_DIMENSIONS:
            raise cursor.damaged(f"a tensor of {dimensions} dimensions")
        elements = prod(cursor.number("<Q") for _ in range(dimensions))
        kind, offset = cursor.number("<I"), cursor.number("<Q")
        block, size = _BLOCKS.get(kind, (1, 0))
        parameters += elements
        end = max(end, offset + elements // block * size)
    return parameters, end


class _Cursor:
    """A place in the header that moves on as it is read. Reading past the end raises IndexError or struct.error."""

    def __init__(self, data: mmap.mmap, label: str) -> None:
        self._data = data
        self._label = label
        self.at = 24

    def damaged(self, what: str) -> ModelError:
        """Return the error for a header that says something impossible."""
        return ModelError(f"{self._label} is damaged: its header holds {what}", _AGAIN)

    def number(self, form: str) -> int:
        """Read one number in `struct`'s form."""
        value: int = struct.unpack_from(form, self._data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def text(self, limit: int | None = None) -> str:
        """Read one string, of at most `limit` bytes."""
        length = self.number("<Q")
        if limit is not None and length > limit:
            raise self.damaged("a name of impossible length")
        return self._take(length).decode("utf-8", "replace")

    def value(self) -> Scalar | tuple[float, ...] | None:
        """Read one value of the metadata: a scalar, a short array of numbers, or None for any other array."""
        kind = self.number("<I")
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _NUMBERS:
            raise self.damaged(f"a value of the unknown type {kind}")
        return self.number(_NUMBERS[kind])

    def _take(self, length: int) -> bytes:
        if length > len(self._data) - self.at:
            raise IndexError(length)
        self.at += length
        return self._data[self.at - length : self.at]

    def _array(self) -> tuple[float, ...] | None:
        kind, count = self.number("<I"), self.number("<Q")
        if kind == _STRING:
            self._pass_strings(count)
            return None
        if kind not in _NUMBERS:
            raise self.damaged(f"a list of the unknown type {kind}")
        form = _NUMBERS[kind]
        raw_size = count * struct.calcsize(form)
        if count > _KEPT_ARRAY:
            if raw_size > len(self._data) - self.at:
                raise IndexError(raw_size)
            self.at += raw_size
            return None
        return struct.unpack(f"<{count}{form[1]}", self._take(raw_size))

    def _pass_strings(self, count: int) -> None:
        """Step over a vocabulary: hundreds of thousands of strings, so the loop is bare."""
        data, at, length_at = self._data, self.at, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length_at(data, at)[0]
        if at > len(data):
            raise IndexError(at)
        self.at = at
