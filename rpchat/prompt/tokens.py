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


def attribute(segments: Iterable[Segment], ids: Sequence[int], pieces: Sequence[bytes]) -> list[Token]:
    """Return the tokens of a prompt with their origins.

    `ids` and `pieces` are the prompt's tokens in order; a control token's piece is empty. A token belongs to the
    segment its first byte stands in.
    """
    runs = _runs(segments)
    texts = [run for run in runs if run is not None]
    # SentencePiece puts one space of its own in front of every run of text.
    prefix = 1 if texts and sum(map(len, pieces)) == sum(map(len, texts)) + len(texts) else 0
    tokens: list[Token] = []
    for run in runs:
        position = -prefix
        while len(tokens) < len(ids) and (run is None or position < len(run)):
            at = len(tokens)
            tokens.append(Token(ids[at], pieces[at], "control" if run is None else run[max(position, 0)]))
            position += len(pieces[at])
            if run is None:
                break
    return tokens


def _runs(segments: Iterable[Segment]) -> list[list[Origin] | None]:
    """The runs that are tokenised as one: None for a control token, else the origin of every byte of the text."""
    runs: list[list[Origin] | None] = []
    for segment in segments:
        if segment.kind == "c":
            runs.append(None)
        elif segment.text:
            origins: list[Origin] = [segment.origin] * len(segment.text.encode())
            if runs and runs[-1] is not None:
                runs[-1] += origins
            else:
                runs.append(origins)
    return runs


def spent(tokens: Iterable[Token]) -> dict[TokenOrigin, int]:
    """Return how many tokens each origin takes."""
    return dict(Counter(token.origin for token in tokens))
