"""How likely a model finds one ending of a prompt beside others: read off its logits, nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from rpchat.engine.worker.decode import Decoder
from rpchat.engine.worker.plan import common


def score(decoder: Decoder, prompts: Sequence[list[int]]) -> list[float]:
    """Return the logarithm of the probability of each prompt's end, behind what all have in common.

    It is followed only as far as the prompts differ: of ends that part with their first token, that token counts, and
    one pass over the common front is enough. Raises PromptError and CancelledError.
    """
    scores = [0.0] * len(prompts)
    groups = [list(range(len(prompts)))] if len(prompts) > 1 else []
    while groups:
        group = groups.pop()
        front = _front([prompts[index] for index in group])
        odds = _next_token(decoder, prompts[group[0]][:front])
        branches: dict[int, list[int]] = defaultdict(list)
        for index in group:
            if len(prompts[index]) > front:
                branches[prompts[index][front]].append(index)
        for token, branch in branches.items():
            for index in branch:
                scores[index] += float(odds[token])
            if len(branch) > 1:
                groups.append(branch)
    return scores


def _front(prompts: Sequence[list[int]]) -> int:
    """The number of tokens that all have in common."""
    first, *others = prompts
    return min(common(first, other) for other in others)


def _next_token(decoder: Decoder, prompt: list[int]) -> NDArray[np.float64]:
    """The logarithms of every token's probability behind `prompt`."""
    decoder.read(prompt)
    size = decoder.vocabulary.size
    logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(decoder.context, -1), shape=(size,))
    shifted = logits.astype(np.float64) - logits.max()
    odds: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return odds
