"""Lorebooks of other programs: world info, a card's book, V3, NovelAI, Agnai, RisuAI."""

from __future__ import annotations

from rpchat.exchange.lorebooks.dialects import is_lorebook
from rpchat.exchange.lorebooks.reading import lorebook_of, read_lorebook
from rpchat.exchange.lorebooks.values import BookVersion, ImportedLorebook, LorebookTarget, LoreDialect
from rpchat.exchange.lorebooks.writing import character_book, write_lorebook

__all__ = [
    "BookVersion",
    "ImportedLorebook",
    "LoreDialect",
    "LorebookTarget",
    "character_book",
    "is_lorebook",
    "lorebook_of",
    "read_lorebook",
    "write_lorebook",
]
