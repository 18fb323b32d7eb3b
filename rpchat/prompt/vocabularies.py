"""The vocabularies that roleplay models are made from, and how one is told from another by its header alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rpchat.story.preset import VocabularyName

_UNTOLD = frozenset({"", "default"})
_ADDED = 512
"""Fine-tuners add tokens to a vocabulary, but seldom more than this."""


@dataclass(frozen=True, slots=True)
class _Known:
    title: str
    """The models it comes from, for people."""
    model: str
    """The GGUF's `tokenizer.ggml.model`."""
    size: int
    """Tokens before any were added."""
    pre_tokenizers: frozenset[str] = frozenset()
    """The GGUF's `tokenizer.ggml.pre`; older files do not tell it, and then the size decides."""

    def is_this(self, model: str, pre_tokenizer: str, size: int) -> bool:
        cut = pre_tokenizer in _UNTOLD or not self.pre_tokenizers or pre_tokenizer in self.pre_tokenizers
        return model == self.model and cut and self.size <= size < self.size + _ADDED


_KNOWN: Mapping[VocabularyName, _Known] = {
    "llama-2": _Known("Llama 2 and the first Mistral 7B", "llama", 32_000),
    "mistral-v3": _Known("Mistral v3 (SentencePiece)", "llama", 32_768),
    "tekken": _Known("Mistral Nemo (tekken)", "gpt2", 131_072, frozenset({"tekken"})),
    "llama-3": _Known("Llama 3", "gpt2", 128_256, frozenset({"llama-bpe", "llama3", "llama-v3"})),
    "qwen": _Known("Qwen", "gpt2", 151_643, frozenset({"qwen2"})),
    "gemma": _Known("Gemma", "llama", 256_000),
    "gemma-3": _Known("Gemma 3", "llama", 262_144),
    "command-r": _Known("Command R", "gpt2", 255_000, frozenset({"command-r"})),
    "smollm2": _Known("SmolLM2", "gpt2", 49_152, frozenset({"smollm"})),
}


def vocabulary_name(model: str, pre_tokenizer: str, size: int) -> VocabularyName | None:
    """Return which vocabulary a header with these entries tells of; None if it is none of the known ones.

    `llama-2` covers the first Mistral 7B as well: in their headers the two look the same.
    """
    known = (name for name, kind in _KNOWN.items() if kind.is_this(model, pre_tokenizer, size))
    return next(known, None)


def vocabulary_title(name: VocabularyName) -> str:
    """Return which models a known vocabulary comes from, for people; it goes behind "the vocabulary of"."""
    return _KNOWN[name].title
