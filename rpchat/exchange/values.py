"""What goes in and out of this room: the values that importing and exporting a card give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rpchat.story.card import Card

Kind = Literal["png", "charx", "json", "yaml"]
"""What a file is, found out from its bytes; a CHARX behind a JPEG is a `charx`."""

Dialect = Literal["V1", "V2", "V3", "Pygmalion", "text-generation-webui", "rpchat"]
"""In whose words the card in the file is written."""

Target = Literal["png", "charx", "json-v2", "json-v3", "yaml"]
"""What a card can be written as."""

CARD_LIMIT = 64 << 20
"""Bytes of the largest card file that is read, pictures and all."""

NO_ASSETS: Mapping[str, bytes] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A card file as it was understood. Nothing has been stored yet."""

    card: Card
    kind: Kind
    dialect: Dialect
    avatar: bytes | None = None
    """The picture, encoded as it came and without the card in it; its pixels have not been looked at."""
    assets: Mapping[str, bytes] = field(default_factory=dict)
    """The files that came with the card, by their path in the archive or their number in the PNG."""
    notes: tuple[str, ...] = ()
    """What was odd and how it was taken, a line each."""
    original: bytes = b""
    """The file itself, byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A card as a file's bytes."""

    data: bytes
    report: tuple[str, ...] = ()
    """What the file cannot hold, or holds for rpchat alone, a line each."""
