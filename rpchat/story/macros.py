"""The macros a card may hold: `{{char}}` and `{{user}}`, in the spellings the field has used."""

from __future__ import annotations

import re

_MACRO = re.compile(r"\{\{\s*(char|user)\s*\}\}|<(BOT|CHAR|USER)>", re.IGNORECASE)
_CHARACTER = {"char", "bot"}


def expand(text: str, *, char: str, user: str) -> str:
    """Return `text` with every name macro replaced, in one pass: a name that looks like a macro stays as it is."""

    def name(match: re.Match[str]) -> str:
        word = (match[1] or match[2]).lower()
        return char if word in _CHARACTER else user

    return _MACRO.sub(name, text)
