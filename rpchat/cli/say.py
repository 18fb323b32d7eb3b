"""`rpchat say`: one line and its reply, without a screen."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from rpchat.cli.build import Options, open_session, running
from rpchat.engine.port import Notice, Stepping
from rpchat.errors import RpchatError
from rpchat.session import Delta, Finished, Retrying, SessionEvent, Started
from rpchat.story.turn import Turn

WAIT_SECONDS = 30.0
"""How long a call waits for another rpchat to give the home back."""

_FIGURES = ("attempts", "prompt_tokens", "prefilled_tokens", "reply_tokens", "prefill_ms", "decode_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What to say, and how the reply is written and printed."""

    text: str
    as_json: bool = False
    seed: int | None = None
    max_tokens: int | None = None
    swipes: int = 1


async def run(options: Options, saying: Saying) -> int:
    """Say it; print the reply, or with `swipes` several versions of it."""
    async with running(options, wait=WAIT_SECONDS) as program:
        session = await open_session(program, options)
        assert session is not None
        if program.read_only:
            raise RpchatError("another rpchat is using this home", "Close it, or give another --home.")
        async with aclosing(program.models.load(session)) as loading:
            async for event in loading:
                if isinstance(event, Stepping):
                    print(f"rpchat: {event.what}", file=sys.stderr, flush=True)
        await session.say(saying.text)
        if saying.swipes == 1:
            await _print(session.reply(seed=saying.seed, max_tokens=saying.max_tokens), as_json=saying.as_json)
        else:
            many = session.many.swipes(saying.swipes, seed=saying.seed, max_tokens=saying.max_tokens)
            await _print_in_order(many, saying.swipes, as_json=saying.as_json)
    return 0


async def _print(events: AsyncGenerator[SessionEvent, None], *, as_json: bool) -> None:
    async with aclosing(events):
        async for event in events:
            _tell(event, as_json=as_json)


async def _print_in_order(events: AsyncGenerator[tuple[int, SessionEvent], None], count: int, *, as_json: bool) -> None:
    """Print one version behind the other: the earliest that is not finished as it is written, the later ones when it
    is their turn."""
    waiting: list[list[SessionEvent]] = [[] for _ in range(count)]
    current = 0
    async with aclosing(events):
        async for version, event in events:
            waiting[version].append(event)
            while current < count and waiting[current]:
                told = waiting[current].pop(0)
                _tell(told, as_json=as_json)
                current += isinstance(told, Finished)
    # A version that came to nothing has held up those behind it.
    for told in (told for rest in waiting for told in rest):
        _tell(told, as_json=as_json)


def _tell(event: SessionEvent, *, as_json: bool) -> None:
    if isinstance(event, Started | Delta) and not as_json:
        text = event.turn.text if isinstance(event, Started) else event.text
        sys.stdout.write(text)
        sys.stdout.flush()
    elif isinstance(event, Notice):
        _note(event.text)
    elif isinstance(event, Retrying):
        _note(f"empty reply: {event.cause}; try {event.attempt} of {event.of}: {event.change}")
    elif isinstance(event, Finished):
        sys.stdout.write(json.dumps(_object(event.turn), ensure_ascii=False) + "\n" if as_json else "\n")
        sys.stdout.flush()
        if event.notice:
            _note(event.notice)


def _object(turn: Turn) -> dict[str, object]:
    figures = {name: turn.record.get(name) for name in _FIGURES}
    return {"speaker": turn.speaker, "text": turn.text, "finish": turn.finish, **figures}


def _note(line: str) -> None:
    print(f"rpchat: {line}", file=sys.stderr)
