"""Foreign text made safe, and where its sentences end.

`clean()` is the one filter that every text from outside passes: cards, chats, keyboards, models. It filters characters,
not escape sequences, because a sequence may arrive split over several tokens.
"""

from __future__ import annotations

import re
import unicodedata

_NEWLINES = re.compile("\r\n|[\r\x85\u2028\u2029]")

# Removed for good: C0 except \n and \t, DEL, C1; bidirectional controls; interlinear annotation; byte order marks and
# non-characters; invisible tag characters; lone surrogates. Joiners (U+200C, U+200D) and variation selectors stay:
# scripts and emoji are made of them.
_REMOVED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ufff9-\ufffb\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def clean(text: str) -> str:
    """Return `text` without anything a terminal could obey; line breaks of every kind become a newline.

    Idempotent, never fails, keeps every visible character.
    """
    # Everything that is taken out is unprintable, and looking for that is quick.
    return text if text.isprintable() else _REMOVED.sub("", _NEWLINES.sub("\n", text))


def said(text: str) -> str:
    """Return what of a typed or written text becomes a turn's: cleaned, without empty lines around it."""
    return clean(text).strip("\n").rstrip()


def one_line(text: str, limit: int = 80) -> str:
    """Return `text` cleaned, its white space folded to single spaces, at most `limit` characters long."""
    folded = " ".join(clean(text).split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def fold(text: str) -> str:
    """Return the form in which names and searches are compared: NFKC, without case."""
    return unicodedata.normalize("NFKC", text).casefold()


_CLOSERS = "\"'”’»)]）］」』】》〉〟*_"
# A full stop ends a sentence only before white space or the end (3.5 kilos); the Japanese ones end it anywhere. A
# closing 」 or 』 or ” ends one by itself: models that write 「おはよう」(…) put no full stop in front of it.
_SENTENCE_END = re.compile(
    rf"(?:[.!?…]+[{re.escape(_CLOSERS)}]*(?=\s|$)|[。！？!?…♪♡♥～]+[{re.escape(_CLOSERS)}]*|[」』”»])"
)
_HAS_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]")


def sentence_ends(text: str) -> list[int]:
    """Return the indices just behind every finished sentence of `text`, in rising order.

    Counts . ! ? … before white space, 。！？ anywhere, and a closing quote. `♪` and `～` end a sentence only in
    Japanese text, where they stand for the full stop.
    """
    wide = bool(_HAS_WIDE.search(text))
    return [match.end() for match in _SENTENCE_END.finditer(text) if wide or match.group()[0] not in "♪♡♥～"]


def last_sentence_end(text: str) -> int:
    """Return the index just behind the last finished sentence of `text`, or 0 if there is none."""
    return max(sentence_ends(text), default=0)
