"""Values as other programs leave them, taken for what they were meant to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from rpchat.store.scalars import as_text

_LONGEST_SHARE = 20


def is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether `value` is an object of a file; the readers of files give those text keys only."""
    # Not `Mapping`: asking a class that is a protocol takes ten times as long, and chats have a million values.
    return isinstance(value, dict)


def text_of(value: object) -> str | None:
    """Return a text: a number as it was written, nothing as "", a list of such as lines; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [text_of(item) if not isinstance(item, list) else None for item in value]
        texts = [part for part in parts if part is not None]
        return "\n".join(texts) if len(texts) == len(value) else None
    text = as_text(value)
    return text if isinstance(text, str) else None


def texts_of(value: object) -> tuple[str, ...] | None:
    """Return a list of texts, a single text as a list of one; None if anything else is among them.

    What is empty for want of a value (null) is no item; an empty text in a list is one.
    """
    if value is None or value == "":
        return ()
    items = [item for item in value if item is not None] if isinstance(value, list) else [value]
    texts = [as_text(item) for item in items]
    return tuple(text for text in texts if isinstance(text, str)) if all(isinstance(t, str) for t in texts) else None


def tags_of(value: object) -> tuple[str, ...] | None:
    """Return tags: a list of texts, or one text with commas between them; None for anything else."""
    if isinstance(value, str):
        return tuple(tag for tag in (part.strip() for part in value.split(",")) if tag)
    return texts_of(value)


def share_of(value: object) -> float | None:
    """Return a number from 0 to 1, also one that is written as a text; None for anything else."""
    if isinstance(value, str) and len(value) <= _LONGEST_SHARE:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)
