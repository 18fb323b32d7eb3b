"""Workers that misbehave, and a parent to be killed: run as processes by `test_death.py`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rpchat.engine.worker import __main__ as worker

if TYPE_CHECKING:
    from rpchat.engine.worker.model import Order


def misbehave(behaviour: str, record: Path) -> None:
    """Run the real worker with one fault built in; every start of loading is written to `record`."""
    if behaviour == "no-library":
        sys.modules["llama_cpp"] = None  # type: ignore[assignment]
        return worker.main()
    from rpchat.engine.worker import model
    from rpchat.engine.worker.decode import Decoder

    load = model.load

    def loading(order: model.Order, **rest: Any) -> model.Model:
        note(record, "safe" if order.safe_mode else "fast")
        run_short(behaviour, order)
        if behaviour == "hopeless" or (behaviour == "illegal" and not order.safe_mode):
            die(signal.SIGILL)
        if order.safe_mode:
            return load(order, **rest)
        faults = {"crashes-warming": signal.SIGSEGV}
        patch(Decoder, "warm_up", lambda *_: die(faults[behaviour]) if behaviour in faults else note(record, "warmed"))
        if behaviour == "illegal-at-work":
            patch(Decoder, "reply", lambda *_, **__: die(signal.SIGILL))
        # Weights are loaded safely: the machine that runs the test may be one where they must be.
        made = load(replace(order, safe_mode=True), **rest)
        return replace(made, info=replace(made.info, safe_mode=False))

    patch(model, "load", loading)
    return worker.main()


def run_short(behaviour: str, order: Order) -> None:
    """Let memory run out for what is larger than a behaviour allows."""
    from rpchat.engine.shortage import ShortageError
    from rpchat.engine.worker.decode import Decoder

    large = order.settings.n_ctx > 4096
    if behaviour == "killed-when-large" and large:
        die(signal.SIGKILL)
    if behaviour == "always-refused" or (behaviour == "refused-when-large" and large):
        raise ShortageError(f"a context of {order.settings.n_ctx} tokens cannot be made: out of memory")
    if behaviour == "short-at-work" and order.settings.n_batch > 128:
        patch(Decoder, "reply", lambda *_, **__: run_out())


def run_out() -> None:
    """Die as llama.cpp does where it cannot have memory."""
    print("terminate called after throwing an instance of 'std::bad_alloc'", file=sys.stderr, flush=True)
    die(signal.SIGABRT)


def patch(owner: object, name: str, value: object) -> None:
    """Replace a part of the product in this process."""
    setattr(owner, name, value)


def die(number: signal.Signals) -> None:
    """End this process by a signal, as the system would."""
    os.kill(os.getpid(), number)


def note(record: Path, word: str) -> None:
    with record.open("a") as file:
        file.write(f"{word}\n")


async def be_parent(folder: Path, machine: Path, model: Path) -> None:
    """Load a model, begin a long reply, print the worker's process id, and wait to be killed."""
    from rpchat.engine.child import ChildEngine
    from rpchat.engine.settings import EngineSettings
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
