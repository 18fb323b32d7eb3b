"""ggml, which lies under llama.cpp: its registry of devices, as the loaded libllama itself sees it."""

from __future__ import annotations

import os
from ctypes import CDLL
from pathlib import Path

_OVERRIDE = "LLAMA_CPP_LIB_PATH"
"""The folder llama-cpp-python takes its library from instead of its own. Its ggml module does not heed that, and would
bring a second ggml, which knows other devices than those the model is computed on."""


def _load() -> CDLL:
    folder = os.environ.get(_OVERRIDE)
    if folder:
        from llama_cpp._ctypes_extensions import load_shared_library

        library: CDLL = load_shared_library("ggml", Path(folder))
    else:
        from llama_cpp._ggml import libggml

        library = libggml
    return library


ggml = _load()
"""The library; its functions have no types yet. Loaded with this module: a limit on memory may come later."""
