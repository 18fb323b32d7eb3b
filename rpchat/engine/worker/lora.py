"""LoRA adapters on a loaded model."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import llama_cpp

from rpchat.engine.settings import LoraFile
from rpchat.errors import ModelError
from rpchat.story.text import one_line


class Adapters:
    """The adapters of one model, loaded once; how strongly each counts can be changed at any time."""

    def __init__(self, model: llama_cpp.llama_model_p, files: Sequence[LoraFile]) -> None:
        """Load them; they live as long as the model. Raises ModelError for a file that is none for this model."""
        self._adapters = [_load(model, Path(file.path).expanduser()) for file in files]

    def scale(self, context: llama_cpp.llama_context_p, files: Sequence[LoraFile]) -> None:
        """Let each count as its file now says: the files are those that were loaded, in their order.

        What `context` has read was read with the scales before. Raises ModelError.
        """
        if not self._adapters:
            return
        kind = llama_cpp.llama_adapter_lora_p_ctypes
        count = len(self._adapters)
        pointers = (kind * count)(*(ctypes.cast(adapter, kind) for adapter in self._adapters))
        scales = (ctypes.c_float * count)(*(file.scale for file in files))
        if llama_cpp.llama_set_adapters_lora(context, pointers, count, scales) != 0:
            raise ModelError("the LoRA adapters cannot be put on this model")


def _load(model: llama_cpp.llama_model_p, path: Path) -> ctypes.c_void_p:
    if not path.is_file():
        raise ModelError(f"there is no LoRA {one_line(str(path))}")
    adapter: ctypes.c_void_p | None = llama_cpp.llama_adapter_lora_init(model, str(path).encode())
    # A file that does not fit gives a null pointer, which is not None.
    if not adapter:
        raise ModelError(f"{one_line(path.name)} is no LoRA for this model", "It must be made for the same base model.")
    return adapter
