"""Workers that misbehave, and a parent to be killed: run as processes by `test_death.py`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rpchat.engine.worker import __main__ as worker


def misbehave(behaviour: str, record: Path) -> None:
    """Run the real worker with one fault built in; every start of loading is written to `record`."""
    if behaviour == "no-library":
        sys.modules["llama_cpp"] = None  # type: ignore[assignment]
        return worker.main()
    from rpchat.engine.worker import model
    from rpchat.engine.worker.decode import Decoder

    load = model.load

    def loading(order: model.Order, **rest: object) -> model.Model:
        with record.open("a") as file:
            file.write("safe\n" if order.safe_mode else "fast\n")
        if behaviour == "hopeless" or (behaviour == "illegal" and not order.safe_mode):
            os.kill(os.getpid(), signal.SIGILL)
        if behaviour == "illegal-at-work" and not order.safe_mode:
            Decoder.reply = dying(signal.SIGILL)  # type: ignore[method-assign]
        if order.safe_mode:
            return load(order, **rest)  # type: ignore[arg-type]
        if behaviour == "crashes-warming":
            Decoder.warm_up = dying(signal.SIGSEGV)  # type: ignore[method-assign]
        else:
            Decoder.warm_up = lambda _decoder, _count: note(record, "warmed")  # type: ignore[method-assign]
        # Weights are loaded safely: the machine that runs the test may be one where they must be.
        made = load(replace(order, safe_mode=True), **rest)  # type: ignore[arg-type]
        return replace(made, info=replace(made.info, safe_mode=False))

    model.load = loading  # type: ignore[assignment]
    return worker.main()


def dying(number: signal.Signals) -> Callable[..., None]:
    """Return a function that ends the process by a signal."""
    return lambda *_, **__: os.kill(os.getpid(), number)


def note(record: Path, word: str) -> None:
    with record.open("a") as file:
        file.write(f"{word}\n")


async def be_parent(folder: Path, machine: Path, model: Path) -> None:
    """Load a model, begin a long reply, print the worker's process id, and wait to be killed."""
    from rpchat.engine.child import ChildEngine
    from rpchat.engine.port import EngineSettings
    from rpchat.prompt.segment import text
    from tests.engine.helpers import ask, loaded

    engine = ChildEngine(log=folder / "log", machine=machine)
    await loaded(engine, model, EngineSettings(n_ctx=2048))
    async for _ in engine.stream(ask((text("word " * 1500),), max_tokens=400, forbid_end=400)):
        print(engine.worker_pid, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "parent":
        sys.path.insert(0, str(Path(__file__).parents[2]))
        asyncio.run(be_parent(*map(Path, sys.argv[2:5])))
    else:
        misbehave(sys.argv[1], Path(sys.argv[2]))
