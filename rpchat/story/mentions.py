"""Who is named in a text: names as words, also where a script writes no spaces. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from rpchat.story.card import Card
from rpchat.story.text import fold

_TITLES = {
    "a", "an", "the", "mr", "mrs", "ms", "miss", "mister", "madam", "sir", "dame", "lord", "lady", "dr", "doctor",
    "prof", "professor", "captain", "king", "queen", "prince", "princess", "saint", "st", "father", "mother",
    "brother", "sister", "uncle", "aunt", "master", "mistress", "jr", "sr",
}  # fmt: skip
_SEPARATORS = re.compile(r"[\s・=＝/／,、()（）\[\]「」『』\"“”]+")

# Scripts by the first word of a character's name in Unicode; all others are "letter".
_SCRIPTS = {
    "CJK": "kanji", "IDEOGRAPHIC": "kanji", "HIRAGANA": "hiragana", "KATAKANA": "katakana", "HANGUL": "hangul",
    "THAI": "thai", "LAO": "lao", "KHMER": "khmer", "MYANMAR": "myanmar",
}  # fmt: skip
# Where a neighbour of the same script makes a name part of a longer word: Al in Alas, ミカ in ミカン. Hiragana and
# kanji run on without borders, Korean writes its particles onto the name; an honorific is no part of any name.
_BORDERED_BEFORE = {"letter", "katakana", "hangul"}
_BORDERED_BEHIND = {"letter", "katakana"}
_HONORIFICS = (
    "様", "君", "殿", "氏", "嬢", "姫", "達", "先生", "先輩", "後輩", "隊長", "姉", "兄",
    "サン", "チャン", "クン", "サマ", "タン", "センパイ", "センセイ", "タチ",
)  # fmt: skip


def names_of(card: Card) -> tuple[str, ...]:
    """Return what a character answers to: the spoken name, the full name, and the words of it that are names.

    `Professor Ilse van Tock` also answers to Ilse and to Tock, but neither to Professor nor to van.
    """
    words = [word for word in _SEPARATORS.split(card.name) if _is_name(word)]
    return tuple(dict.fromkeys(name for name in (card.spoken_name, card.name, *words) if name.strip()))


def _is_name(word: str) -> bool:
    """Whether one word of a full name can stand for the whole: initials, particles and titles cannot."""
    bare = word.rstrip(".")
    if bare.lower() == bare.upper():
        return len(bare) > 1 or (bare != "" and _script(bare) == "kanji")
    return len(bare) > 1 and not bare[0].islower() and bare.lower() not in _TITLES


def mentions(text: str, named: Mapping[str, Sequence[str]], *, bystanders: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the card ids of those whose names (`named`, by card id) stand in `text`, in the order of their mention.

    Width and case do not matter, and of several names at one place only the longest counts, so that 花 is not found in
    桜花 if that is somebody too. A name that several share names them all. A name of a single character is
    not found beside another one of its script (花 in 花火), unless that is an honorific (花様).
    """
    owners: dict[str, list[str]] = {_folded(name): [] for name in bystanders}
    for card_id, names in named.items():
        for name in names:
            owners.setdefault(_folded(name), []).append(card_id)
    owners.pop("", None)
    if not owners:
        return ()
    longest_first = sorted(owners, key=len, reverse=True)
    anyone = re.compile("|".join(map(re.escape, longest_first)))
    text = _folded(text)
    found: list[str] = []
    place = anyone.search(text)
    while place:
        at = place.start()
        name = next((name for name in longest_first if text.startswith(name, at) and _stands(text, at, name)), "")
        found += owners.get(name, [])
        place = anyone.search(text, at + (len(name) or 1))
    return tuple(dict.fromkeys(found))


def _folded(text: str) -> str:
    return " ".join(fold(text).replace("’", "'").split())


def _stands(text: str, at: int, name: str) -> bool:
    """Whether `name`, found at `at`, is a word of its own there, as far as its script tells words apart."""
    before, behind = text[at - 1 : at] if at else "", text[at + len(name) :]
    first, last, alone = _script(name[0]), _script(name[-1]), len(name) == 1
    if first and first == _script(before) and (alone or first in _BORDERED_BEFORE):
        return False
    called = behind.lstrip("ー")  # a name drawn out in a call: ミカー！
    joined = last and last == _script(called[:1]) and (alone or last in _BORDERED_BEHIND)
    return not joined or behind.startswith(_HONORIFICS)


def _script(char: str) -> str:
    """Return the script of a letter, mark or digit; empty for anything else, and for no character."""
    if not char or unicodedata.category(char)[0] not in "LMN":
        return ""
    return _SCRIPTS.get(re.split("[ -]", unicodedata.name(char, ""))[0], "letter")
