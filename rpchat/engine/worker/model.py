"""Loading a model file into llama.cpp, and what is known of it then."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import llama_cpp

from rpchat.engine.needs import SEQUENCES, flash_attention, ubatch_of
from rpchat.engine.port import Device, ModelInfo
from rpchat.engine.settings import EngineSettings, LoraFile
from rpchat.engine.shortage import ShortageError
from rpchat.engine.worker.cache import ON_A_CPU, ON_A_GPU, Cache
from rpchat.engine.worker.decode import Decoder
from rpchat.engine.worker.devices import devices, features, threads
from rpchat.engine.worker.flag import CancelFlag
from rpchat.engine.worker.governor import Governor
from rpchat.engine.worker.log import LibraryLog
from rpchat.engine.worker.lora import Adapters
from rpchat.engine.worker.memory import LlamaMemory, kind_of
from rpchat.engine.worker.vocabulary import Vocabulary
from rpchat.errors import ModelError
from rpchat.story.text import one_line

_SPLIT_MODES = {
    "none": llama_cpp.LLAMA_SPLIT_MODE_NONE,
    "layer": llama_cpp.LLAMA_SPLIT_MODE_LAYER,
    "row": llama_cpp.LLAMA_SPLIT_MODE_ROW,
}
_FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}
_CACHE_TYPES = {
    "f32": llama_cpp.GGML_TYPE_F32, "f16": llama_cpp.GGML_TYPE_F16, "bf16": 30, "q8_0": llama_cpp.GGML_TYPE_Q8_0,
    "q5_1": llama_cpp.GGML_TYPE_Q5_1, "q5_0": llama_cpp.GGML_TYPE_Q5_0, "q4_1": llama_cpp.GGML_TYPE_Q4_1,
    "q4_0": llama_cpp.GGML_TYPE_Q4_0,
}  # fmt: skip
_CPU_SLICE = 128
_WARM_UP_TOKENS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be loaded. In the settings nothing is left to be found out but the threads."""

    path: Path
    settings: EngineSettings
    n_prompts: int = 1
    """How many prompts can be kept read with them."""
    controls: tuple[str, ...]
    safe_mode: bool
    warm_up: bool


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model with its context."""

    info: ModelInfo
    vocabulary: Vocabulary
    decoder: Decoder
    adapters: Adapters

    def scale(self, files: Sequence[LoraFile]) -> None:
        """Let the adapters it was loaded with count otherwise. What was read with them as they were is forgotten."""
        self.adapters.scale(self.decoder.context, files)
        self.decoder.cache.clear()


def load(order: Order, *, log: LibraryLog, tell: Callable[[str, int], None], flag: CancelFlag) -> Model:
    """Load the model and make its context. Raises ModelError.

    `tell` hears `loading` with the thousandths done, and `warming` with the number of tokens before the warm-up.
    """
    here = devices()
    offloads = order.settings.n_gpu_layers != 0 and any(device.kind in ("gpu", "igpu") for device in here)
    pointer = _load_weights(order, log, lambda done: tell("loading", done))
    count = order.settings.n_threads or threads()
    adapters = Adapters(pointer, order.settings.lora)
    context = _make_context(pointer, order, count, offloads=offloads, log=log)
    adapters.scale(context, order.settings.lora)
    vocabulary = Vocabulary(pointer)
    kind, window = kind_of(pointer, swa_full=order.settings.swa_full)
    memory = LlamaMemory(
        context, kind=kind, window=window, type_k=order.settings.type_k,
        architecture=_metadata(pointer, "general.architecture"),
    )  # fmt: skip
    cells = int(llama_cpp.llama_n_ctx(context))
    n_ctx = cells - order.settings.n_spare
    batch = order.settings.n_batch
    decoder = Decoder(
        context=context,
        vocabulary=vocabulary,
        cache=Cache(
            memory,
            sequences=SEQUENCES,
            cells=cells,
            shift=order.settings.shift,
            aside=order.settings.cache_ram << 20,
            parks=ON_A_GPU if offloads else ON_A_CPU,
        ),
        n_ctx=n_ctx,
        n_batch=batch,
        least_slice=batch if offloads else _CPU_SLICE,
        flag=flag,
        governor=None if order.settings.n_threads or order.settings.n_threads_batch else Governor(count),
    )
    if order.warm_up:
        tokens = min(_WARM_UP_TOKENS, batch, n_ctx)
        tell("warming", tokens)
        decoder.warm_up(tokens)
    info = describe(pointer, vocabulary, order=order, here=here, n_ctx=n_ctx, threads_used=count, offloaded=offloads)
    info = replace(info, can_shift=memory.can_shift, n_prompts=order.n_prompts)
    return Model(info, vocabulary, decoder, adapters)


def inspect(path: Path, *, controls: tuple[str, ...], log: LibraryLog) -> ModelInfo:
    """Return what the header and the vocabulary of a file say, without loading weights. Raises ModelError."""
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    pointer = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not pointer:
        raise ModelError(f"{one_line(path.name)} cannot be loaded{_because(log)}")
    order = Order(
        path=path,
        settings=EngineSettings(),
        controls=controls,
        safe_mode=False,
        warm_up=False,
    )
    vocabulary = Vocabulary(pointer)
    return describe(pointer, vocabulary, order=order, here=devices(), n_ctx=0, threads_used=threads(), offloaded=False)


def describe(
    pointer: llama_cpp.llama_model_p,
    vocabulary: Vocabulary,
    *,
    order: Order,
    here: tuple[Device, ...],
    n_ctx: int,
    threads_used: int,
    offloaded: bool,
) -> ModelInfo:
    """Return the facts of a model, except its metadata, which the parent reads from the header."""
    template = llama_cpp.llama_model_chat_template(pointer, None)
    chat_template = template.decode("utf-8", "replace") if template else ""
    return ModelInfo(
        path=order.path,
        name=one_line(_metadata(pointer, "general.name")) or one_line(order.path.stem),
        architecture=one_line(_metadata(pointer, "general.architecture")),
        description=_description(pointer),
        size=int(llama_cpp.llama_model_size(pointer)),
        parameters=int(llama_cpp.llama_model_n_params(pointer)),
        n_ctx=n_ctx,
        n_ctx_train=int(llama_cpp.llama_model_n_ctx_train(pointer)),
        n_vocab=vocabulary.size,
        chat_template=chat_template,
        bos=vocabulary.bos,
        eos=vocabulary.eos,
        controls=vocabulary.controls_among(order.controls, template=chat_template),
        metadata={},
        devices=here,
        offloaded=offloaded,
        threads=threads_used,
        memory=kind_of(pointer, swa_full=order.settings.swa_full)[0],
        safe_mode=order.safe_mode,
        library=llama_cpp.__version__,
        features=features(),
    )


def _load_weights(order: Order, log: LibraryLog, progress: Callable[[int], None]) -> llama_cpp.llama_model_p:
    settings = order.settings
    parameters = llama_cpp.llama_model_default_params()
    parameters.n_gpu_layers = settings.n_gpu_layers
    parameters.split_mode = _SPLIT_MODES[settings.split_mode]
    parameters.main_gpu = settings.main_gpu
    parameters.load_mode = _load_mode(settings)
    parameters.use_extra_bufts = not order.safe_mode
    shares = (ctypes.c_float * int(llama_cpp.llama_max_devices()))()
    if settings.tensor_split:
        if len(settings.tensor_split) > len(shares):
            raise ModelError(f"tensor_split names {len(settings.tensor_split)} devices of {len(shares)}")
        shares[: len(settings.tensor_split)] = list(settings.tensor_split)
        parameters.tensor_split = shares

    def advance(part: float, _data: object) -> bool:
        progress(round(part * 1000))
        return True

    callback = llama_cpp.llama_progress_callback(advance)
    parameters.progress_callback = callback
    pointer: llama_cpp.llama_model_p | None = llama_cpp.llama_model_load_from_file(str(order.path).encode(), parameters)
    if not pointer:
        kind = ShortageError if log.tells_shortage else ModelError
        raise kind(f"{one_line(order.path.name)} cannot be loaded{_because(log)}")
    return pointer


def _load_mode(settings: EngineSettings) -> int:
    if settings.use_mmap:
        return llama_cpp.LLAMA_LOAD_MODE_MMAP_MLOCK if settings.use_mlock else llama_cpp.LLAMA_LOAD_MODE_AUTO
    return llama_cpp.LLAMA_LOAD_MODE_MLOCK if settings.use_mlock else llama_cpp.LLAMA_LOAD_MODE_NONE


def _make_context(
    pointer: llama_cpp.llama_model_p, order: Order, thread_count: int, *, offloads: bool, log: LibraryLog
) -> llama_cpp.llama_context_p:
    parameters = _context_parameters(order.settings, thread_count, offloads=offloads)
    context: llama_cpp.llama_context_p | None = llama_cpp.llama_init_from_model(pointer, parameters)
    if not context:
        kind = ShortageError if log.tells_shortage else ModelError
        raise kind(f"a context of {order.settings.n_ctx} tokens cannot be made{_because(log)}", "Set a smaller n_ctx.")
    return context


def _context_parameters(
    settings: EngineSettings, thread_count: int, *, offloads: bool
) -> llama_cpp.llama_context_params:
    parameters: llama_cpp.llama_context_params = llama_cpp.llama_context_default_params()
    parameters.n_ctx = settings.cells
    parameters.n_seq_max = SEQUENCES
    # Logits are asked for one token of a sequence: room for those of a whole batch would be most of what is taken.
    parameters.n_outputs_max = SEQUENCES
    parameters.kv_unified = True
    parameters.swa_full = settings.swa_full
    parameters.n_batch = settings.n_batch
    parameters.n_ubatch = ubatch_of(settings)
    parameters.n_threads = thread_count
    parameters.n_threads_batch = settings.n_threads_batch or thread_count
    parameters.flash_attn_type = _FLASH_ATTENTION[flash_attention(settings, offloads=offloads)]
    parameters.offload_kqv = settings.offload_kqv
    parameters.type_k = _CACHE_TYPES[settings.type_k]
    parameters.type_v = _CACHE_TYPES[settings.type_v]
    return parameters


def _because(log: LibraryLog) -> str:
    return f": {one_line(log.first_error, 200)}" if log.first_error else ""


def _metadata(pointer: llama_cpp.llama_model_p, key: str) -> str:
    buffer = ctypes.create_string_buffer(256)
    length = llama_cpp.llama_model_meta_val_str(pointer, key.encode(), buffer, len(buffer))
    return buffer.value.decode("utf-8", "replace") if length >= 0 else ""


def _description(pointer: llama_cpp.llama_model_p) -> str:
    buffer = ctypes.create_string_buffer(256)
    llama_cpp.llama_model_desc(pointer, buffer, len(buffer))
    return one_line(buffer.value.decode("utf-8", "replace"))
