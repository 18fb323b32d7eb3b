"""How a model is loaded, as the user may say it under `engine:` in the config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, MinLen

CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFile:
    """A LoRA adapter in a GGUF file of its own, and how strongly it counts."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    path: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How a model is loaded; the names are llama.cpp's own. 0 or empty means: found out.

    What is set is kept as long as memory holds it; where it does not, `fit` says what is done instead.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    n_ctx: Annotated[int, Ge(0)] = 0
    """Context in tokens; 0 takes the model's own, at most 8192, and less where memory holds no more."""
    n_gpu_layers: Annotated[int, Ge(-1)] = -1
    """Layers on the GPU, the output counted as one; -1 is as many as fit. Without a GPU it changes nothing."""
    split_mode: Literal["none", "layer", "row"] = "layer"
    """How several GPUs share a model: only the main one, whole layers, or rows of each tensor."""
    main_gpu: Annotated[int, Ge(0)] = 0
    """The GPU that has everything where nothing is split, counted from 0."""
    tensor_split: tuple[Annotated[float, Ge(0)], ...] = ()
    """The share of each GPU; empty shares by their free memory."""
    offload_kqv: bool = True
    """Whether a layer on the GPU has its KV cache there."""
    flash_attn: Literal["auto", "on", "off"] = "auto"
    """A quantised V cache needs it. By itself it is on where a GPU computes it."""
    type_k: CacheType = "f16"
    type_v: CacheType = "f16"
    n_threads: Annotated[int, Ge(0)] = 0
    n_threads_batch: Annotated[int, Ge(0)] = 0
    n_batch: Annotated[int, Ge(8)] = 512
    """Most tokens evaluated at once: at least one for each sequence of the cache, or llama.cpp aborts."""
    n_spare: Annotated[int, Ge(0)] = 0
    """Tokens the KV cache holds beside one prompt and its reply, for other branches and for what is read ahead."""
    cache_ram: Annotated[int, Ge(-1)] = -1
    """Mebibytes of memory for prompts the KV cache has no room for any more: other members', other branches'. They are
    copied there and back. -1 is half of what is free beside the model, none with RPC servers; 0 is none."""
    shift: bool = True
    """When old turns are left out, move what stands behind them instead of reading it again, where the model can. It
    was read with what was left out, so the next words differ slightly."""
    swa_full: bool = True
    """Keep every token also where the model looks only through a sliding window; without it, memory is saved and
    more is read again."""
    use_mmap: bool = True
    use_mlock: bool = False
    memory_limit_mb: Annotated[int, Ge(0)] = 0
    """Megabytes of address space the engine's process may take; 0 is no limit. Not on Windows."""
    rpc_servers: tuple[Annotated[str, MinLen(3)], ...] = ()
    """llama.cpp's RPC servers, each as `host:port`; their devices are used like GPUs of this machine."""
    lora: tuple[LoraFile, ...] = ()
    """Adapters put on the model, all at once."""

    @property
    def cells(self) -> int:
        """How many tokens the KV cache holds, of all prompts together."""
        return self.n_ctx + self.n_spare
