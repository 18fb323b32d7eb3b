"""Tiny GGUF files that carry real vocabularies: Mistral v1 and v3 (SentencePiece) and Mistral-Nemo (tekken).

Made in seconds from the tokenizer data that mistral-common carries; the weights are a one-layer model of noise. Nothing
of it is committed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import gguf
import mistral_common
import numpy as np
from sentencepiece import SentencePieceProcessor

_DATA = Path(mistral_common.__file__).parent / "data"
_WIDTH = 32
_CONTEXT = 8192

NAMES = ("mistral-v1", "mistral-v3", "nemo", "nemo-party", "nemo-chatml")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a GGUF holds of a tokenizer."""

    model: str
    pre: str
    tokens: Sequence[bytes | str]
    types: Sequence[int]
    scores: Sequence[float] | None = None
    merges: Sequence[str] | None = None
    eos: int = 2


def write_gguf(name: str, path: Path) -> None:
    """Write the vocabulary of that name with a tiny llama model to `path`."""
    vocabulary = _sentencepiece(name) if name.startswith("mistral") else _tekken(name)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_WIDTH)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH)
    writer.add_vocab_size(len(vocabulary.tokens))
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.types))
    if vocabulary.scores is not None:
        writer.add_token_scores(list(vocabulary.scores))
        writer.add_add_space_prefix(True)
    if vocabulary.merges is not None:
        writer.add_token_merges(list(vocabulary.merges))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(vocabulary.eos)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    _add_weights(writer, len(vocabulary.tokens))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_weights(writer: gguf.GGUFWriter, tokens: int) -> None:
    rng = np.random.default_rng(7)
    embeddings = rng.standard_normal((tokens, _WIDTH), dtype=np.float32)
    quantised = gguf.quants.quantize(embeddings, gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("token_embd.weight", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, dtype=np.float32))
    for part in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{part}.weight", np.ones(_WIDTH, dtype=np.float32))
    for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        square = rng.standard_normal((_WIDTH, _WIDTH), dtype=np.float32) / _WIDTH
        writer.add_tensor(f"blk.0.{part}.weight", square)


def sentencepiece_file(name: str) -> Path:
    """The SentencePiece model behind a Mistral vocabulary."""
    version = name.split("-")[1]
    return next(path for path in _DATA.iterdir() if path.name.endswith(f".model.{version}"))


def tekken_file() -> Path:
    """The tekken data of Mistral-Nemo."""
    return _DATA / "tekken_240718.json"


def _sentencepiece(name: str) -> Vocabulary:
    processor = SentencePieceProcessor(model_file=str(sentencepiece_file(name)))
    tokens, scores, types = [], [], []
    for index in range(processor.vocab_size()):
        tokens.append(processor.id_to_piece(index).encode())
        scores.append(processor.get_score(index))
        if processor.is_unknown(index):
            kind = gguf.TokenType.UNKNOWN
        elif processor.is_control(index):
            kind = gguf.TokenType.CONTROL
        elif processor.is_byte(index):
            kind = gguf.TokenType.BYTE
        else:
            kind = gguf.TokenType.NORMAL
        types.append(int(kind))
    if name.endswith("-chatml"):
        # As in the files of early fine-tuned models: the marks are tokens, but not of the control kind.
        tokens += [b"<|im_end|>", b"<|im_start|>"]
        scores += [-1000.0, -1000.0]
        types += [int(gguf.TokenType.USER_DEFINED)] * 2
    return Vocabulary("llama", "default", tokens, types, scores=scores)


def _tekken(name: str) -> Vocabulary:
    known = {0: "<unk>", 1: "<s>", 2: "</s>", 3: "[INST]", 4: "[/INST]", 5: "[AVAILABLE_TOOLS]",
             6: "[/AVAILABLE_TOOLS]", 7: "[TOOL_RESULTS]", 8: "[/TOOL_RESULTS]", 9: "[TOOL_CALLS]"}  # fmt: skip
    if name == "nemo-chatml":
        known |= {20: "<|im_start|>", 21: "<|im_end|>"}
    specials, words, merges = _tekken_words()
    tokens = [known.get(index, f"<SPECIAL_{index}>") for index in range(specials)]
    types = [int(gguf.TokenType.CONTROL)] * specials + [int(gguf.TokenType.NORMAL)] * len(words)
    eos = 4 if name == "nemo-party" else 2
    return Vocabulary("gpt2", "tekken", [*tokens, *words], types, merges=merges, eos=eos)


@cache
def _tekken_words() -> tuple[int, list[str], list[str]]:
    """The number of special tokens, the ordinary tokens, and the merges that make them; this takes seconds."""
    data = json.loads(tekken_file().read_text("utf-8"))
    specials: int = data["config"]["default_num_special_tokens"]
    size = data["config"]["default_vocab_size"] - specials
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in data["vocab"][:size]}
    letters = _byte_letters()

    def spelt(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    merges = [" ".join(map(spelt, _last_merge(token, ranks))) for token in ranks if len(token) > 1]
    return specials, [spelt(token) for token in ranks], merges


def _last_merge(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """Return the two parts whose merge makes `token`, by running the byte-pair merges of lower rank on it."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        pairs = [ranks.get(a + b, len(ranks)) for a, b in pairwise(parts)]
        at = min(range(len(pairs)), key=pairs.__getitem__)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def _byte_letters() -> dict[int, str]:
    """The letters byte-level vocabularies are written in: printable bytes as themselves, the rest from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(0x100 + len(letters) - len(printable))
    return letters
