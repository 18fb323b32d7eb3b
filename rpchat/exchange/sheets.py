"""A sheet as text: formats without one get it at the head of the description, where every model reads it."""

from __future__ import annotations

from rpchat.story.card import Sheet, sheet_texts


def with_sheet(description: str, *, sheet: Sheet) -> str:
    """Return the description with the sheet in front of it as lines `label: text`."""
    lines = [f"{label}: {text}" for label, text in sheet_texts(sheet)]
    return "\n".join([*lines, "", description] if lines and description else lines or [description])


def without_sheet(text: str, *, sheet: Sheet, description: str) -> str | None:
    """Return the description alone, if `text` still is `description` with `sheet` in front; None if it was changed."""
    if not sheet:
        return text
    return description if text == with_sheet(description, sheet=sheet) else None
