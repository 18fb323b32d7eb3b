"""Load a model with llama.cpp alone and print, as JSON, what buffers it says it made: run by `test_fit.py`."""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict

import llama_cpp

_LINE = re.compile(r"(model|KV|compute|output)\s+buffer size\s*=\s*([\d.]+) MiB")


def main(path: str, order: dict[str, str | int]) -> dict[str, int]:
    """Return the bytes of each sort of buffer."""
    told: list[str] = []
    hear = llama_cpp.llama_log_callback(lambda _level, words, _data: told.append(words.decode("utf-8", "replace")))
    llama_cpp.llama_log_set(hear, None)
    llama_cpp.llama_backend_init()
    parameters = llama_cpp.llama_model_default_params()
    parameters.use_extra_bufts = False
    model = llama_cpp.llama_model_load_from_file(path.encode(), parameters)
    context = llama_cpp.llama_context_default_params()
    kind = llama_cpp.GGML_TYPE_Q8_0 if order["type"] == "q8_0" else llama_cpp.GGML_TYPE_F16
    context.n_ctx, context.n_batch, context.n_ubatch = order["n_ctx"], order["n_batch"], order["n_batch"]
    context.n_seq_max, context.n_outputs_max, context.kv_unified = 8, 8, True
    context.flash_attn_type = 1 if order["flash"] == "on" else 0
    context.type_k = context.type_v = kind
    if not llama_cpp.llama_init_from_model(model, context):
        sys.exit("".join(told))
    sizes: dict[str, int] = defaultdict(int)
    for sort, size in _LINE.findall("".join(told)):
        sizes[sort] += int(float(size) * (1 << 20))
    return sizes


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
