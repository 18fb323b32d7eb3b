"""What goes in and out of this room: the values that importing and exporting a lorebook give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rpchat.story.lorebook import Lorebook

LoreDialect = Literal["SillyTavern", "character book", "V3", "NovelAI", "Agnai", "RisuAI"]
"""In whose words the book in a file is written."""

LorebookTarget = Literal["sillytavern", "v3"]
"""What a book can be written as: SillyTavern's world info, or the V3 specification's `lorebook_v3`."""

BookVersion = Literal["V2", "V3"]
"""The specification that a book inside a card follows."""

BOOK_LIMIT = 32 << 20
"""Bytes of the largest lorebook file that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedLorebook:
    """A lorebook file as it was understood. Nothing has been stored yet."""

    book: Lorebook
    dialect: LoreDialect
    notes: tuple[str, ...] = ()
    """What was odd and how it was taken, a line each."""
