"""What of a model decides how much memory it takes, read off its files' headers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rpchat.engine.gguf import Header, read_header

_BLOCK = re.compile(r"blk\.(\d+)\.")
_PART = re.compile(r"^(?P<name>.+)-00001-of-(?P<count>\d{5})$")
_INPUT, _OUTPUT = "token_embd", "output.weight"
_MOST_PARTS = 999

# Every so many layers one looks at the whole context; the others have a sliding window.
_WHOLE_EVERY = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "cohere2": 4, "gpt-oss": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: what its weights take, and what it keeps of what was read."""

    weights: int
    """Bytes."""
    key_elements: int
    """Elements of the K cache for one token; with the V cache's, 0 in a layer without attention."""
    value_elements: int
    windowed: bool
    """Whether it looks through the sliding window only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """The sizes of a model. Bytes unless it says otherwise."""

    name: str
    """The file's name."""
    layers: tuple[Layer, ...]
    input_weights: int
    """The table of token embeddings, which llama.cpp always keeps in the host's memory."""
    output_weights: int
    """What comes behind the last layer, which is the first to go to a device."""
    tied: bool
    """Whether the output is computed with the input's table, which a device has a copy of then."""
    context: int
    """The context it was trained with, in tokens; 0 where it is not told."""
    vocabulary: int
    """Tokens."""
    width: int
    """Numbers that pass from layer to layer for one token."""
    heads: int
    inner: int
    """The widest of the numbers inside a layer for one token."""
    window: int
    """Tokens of the sliding window; 0 without one."""
    state: int
    """What one sequence's recurrent state takes, all layers together; 0 without one."""
    blocked_heads: bool
    """Whether the width of a head is a multiple of 32, as a quantised KV cache wants it."""

    @property
    def weights(self) -> int:
        """Return what all weights take."""
        return self.input_weights + self.output_weights + sum(layer.weights for layer in self.layers)


def read_shape(path: Path) -> ModelShape:
    """Read the sizes of a model, from all its files where it is split. Raises ModelError."""
    return shape_of([read_header(part) for part in parts_of(path)])


def parts_of(path: Path) -> list[Path]:
    """Return all files of a model by its first one; a file that is not the first of several is alone."""
    found = _PART.match(path.stem)
    if found is None or int(found["count"]) > _MOST_PARTS:
        return [path]
    count = found["count"]
    return [path.with_name(f"{found['name']}-{part:05d}-of-{count}{path.suffix}") for part in range(1, int(count) + 1)]


def shape_of(headers: Sequence[Header]) -> ModelShape:
    """Return the sizes of the model whose files have these headers, the first of them first."""
    first = headers[0]
    weights = defaultdict[int, int](int)
    outer = dict[str, int]()
    inner, experts = 0, max(1, first.number(f"{first.architecture}.expert_used_count", 1))
    for tensor in (tensor for header in headers for tensor in header.tensors):
        block = _BLOCK.match(tensor.name)
        if block is None:
            outer[tensor.name] = tensor.size
        else:
            weights[int(block[1])] += tensor.size
            # Experts lie side by side in a third dimension, and so many of them compute at once.
            inner = max(inner, max(tensor.dimensions[:2]) * (experts if len(tensor.dimensions) > 2 else 1))
    prefix, heads = first.architecture, _first_number(first, "attention.head_count")
    per_key, per_value = _head_widths(first, heads)
    return ModelShape(
        name=first.path.name,
        layers=_layers(first, weights, key=per_key, value=per_value),
        input_weights=sum(size for name, size in outer.items() if _INPUT in name),
        output_weights=sum(size for name, size in outer.items() if _INPUT not in name),
        tied=_OUTPUT not in outer,
        context=first.context_length,
        vocabulary=first.vocabulary_size,
        width=first.number(f"{prefix}.embedding_length"),
        heads=heads,
        inner=inner,
        window=first.number(f"{prefix}.attention.sliding_window"),
        state=_state(first, len(weights)),
        blocked_heads=per_key % 32 == 0 and per_value % 32 == 0,
    )


def _layers(header: Header, weights: dict[int, int], *, key: int, value: int) -> tuple[Layer, ...]:
    told = max(0, header.number(f"{header.architecture}.block_count"))
    every = _WHOLE_EVERY.get(header.architecture, 0)
    pattern = header.arrays.get(f"{header.architecture}.attention.sliding_window_pattern", ())
    heads = _kv_heads(header)
    layers = []
    for index in range(min(told, len(weights)) or len(weights)):
        windowed = bool(pattern[index]) if index < len(pattern) else bool(every and index % every < every - 1)
        count = heads[index] if index < len(heads) else heads[-1]
        layers.append(
            Layer(weights=weights[index], key_elements=count * key, value_elements=count * value, windowed=windowed)
        )
    return tuple(layers)


def _kv_heads(header: Header) -> Sequence[int]:
    """Return the heads of the KV cache, one number a layer or one for all."""
    key = f"{header.architecture}.attention.head_count_kv"
    if header.arrays.get(key):
        return [max(0, int(count)) for count in header.arrays[key]]
    return [max(0, header.number(key, _first_number(header, "attention.head_count")))]


def _head_widths(header: Header, heads: int) -> tuple[int, int]:
    prefix = header.architecture
    width = header.number(f"{prefix}.embedding_length") // heads if heads else 0
    key = header.number(f"{prefix}.attention.key_length", width)
    return max(0, key), max(0, header.number(f"{prefix}.attention.value_length", width))


def _first_number(header: Header, name: str) -> int:
    """Return a number that is one for the whole model, or the largest of one a layer."""
    key = f"{header.architecture}.{name}"
    per_layer = header.arrays.get(key)
    return max(0, int(max(per_layer)) if per_layer else header.number(key))


def _state(header: Header, layers: int) -> int:
    """Return the bytes of one sequence's state-space memory: the last inputs and the state, as 32-bit numbers."""
    prefix = f"{header.architecture}.ssm"
    kernel, inner = header.number(f"{prefix}.conv_kernel"), header.number(f"{prefix}.inner_size")
    state, groups = header.number(f"{prefix}.state_size"), header.number(f"{prefix}.group_count")
    heads = header.arrays.get(f"{header.architecture}.attention.head_count_kv")
    recurrent = sum(1 for count in heads if not count) if heads else layers
    numbers = max(0, kernel - 1) * (inner + 2 * groups * state) + state * inner
    return max(0, recurrent * numbers * 4)
