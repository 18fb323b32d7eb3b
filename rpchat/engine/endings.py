"""How likely the ends of prompts are that begin alike: a model is asked only where they part. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from itertools import takewhile

Odds = Callable[[int], float]
"""Gives the logarithm of a token's probability."""


def ends_of(prompts: Sequence[Sequence[int]]) -> Generator[Sequence[int], Odds, list[float]]:
    """Yield each front behind which some of the prompts part, and be sent the odds of what comes there; return the
    logarithm of the probability of each prompt's end, followed as far as the prompts differ.

    Of ends that part with their first token, that token counts, and one front is enough.
    """
    scores = [0.0] * len(prompts)
    groups = [list(range(len(prompts)))] if len(prompts) > 1 else []
    while groups:
        group = groups.pop()
        front = _in_common([prompts[index] for index in group])
        odds = yield prompts[group[0]][:front]
        branches: dict[int, list[int]] = defaultdict(list)
        for index in group:
            if len(prompts[index]) > front:
                branches[prompts[index][front]].append(index)
        for token, branch in branches.items():
            for index in branch:
                scores[index] += odds(token)
            if len(branch) > 1:
                groups.append(branch)
    return scores


def _in_common(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all begin with."""
    return sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, zip(*prompts, strict=False)))
