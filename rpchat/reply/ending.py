"""How a reply ends: broken sentences and dangling scene breaks trimmed, emptiness recognised."""

from __future__ import annotations

import re

from rpchat.story.text import last_sentence_end

_BREAK = r"[-=~_*#＊＝～–—―─━═◇◆○●☆★※]"
_BREAK_AT_END = re.compile(rf"(?:^|\n)[ \t\u3000]*(?:{_BREAK}[ \t\u3000]*){{3,}}\s*$")
_QUOTES = r"\s「」『』“”\"'*_()（）"
_NOTHING = re.compile(rf"[{_QUOTES}]*")
_NOTHING_OR_BREAK = re.compile(rf"(?:[{_QUOTES}]|{_BREAK})*")


def without_trailing_break(text: str, *, keep: int = 0) -> str:
    """Return `text` without scene-break lines (`---`, `* * *`, `◇◇◇`) at its very end; what stands before index
    `keep` stays."""
    while match := _BREAK_AT_END.search(text, keep):
        text = text[: match.start()]
    return text[:keep] + text[keep:].rstrip()


def to_last_sentence(text: str, *, keep: int = 0) -> str:
    """Return `text` up to its last finished sentence; unchanged if none ends behind index `keep`."""
    end = last_sentence_end(text)
    return text[:end] if end > keep else text


def says_nothing(text: str) -> bool:
    """Return whether nothing but space, quotes, marks and scene breaks is there: `「」` says nothing, `「……」` does."""
    # Asked at every piece of a growing reply: the first letter of it answers.
    if not _NOTHING_OR_BREAK.fullmatch(text):
        return False
    return _NOTHING.fullmatch(without_trailing_break(text)) is not None
