"""The devices llama.cpp can compute on, and the threads and memory there are."""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import Literal

import llama_cpp
import psutil

from rpchat.engine.port import Device, Resources
from rpchat.engine.worker.ggml import ggml
from rpchat.engine.worker.limits import host_memory
from rpchat.story.text import one_line

Kind = Literal["cpu", "gpu", "igpu", "accel"]

_KINDS: tuple[Kind, ...] = ("cpu", "gpu", "igpu", "accel")


def resources() -> Resources:
    """Return what there is to load a model with, as it is now."""
    free, total = host_memory()
    unified = sys.platform == "darwin" and platform.machine() == "arm64"
    return Resources(free=free, total=total, threads=threads(), devices=devices(), unified=unified)


def devices() -> tuple[Device, ...]:
    """Return every device of this build, with its memory in bytes."""
    count, get = ggml.ggml_backend_dev_count, ggml.ggml_backend_dev_get
    count.restype, get.argtypes, get.restype = ctypes.c_size_t, [ctypes.c_size_t], ctypes.c_void_p
    return tuple(_device(get(index)) for index in range(count()))


def _device(pointer: int) -> Device:
    name, description = ggml.ggml_backend_dev_name, ggml.ggml_backend_dev_description
    kind, memory = ggml.ggml_backend_dev_type, ggml.ggml_backend_dev_memory
    for function in (name, description):
        function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_char_p
    kind.argtypes, kind.restype = [ctypes.c_void_p], ctypes.c_int
    size_pointer = ctypes.POINTER(ctypes.c_size_t)
    memory.argtypes, memory.restype = [ctypes.c_void_p, size_pointer, size_pointer], None
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    memory(pointer, ctypes.byref(free), ctypes.byref(total))
    number = kind(pointer)
    return Device(
        name=one_line(name(pointer).decode("utf-8", "replace")),
        description=one_line(description(pointer).decode("utf-8", "replace")),
        kind=_KINDS[number] if 0 <= number < len(_KINDS) else "accel",
        free=free.value,
        total=total.value,
    )


def threads() -> int:
    """Return how many threads to compute with: the physical cores this process may use."""
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    process = psutil.Process()
    allowed = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else physical
    return max(1, min(physical, allowed))


def features() -> str:
    """Return llama.cpp's system info line."""
    return one_line(llama_cpp.llama_print_system_info().decode("utf-8", "replace"), 400)
