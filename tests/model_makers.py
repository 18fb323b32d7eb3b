"""Model files that are whole to whoever reads their headers: real metadata and tensors, and nothing in the weights.

The weights are a hole in the file, so a model of gigabytes takes a few kilobytes of disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

BILLION = 1_000_000_000
_TOKENS = ("<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁a", "▁b")


def write_model(
    path: Path,
    *,
    name: str = "",
    architecture: str = "llama",
    parameters: int = 0,
    context: int = 4096,
    template: str = "",
    kind: str = "",
    file_type: int = 15,
    tokens: Sequence[str] = (),
    layers: int = 4,
    vocabulary: tuple[str, str, int] = ("llama", "", 0),
) -> Path:
    """Write a model with about so many parameters in Q4_K at `path`, its folder with it. `kind` is `general.type`;
    `vocabulary` is its model, its pre-tokenizer and how many tokens it has at least."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    if kind:
        writer.add_type(kind)
    if name:
        writer.add_name(name)
    writer.add_file_type(file_type)
    width = 256
    _shape(writer, context=context, width=width, layers=layers)
    tokenizer, pre, count = vocabulary
    spellings = [*_TOKENS, *tokens]
    others = [f"<other {number}>" for number in range(count - len(spellings))]
    spellings += others
    writer.add_tokenizer_model(tokenizer)
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(spellings)
    writer.add_token_types([3] * 3 + [6] * 256 + [1] * 2 + [3] * len(tokens) + [1] * len(others))
    if template:
        writer.add_chat_template(template)
    sizes = {"token_embd.weight": len(spellings)}
    rows = max(1, parameters // width // layers)
    sizes |= {f"blk.{layer}.ffn_up.weight": rows for layer in range(layers)}
    total = 0
    for tensor, count in sizes.items():
        size = count * width * 144 // 256
        writer.add_tensor_info(
            tensor, (count, width * 144 // 256), np.dtype(np.uint8), size, raw_dtype=gguf.GGMLQuantizationType.Q4_K
        )
        total += -(-size // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    begin = -(-path.stat().st_size // 32) * 32
    with path.open("r+b") as file:
        file.truncate(begin + total)
    return path


def _shape(writer: gguf.GGUFWriter, *, context: int, width: int, layers: int) -> None:
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(width * 4)
    writer.add_head_count(8)
    writer.add_head_count_kv(2)
