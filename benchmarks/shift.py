"""What it does to a model when old turns are moved out of its memory instead of the rest being read again.

    python benchmarks/shift.py [--model FILE] [--threads N] [--stories N] [--times N | --note] [--safe]

Stories are written by the model itself behind the shipped cards. Of each, the oldest part of the history is left out,
once by moving what follows (a context shift), once by reading the shorter prompt; the next words are the same. With
`--times` the story goes on and that happens again, as often as that, before it is looked at. With `--note` it is an
author's note a little in front of the end that is taken out instead. Told are the divergence
(KL, in nats) of the two distributions over each next token, how often they agree on the likeliest, and, as a scale, the
same between the last shorter prompt and the one with the part that was left out last.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import llama_cpp
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from decode import demo_model, plain_llama

from rpchat.store.folders import shipped
from rpchat.store.shelf import Shelf
from rpchat.story.card import Card

HISTORY = 700
"""Tokens of the history."""
LEFT_OUT = 220
NOTE = "\n[It has begun to rain, and somebody at the table is lying.]\n"
BEHIND_NOTE = 120
"""Tokens of the history that stand behind the note."""
NEXT = 48
"""Tokens over whose distributions is compared."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """Of two rows of distributions: KL in nats, on average and at worst, and the share of equal likeliest tokens."""

    mean: float
    worst: float
    agreement: float


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=demo_model())
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stories", type=int, default=12)
    parser.add_argument("--times", type=int, default=1, help="how often a part is left out")
    parser.add_argument("--note", action="store_true", help="take out a note, not the oldest part")
    parser.add_argument("--safe", action="store_true", help="no CPU-specific weight layouts")
    options = parser.parse_args()
    llama = plain_llama(options.model, threads=options.threads, safe=options.safe, all_logits=True)
    moved, left_out = [], []
    for seed, front in enumerate(islice(cycle(fronts(llama)), options.stories)):
        story = story_of(llama, front, seed=seed, times=options.times)
        one, other = without_note(llama, front, story) if options.note else compared(llama, front, story, options.times)
        moved.append(one)
        left_out.append(other)
        print(f"story {seed + 1}: {one.mean:.4f}", end="\r", file=sys.stderr, flush=True)
    report("moved against read again", moved)
    report("left out against whole", left_out)


def fronts(llama: llama_cpp.Llama) -> list[list[int]]:
    """Return what stands in front of the stories: the shipped cards, as tokens."""
    cards = [entry.load().value for entry in Shelf(Card, Path("/nonexistent"), shipped("cards")).entries()]
    texts = [
        f"{card.name}: {card.summary}\n{card.description}\n\n{card.first_message}\n"
        for card in cards
        if card is not None and card.language == "en"
    ]
    return [llama.tokenize(one.replace("{{char}}", "she").replace("{{user}}", "you").encode()) for one in texts]


def story_of(llama: llama_cpp.Llama, front: Sequence[int], *, seed: int, times: int) -> list[int]:
    """Return a history the model writes behind `front`, of which a part is left out so many times, with what comes
    next."""
    llama.reset()
    llama.set_seed(seed)
    ends = {
        token: -100.0 for token in range(llama.n_vocab()) if llama_cpp.llama_vocab_is_eog(llama._model.vocab, token)
    }

    def endless(_: object, logits: np.ndarray) -> np.ndarray:
        logits[list(ends)] = -np.inf
        return logits

    written = llama.generate(
        front, temp=1.0, min_p=0.05, top_k=0, top_p=1.0, repeat_penalty=1.05,
        logits_processor=llama_cpp.LogitsProcessorList([endless]),
    )  # fmt: skip
    return list(islice(written, HISTORY + (times - 1) * LEFT_OUT + NEXT))


def compared(
    llama: llama_cpp.Llama, front: Sequence[int], story: Sequence[int], times: int
) -> tuple[Divergence, Divergence]:
    """Return how moving so many times differs from reading again, and how leaving out differs from leaving in."""
    length = HISTORY + (times - 1) * LEFT_OUT
    following = story[length:]
    llama.reset()
    llama.eval([*front, *story[:HISTORY]])
    for end in range(HISTORY, length + 1, LEFT_OUT):
        leave_out(llama, start=len(front), count=LEFT_OUT)
        llama.eval(story[end : end + LEFT_OUT] if end < length else following)
    moved = distributions(llama, len(following))
    again = read(llama, [*front, *story[times * LEFT_OUT : length]], following)
    whole = read(llama, [*front, *story[(times - 1) * LEFT_OUT : length]], following)
    return divergence(again, moved), divergence(whole, again)


def without_note(llama: llama_cpp.Llama, front: Sequence[int], story: Sequence[int]) -> tuple[Divergence, Divergence]:
    """Return how moving what stands behind a note differs from reading it again, and how no note differs from one."""
    note = llama.tokenize(NOTE.encode(), add_bos=False)
    before = [*front, *story[: HISTORY - BEHIND_NOTE]]
    behind, following = story[HISTORY - BEHIND_NOTE : HISTORY], story[HISTORY:]
    llama.reset()
    llama.eval([*before, *note, *behind])
    leave_out(llama, start=len(before), count=len(note))
    llama.eval(following)
    moved = distributions(llama, len(following))
    again = read(llama, [*before, *behind], following)
    noted = read(llama, [*before, *note, *behind], following)
    return divergence(again, moved), divergence(noted, again)


def leave_out(llama: llama_cpp.Llama, *, start: int, count: int) -> None:
    """Remove `count` tokens from `start` on, and move what follows them up."""
    memory = llama_cpp.llama_get_memory(llama._ctx.ctx)
    llama_cpp.llama_memory_seq_rm(memory, 0, start, start + count)
    llama_cpp.llama_memory_seq_add(memory, 0, start + count, -1, -count)
    llama.n_tokens -= count


def read(llama: llama_cpp.Llama, prompt: Sequence[int], following: Sequence[int]) -> np.ndarray:
    """Read a prompt and what follows it; return the distributions of what stands behind each token of that."""
    llama.reset()
    llama.eval([*prompt, *following])
    return distributions(llama, len(following))


def distributions(llama: llama_cpp.Llama, count: int) -> np.ndarray:
    """Return the logarithms of the last `count` distributions, one row each."""
    logits = llama.scores[llama.n_tokens - count : llama.n_tokens].astype(np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def divergence(right: np.ndarray, other: np.ndarray) -> Divergence:
    """Return how far `other` is from `right`, row by row."""
    each = (np.exp(right) * (right - other)).sum(axis=1)
    agreement = float((right.argmax(axis=1) == other.argmax(axis=1)).mean())
    return Divergence(float(each.mean()), float(each.max()), agreement)


def report(what: str, found: Sequence[Divergence]) -> None:
    """Print the figures over all stories."""
    means = sorted(one.mean for one in found)
    agreement = statistics.mean(one.agreement for one in found)
    print(
        f"{what}: KL median {statistics.median(means):.4f} ({means[0]:.4f} … {means[-1]:.4f}), "
        f"worst token {max(one.worst for one in found):.3f}, same likeliest token {agreement:.1%}, {len(found)} stories"
    )


if __name__ == "__main__":
    main()
