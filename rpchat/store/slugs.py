"""File names for cards: from a name that may be anything, a name every file system takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from rpchat.story.text import fold

_MAX_BYTES = 120
_FALLBACK = "unnamed"
# Windows opens these as devices, whatever ending follows.
_DEVICES = re.compile(r"con|prn|aux|nul|conin|conout|clock|(com|lpt)[0-9]")


def slug(name: str) -> str:
    """Return an id made of `name`: its letters and digits of any script in lower case, hyphens between.

    Never empty, never a path, never a device of Windows, at most 120 bytes; a slug is its own slug.
    """
    folded = fold(fold(name))
    kept = "".join(char if _belongs(char) else "-" for char in folded)
    words = re.sub("-+", "-", kept)
    short = words.encode()[:_MAX_BYTES].decode(errors="ignore").strip("-")
    if _DEVICES.fullmatch(short):
        short += "-card"
    return short or _FALLBACK


def unique(wanted: str, taken: Collection[str]) -> str:
    """Return `wanted`, or the first of `wanted-2`, `wanted-3` … that none of `taken` equals, in any case or width."""
    folded = {fold(name) for name in taken}
    candidate, number = wanted, 2
    while fold(candidate) in folded:
        candidate, number = f"{wanted}-{number}", number + 1
    return candidate


def _belongs(char: str) -> bool:
    # Combining marks belong to their letters: が may be か and a mark, and many scripts have no other way.
    return char.isalnum() or unicodedata.category(char) in ("Mn", "Mc")
