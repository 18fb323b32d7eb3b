"""Models small enough to be made in a test, and whole: llama.cpp loads them and computes with them.

The weights are chance, from a fixed seed: what they write makes no sense, but it is always the same. Each byte of a
text is a token.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

_WIDTH = 64
_LAYERS = 2
_CONTEXT = 4096
_TOKENS = ("<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)))
_KINDS = (gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL, *[gguf.TokenType.BYTE] * 256)

WINDOW = 16
"""Tokens the model of `write_windowed` looks back, in every other layer."""


class _Weights:
    """Adds tensors to a file: chance around nothing, or one value. Shapes are llama.cpp's: the row's length first."""

    def __init__(self, writer: gguf.GGUFWriter) -> None:
        self._writer = writer
        self._chance = np.random.default_rng(7)

    def chance(self, name: str, *shape: int, spread: float = 0.2) -> None:
        self._add(name, self._chance.normal(0.0, spread, shape[::-1]))

    def same(self, name: str, value: float, *shape: int) -> None:
        self._add(name, np.full(shape[::-1], value))

    def _add(self, name: str, values: np.ndarray) -> None:
        self._writer.add_tensor(name, values.astype(np.float32))


def write_recurrent(path: Path) -> Path:
    """Write a Mamba: it remembers only where it stands."""
    writer = _begun(path, "mamba")
    inner, state, rank, kernel = 2 * _WIDTH, 8, 4, 4
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    weights = _Weights(writer)
    _embed(weights)
    for layer in range(_LAYERS):
        front = f"blk.{layer}"
        weights.same(f"{front}.attn_norm.weight", 1.0, _WIDTH)
        weights.chance(f"{front}.ssm_in.weight", _WIDTH, 2 * inner)
        weights.chance(f"{front}.ssm_conv1d.weight", kernel, inner)
        weights.same(f"{front}.ssm_conv1d.bias", 0.0, inner)
        weights.chance(f"{front}.ssm_x.weight", inner, rank + 2 * state)
        weights.chance(f"{front}.ssm_dt.weight", rank, inner)
        weights.same(f"{front}.ssm_dt.bias", 0.1, inner)
        weights.same(f"{front}.ssm_a", -0.5, state, inner)
        weights.same(f"{front}.ssm_d", 1.0, inner)
        weights.chance(f"{front}.ssm_out.weight", inner, _WIDTH)
    return _finished(writer, path)


def write_windowed(path: Path) -> Path:
    """Write a Gemma 3: every other layer looks back `WINDOW` tokens and no further."""
    writer = _begun(path, "gemma3")
    heads, head, wide = 2, 32, 128
    writer.add_head_count(heads)
    writer.add_head_count_kv(1)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_feed_forward_length(wide)
    writer.add_sliding_window(WINDOW)
    writer.add_sliding_window_pattern(2)
    writer.add_rope_freq_base(10000.0)
    weights = _Weights(writer)
    _embed(weights)
    for layer in range(_LAYERS):
        front = f"blk.{layer}"
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            weights.same(f"{front}.{name}.weight", 1.0, _WIDTH)
        for name in ("attn_q_norm", "attn_k_norm"):
            weights.same(f"{front}.{name}.weight", 1.0, head)
        weights.chance(f"{front}.attn_q.weight", _WIDTH, heads * head)
        weights.chance(f"{front}.attn_k.weight", _WIDTH, head)
        weights.chance(f"{front}.attn_v.weight", _WIDTH, head)
        weights.chance(f"{front}.attn_output.weight", heads * head, _WIDTH)
        weights.chance(f"{front}.ffn_gate.weight", _WIDTH, wide)
        weights.chance(f"{front}.ffn_up.weight", _WIDTH, wide)
        weights.chance(f"{front}.ffn_down.weight", wide, _WIDTH)
    return _finished(writer, path)


def write_llama(path: Path, *, layers: int = _LAYERS) -> Path:
    """Write a Llama: a transformer that remembers every token, at its place."""
    writer = _begun(path, "llama", layers=layers)
    heads, wide = 2, 128
    writer.add_head_count(heads)
    writer.add_head_count_kv(1)
    writer.add_feed_forward_length(wide)
    writer.add_rope_dimension_count(_WIDTH // heads)
    weights = _Weights(writer)
    _embed(weights)
    for layer in range(layers):
        front = f"blk.{layer}"
        weights.same(f"{front}.attn_norm.weight", 1.0, _WIDTH)
        weights.same(f"{front}.ffn_norm.weight", 1.0, _WIDTH)
        weights.chance(f"{front}.attn_q.weight", _WIDTH, _WIDTH)
        weights.chance(f"{front}.attn_k.weight", _WIDTH, _WIDTH // heads)
        weights.chance(f"{front}.attn_v.weight", _WIDTH, _WIDTH // heads)
        weights.chance(f"{front}.attn_output.weight", _WIDTH, _WIDTH)
        weights.chance(f"{front}.ffn_gate.weight", _WIDTH, wide)
        weights.chance(f"{front}.ffn_up.weight", _WIDTH, wide)
        weights.chance(f"{front}.ffn_down.weight", wide, _WIDTH)
    return _finished(writer, path)


def write_placed(path: Path) -> Path:
    """Write a GPT-2: a transformer that adds its place to each token, instead of turning its keys."""
    writer = _begun(path, "gpt2")
    heads, wide = 2, 128
    writer.add_head_count(heads)
    writer.add_feed_forward_length(wide)
    writer.add_layer_norm_eps(1e-5)
    weights = _Weights(writer)
    _embed(weights)
    weights.chance("position_embd.weight", _WIDTH, _CONTEXT)
    weights.same("output_norm.bias", 0.0, _WIDTH)
    for layer in range(_LAYERS):
        front = f"blk.{layer}"
        for name, rows, columns in (
            ("attn_qkv", _WIDTH, 3 * _WIDTH), ("attn_output", _WIDTH, _WIDTH), ("ffn_up", _WIDTH, wide),
            ("ffn_down", wide, _WIDTH),
        ):  # fmt: skip
            weights.chance(f"{front}.{name}.weight", rows, columns)
            weights.same(f"{front}.{name}.bias", 0.0, columns)
        for name in ("attn_norm", "ffn_norm"):
            weights.same(f"{front}.{name}.weight", 1.0, _WIDTH)
            weights.same(f"{front}.{name}.bias", 0.0, _WIDTH)
    return _finished(writer, path)


def _begun(path: Path, architecture: str, *, layers: int = _LAYERS) -> gguf.GGUFWriter:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"small {architecture}")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(layers)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(_TOKENS))
    writer.add_token_scores([0.0] * len(_TOKENS))
    writer.add_token_types(list(_KINDS))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    return writer


def _embed(weights: _Weights) -> None:
    weights.chance("token_embd.weight", _WIDTH, len(_TOKENS), spread=1.0)
    weights.same("output_norm.weight", 1.0, _WIDTH)
    weights.chance("output.weight", _WIDTH, len(_TOKENS), spread=1.0)


def _finished(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
