"""What a prompt is made of: control tokens by name, and text. Only a format adapter makes control segments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["c", "t"]
Origin = Literal["format", "setup", "lore", "note", "history", "cue", "gap"]


@dataclass(frozen=True, slots=True)
class Segment:
    """One control token (`kind` "c", `text` its name) or a run of text (`kind` "t", tokenised as plain text).

    `origin` says what the text is there for, and `turn` by its id which turn it tells, or behind which one it was told
    (0: none). Neither changes a token, nor does cutting a text into several segments.
    """

    kind: Kind
    text: str
    origin: Origin = "format"
    turn: int = 0


def control(name: str) -> Segment:
    """Return the segment of the control token `name`."""
    return Segment("c", name)


def text(content: str, origin: Origin = "format", *, turn: int = 0) -> Segment:
    """Return a segment of plain text."""
    return Segment("t", content, origin, turn)


_GAP = Segment("t", "", "gap")
"""Stands behind the first turn that is told as it was told before, after something was left out; it has no token."""


def with_gap(segments: Sequence[Segment], *, behind: int = 0) -> tuple[Segment, ...]:
    """Return a prompt with a mark: something that was told before is left out in front of the end of turn `behind`; 0
    is its oldest turn. What is left out is older turns, or a note, nothing the user took out of the story.
    """
    turn = behind or next((segment.turn for segment in segments if segment.turn), 0)
    end = max((at for at, segment in enumerate(segments, start=1) if segment.turn == turn != 0), default=0)
    return (*segments[:end], _GAP, *segments[end:])


def up_to_gap(segments: Sequence[Segment]) -> Sequence[Segment]:
    """Return a prompt up to that mark; nothing where there is none."""
    return segments[: segments.index(_GAP)] if _GAP in segments else ()


def joined(segments: Iterable[Segment]) -> list[tuple[Kind, str]]:
    """Return `(kind, text)` pairs with neighbouring texts made one and empty texts left out.

    This is the unit of tokenising: SentencePiece puts a space in front of every separately tokenised text, and
    byte-pair merges do not cross a cut.
    """
    pairs: list[tuple[Kind, str]] = []
    for segment in segments:
        if not segment.text:
            continue
        if segment.kind == "t" and pairs and pairs[-1][0] == "t":
            pairs[-1] = ("t", pairs[-1][1] + segment.text)
        else:
            pairs.append((segment.kind, segment.text))
    return pairs


@dataclass(frozen=True, slots=True)
class Stops:
    """What ends a reply: control tokens by name, strings anywhere, strings at the start of a line.

    A control name ending in `?` counts only if it is one control token of the loaded model.
    """

    control: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    line: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What an adapter must know of a model's vocabulary."""

    bos: str | None = "<s>"
    """Name of the control token a prompt begins with; None where the vocabulary wants none."""
    controls: frozenset[str] = frozenset()
    """Names that are single control tokens, among those asked for."""
