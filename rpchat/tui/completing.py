"""Paths completed as they are typed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from textual.suggester import Suggester

_MOST_LISTED = 5_000


def completions(text: str) -> list[str]:
    """Return what the path that `text` begins may be, as it would be typed: folders with a slash behind them.

    Asks the disk. Hidden files come only where a dot is typed. None for a folder that is not there or cannot be read.
    """
    folder, _, begun = text.rpartition("/")
    if not text or ("/" not in text and not text.startswith("~")):
        return []
    if "/" not in text:
        return ["~/"] if text == "~" else []
    try:
        place = Path(f"{folder}/").expanduser()
        with os.scandir(place) as items:
            names = [(item.name, item.is_dir()) for item, _ in zip(items, range(_MOST_LISTED), strict=False)]
    except (OSError, RuntimeError, ValueError):
        # Nothing to complete is no error: the path is still being typed.
        return []
    wanted = begun.casefold()
    fits = [(name, is_dir) for name, is_dir in names if name.casefold().startswith(wanted)]
    shown = [(name, is_dir) for name, is_dir in fits if begun.startswith(".") or not name.startswith(".")]
    return [f"{folder}/{name}{'/' if is_dir else ''}" for name, is_dir in sorted(shown)]


def longest_common(texts: Sequence[str]) -> str:
    """Return what all of the texts begin with."""
    first, last = min(texts, default=""), max(texts, default="")
    differs = (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differs, min(len(first), len(last)))]


class PathSuggester(Suggester):
    """Suggests the first completion, for the path field to show behind the cursor."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first completion that goes on from what is typed."""
        found = await asyncio.to_thread(completions, value)
        return next((one for one in found if one.startswith(value) and one != value), None)
