"""Whether a LoRA adapter was made for a model, told from the headers before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rpchat.engine.gguf import Header, read_header
from rpchat.engine.tensors import Tensor
from rpchat.errors import ModelError
from rpchat.story.text import one_line

_IN, _OUT = ".lora_a", ".lora_b"
_TABLE = "token_embd.weight"
_HINT = "It must be made for the same base model."


def check_lora(path: Path, base: Sequence[Header]) -> None:
    """Raise ModelError unless the file at `path` is a LoRA for the model whose files have the headers `base`."""
    if not path.is_file():
        raise ModelError(f"there is no LoRA {one_line(str(path), 200)}")
    lora = read_header(path)
    name = one_line(path.name)
    if lora.text("general.type") != "adapter" or lora.text("adapter.type") != "lora":
        raise ModelError(f"{name} is no LoRA for this model: it is no adapter", _HINT)
    if lora.architecture != base[0].architecture:
        made, this = one_line(lora.architecture, 40), one_line(base[0].architecture, 40)
        raise ModelError(f"{name} is no LoRA for this model: it was made for {made}, this is {this}", _HINT)
    shapes = {tensor.name: tensor for header in base for tensor in header.tensors}
    parts = {tensor.name: tensor for tensor in lora.tensors}
    for part in lora.tensors:
        reason = _misfit(part, parts, shapes)
        if reason:
            raise ModelError(f"{name} is no LoRA for this model: {reason}", _HINT)


def _misfit(part: Tensor, parts: dict[str, Tensor], shapes: dict[str, Tensor]) -> str:
    """Return why a tensor of an adapter does not go with the model; empty if it does, or is looked at elsewhere."""
    name = part.name.removesuffix(_IN)
    if name == part.name:
        alone = part.name.endswith(_OUT) and part.name.removesuffix(_OUT) + _IN not in parts
        return f"{one_line(part.name, 80)} has no other half" if alone else ""
    other, base = parts.get(name + _OUT), shapes.get(name)
    told = one_line(name, 80)
    if other is None:
        return f"{told} has no other half"
    if base is None:
        return f"the model has no {told}"
    if min(len(part.dimensions), len(other.dimensions)) < 2:
        return f"{told} is no matrix"
    # The table of embeddings is looked up, not multiplied: its halves are the other way round.
    given = (other.dimensions[1], part.dimensions[1]) if name == _TABLE else (part.dimensions[0], other.dimensions[1])
    if base.dimensions[:2] != given:
        return f"{told} is {_sizes(base.dimensions[:2])} in the model, {_sizes(given)} in the LoRA"
    return ""


def _sizes(dimensions: tuple[int, ...]) -> str:
    return "×".join(map(str, dimensions))
