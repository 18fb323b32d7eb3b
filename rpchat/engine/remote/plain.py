"""Prompts for servers that take only text: control tokens written out, text that imitates one made harmless, and
token ids of our own making, so that such a prompt can be counted, shown and gone on from like any other.

An id stands for at most six bytes of text and tells them itself, so it means the same in every run; ids of real
vocabularies are far smaller. How many there are is a guess at how many tokens a model would count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rpchat.errors import PromptError
from rpchat.prompt.segment import Segment, joined

_MOST_BYTES = 6
_LENGTH_AT = 48
_TEXT = 1 << 56
_CONTROL = 1 << 57

# Words in bits of four letters with the space in front, numbers digit by digit, everything else by character.
_CUT = re.compile(r" ?[A-Za-z]{1,4}|[ \t]{1,4}|\n{1,4}|.", re.DOTALL)

_ALWAYS = (
    "<s>", "</s>", "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>", "[INST]",
    "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]", "[/TOOL_RESULTS]",
)  # fmt: skip
_PIPED = r"<[|｜][^<>\s]{1,62}[|｜]>"
_HARMLESS = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "|": "¦", "｜": "¦"})


class Harmless:
    """Makes text harmless that imitates control tokens: those of `names`, and what is one in the common families."""

    def __init__(self, names: Iterable[str]) -> None:
        known = sorted({*names, *_ALWAYS} - {""}, key=len, reverse=True)
        self._marks = re.compile("|".join([_PIPED, *map(re.escape, known)]))

    def __call__(self, text: str) -> str:
        """Return `text` with brackets and bars of every such mark replaced by ones that look alike."""
        # What stood around a mark can be one itself once that is broken.
        while (broken := self._marks.sub(lambda match: _broken(match[0]), text)) != text:
            text = broken
        return text


def _broken(mark: str) -> str:
    """A mark that is none any more, also where it has neither brackets nor bars."""
    broken = mark.translate(_HARMLESS)
    return broken if broken != mark else f"{mark[0]}\u2060{mark[1:]}"


def cut(text: str) -> list[bytes]:
    """Return the bytes of `text` in the bits that ids stand for."""
    bits: list[bytes] = []
    for match in _CUT.finditer(text):
        bits.append(match[0].encode("utf-8", "replace"))
    return bits


def text_ids(text: str) -> list[int]:
    """Return the made-up ids of plain text."""
    return [_TEXT | len(bit) << _LENGTH_AT | int.from_bytes(bit) for bit in cut(text)]


def is_made_up(token: int) -> bool:
    """Return whether an id is one of ours, and not of a vocabulary."""
    return token >= _TEXT


class PlainText:
    """Writes prompts as text. `names` are the control tokens that adapters may use."""

    def __init__(self, names: Iterable[str]) -> None:
        self._harmless = Harmless(names)
        self._controls: list[str] = []

    def ids(self, segments: Sequence[Segment]) -> list[int]:
        """Return the made-up ids of a prompt: one for each control token, several for text."""
        ids: list[int] = []
        for kind, content in joined(segments):
            if kind == "c":
                if content not in self._controls:
                    self._controls.append(content)
                ids.append(_CONTROL + self._controls.index(content))
            else:
                ids += text_ids(self._harmless(content))
        return ids

    def piece(self, token: int) -> bytes:
        """Return the bytes an id stands for; a control token has none. Raises PromptError for an id of a vocabulary."""
        return b"" if token >= _CONTROL else text_of(token)

    def text(self, ids: Iterable[int]) -> str:
        """Return what the server reads: the text, control tokens by name. Raises PromptError."""
        parts = [self._name(token) if token >= _CONTROL else text_of(token) for token in ids]
        return b"".join(parts).decode("utf-8", "replace")

    def _name(self, token: int) -> bytes:
        return self._controls[token - _CONTROL].encode()


def text_of(token: int) -> bytes:
    """Return the bytes a made-up id of text stands for. Raises PromptError for an id of a vocabulary."""
    length = (token >> _LENGTH_AT) & 0xFF
    if not is_made_up(token) or length > _MOST_BYTES:
        raise PromptError(
            "this reply was begun by another engine, which counts in other tokens",
            "Regenerate it, or edit it: an edited turn is gone on with from its text.",
        )
    return (token & ((1 << _LENGTH_AT) - 1)).to_bytes(length)
