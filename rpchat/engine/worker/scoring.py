"""How likely a model finds one ending of a prompt beside others: read off its logits, nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import llama_cpp
import numpy as np

from rpchat.engine.endings import Odds, ends_of
from rpchat.engine.worker.decode import Decoder, TokenPrompt
from rpchat.prompt.segment import Segment


def score(decoder: Decoder, prompts: Sequence[Sequence[Segment]]) -> list[float]:
    """Return the logarithm of the probability of each prompt's end, behind what all have in common.

    It is followed only as far as the prompts differ. Raises PromptError and CancelledError.
    """
    asked = [decoder.prompt_of(prompt) for prompt in prompts]
    asking = ends_of([prompt.ids for prompt in asked])
    try:
        front = next(asking)
        while True:
            front = asking.send(_next_token(decoder, replace(asked[0], ids=list(front))))
    except StopIteration as end:
        scores: list[float] = end.value
        return scores


def _next_token(decoder: Decoder, prompt: TokenPrompt) -> Odds:
    """The odds of every token behind `prompt`."""
    decoder.read(prompt)
    size = decoder.vocabulary.size
    logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(decoder.context, -1), shape=(size,))
    shifted = logits.astype(np.float64) - logits.max()
    odds = shifted - np.log(np.exp(shifted).sum())
    return lambda token: float(odds[token])
