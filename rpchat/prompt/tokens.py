"""A prompt's tokens, each with what it is there for: what the inspector shows, and how the budget is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rpchat.prompt.segment import Origin, Segment

TokenOrigin = Origin | Literal["control"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a prompt: its id, its bytes (a part of a character perhaps), and where it comes from."""

    id: int
    piece: bytes
    origin: TokenOrigin
    name: str = ""
    """What a control token is called; empty for text."""
    turn: int = 0
    """The id of the turn it tells, or behind which it was told; 0 where there is none."""


def attribute(segments: Iterable[Segment], ids: Sequence[int], pieces: Sequence[bytes]) -> list[Token]:
    """Return the tokens of a prompt with their origins.

    `ids` and `pieces` are the prompt's tokens in order; a control token's piece is empty. A token belongs to the
    segment its first byte stands in.
    """
    runs = _runs(segments)
    texts = [run for run in runs if not isinstance(run, str)]
    # SentencePiece puts one space of its own in front of every run of text.
    prefix = 1 if texts and sum(map(len, pieces)) == sum(map(len, texts)) + len(texts) else 0
    tokens: list[Token] = []
    for run in runs:
        at = len(tokens)
        if isinstance(run, str):
            if at < len(ids):
                tokens.append(Token(ids[at], pieces[at], "control", run))
            continue
        position = -prefix
        while len(tokens) < len(ids) and position < len(run):
            at = len(tokens)
            segment = run[max(position, 0)]
            tokens.append(Token(ids[at], pieces[at], segment.origin, turn=segment.turn))
            position += len(pieces[at])
    return tokens


def _runs(segments: Iterable[Segment]) -> list[list[Segment] | str]:
    """The runs that are tokenised as one: a control token's name, else the segment of every byte of the text."""
    runs: list[list[Segment] | str] = []
    for segment in segments:
        if segment.kind == "c":
            runs.append(segment.text)
        elif segment.text:
            bytewise = [segment] * len(segment.text.encode())
            if runs and not isinstance(runs[-1], str):
                runs[-1] += bytewise
            else:
                runs.append(bytewise)
    return runs


def spent(tokens: Iterable[Token]) -> dict[TokenOrigin, int]:
    """Return how many tokens each origin takes."""
    return dict(Counter(token.origin for token in tokens))
