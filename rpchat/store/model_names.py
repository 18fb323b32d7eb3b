"""What the name of a model file says of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

NotAModel = Literal["projector", "adapter", "matrix"]
"""GGUF files that are no models by themselves: the eyes of a model that sees, a LoRA, notes for the quantiser."""

_PART = re.compile(r"-(\d{5})-of-(\d{5})$")
_QUANTISATION = re.compile(
    r"(?:^|[-_.])((?:UD-)?(?:I?Q[1-8](?:_[0-9A-Z]+)*|TQ[12]_0|BF16|F16|F32|FP16|MXFP4(?:_[A-Z]+)?))(?=$|[-_.])",
    re.IGNORECASE,
)
_NOT_MODELS: tuple[tuple[NotAModel, re.Pattern[str]], ...] = (
    ("projector", re.compile(r"mmproj", re.IGNORECASE)),
    ("adapter", re.compile(r"(?:^|[-_.])lora(?:$|[-_.])", re.IGNORECASE)),
    ("matrix", re.compile(r"(?:^|[-_.])imatrix(?:$|[-_.])", re.IGNORECASE)),
)


def stem_of(file_name: str) -> str:
    """Return the name without `.gguf`, in any case."""
    return file_name[:-5] if file_name.lower().endswith(".gguf") else file_name


def part_of(file_name: str) -> tuple[str, int, int] | None:
    """Return the common name, the number (from 1) and the count of a part of a split model; None if it is none."""
    found = _PART.search(stem_of(file_name))
    return (stem_of(file_name)[: found.start()], int(found[1]), int(found[2])) if found else None


def model_name(file_name: str) -> str:
    """Return what a model is called after its file: without its ending and without the number of its part."""
    part = part_of(file_name)
    return part[0] if part is not None else stem_of(file_name)


def quantisation_in(file_name: str) -> str:
    """Return the quantisation that the name tells, in capitals as in `Q4_K_M`; empty if it tells none."""
    found = _QUANTISATION.findall(model_name(file_name))
    return str(found[-1]).upper() if found else ""


def without_quantisation(name: str) -> str:
    """Return a model's name without the quantisation at its end, which a list tells beside it."""
    found = [match for match in _QUANTISATION.finditer(name) if match.end() == len(name)]
    return name[: found[-1].start()] or name if found else name


def not_a_model(file_name: str) -> NotAModel | None:
    """Return what a file is by its name, if that is not a model."""
    return next((kind for kind, pattern in _NOT_MODELS if pattern.search(model_name(file_name))), None)


def missing_parts(file_names: Iterable[str], *, count: int) -> list[int]:
    """Return the numbers of the parts of a split model of `count` files that are not among these."""
    there = {part[1] for name in file_names if (part := part_of(name)) is not None}
    return [number for number in range(1, count + 1) if number not in there]
