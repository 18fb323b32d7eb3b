"""Several versions of a reply from a llama-server: together where it has slots for them, else one behind the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import pytest

from rpchat.engine.port import Ended, Piece, Reading, Request, StreamEvent
from rpchat.engine.remote.engine import RemoteEngine
from rpchat.engine.remote.llama import LlamaServer
from rpchat.errors import EngineError
from tests.engine.helpers import WARM, ask, question, reply, until
from tests.engine.remote.conftest import SLOTS

REQUEST = ask(question("Name a colour, and what it is good for."), sampling=WARM, seed=11, max_tokens=8)
Told = list[tuple[int, StreamEvent]]


async def told(engine: RemoteEngine, request: Request, count: int) -> Told:
    async with aclosing(engine.stream_many(request, count, wanted=lambda _: True)) as events:
        return [event async for event in events]


def ids_of(events: Told, version: int) -> tuple[int, ...]:
    return tuple(event.id for index, event in events if index == version and isinstance(event, Piece))


def ends(events: Told) -> dict[int, Ended]:
    return {index: event for index, event in events if isinstance(event, Ended)}


async def test_slots_write_versions_together_from_one_reading(wide: RemoteEngine) -> None:
    events = await told(wide, REQUEST, SLOTS)
    order = [index for index, event in events if isinstance(event, Piece)]
    assert order.index(SLOTS - 1) < len(order) - 1 - order[::-1].index(0)
    assert {index for index, event in events if isinstance(event, Reading)} == {0}
    assert set(ends(events)) == set(range(SLOTS))
    assert ends(events)[0].prefilled_tokens > 1
    assert [ends(events)[index].prefilled_tokens for index in range(1, SLOTS)] == [0] * (SLOTS - 1)
    assert len({ids_of(events, index) for index in range(SLOTS)}) > 1


async def test_each_has_the_seed_it_would_have_alone(wide: RemoteEngine) -> None:
    events = await told(wide, REQUEST, 2)
    for version in range(2):
        alone = await reply(wide, ask(REQUEST.segments, sampling=WARM, seed=11 + version, max_tokens=8))
        # Written beside others, the last bits differ: further on, a near tie may fall the other way.
        assert ids_of(events, version)[:4] == alone.ids[:4]


async def test_more_versions_than_slots_come_in_groups(wide: RemoteEngine) -> None:
    events = await told(wide, REQUEST, SLOTS + 2)
    assert set(ends(events)) == set(range(SLOTS + 2))
    assert {index for index, event in events if isinstance(event, Reading)} == {0}


async def test_they_are_no_more_than_fit_beside_each_other(wide: RemoteEngine) -> None:
    model, prompt = wide.model, await wide.tokenize(REQUEST.segments)
    assert model is not None
    half = (model.n_ctx - len(prompt)) // 2
    events = await told(wide, ask(REQUEST.segments, sampling=WARM, seed=2, max_tokens=half + 1), 2)
    order = [index for index, event in events if isinstance(event, Piece)]
    assert order == sorted(order)
    assert set(ends(events)) == {0, 1}


async def test_where_replies_may_not_end_at_first_they_come_one_by_one(wide: RemoteEngine) -> None:
    request = ask(REQUEST.segments, sampling=WARM, seed=3, max_tokens=6, forbid_end=3)
    events = await told(wide, request, 2)
    order = [index for index, event in events if isinstance(event, Piece)]
    assert order == sorted(order)
    assert min(end.reply_tokens for end in ends(events).values()) >= 3


async def test_nothing_more_comes_of_one_that_is_not_wanted(wide: RemoteEngine) -> None:
    request = ask(question("Count."), sampling=WARM, max_tokens=24, forbid_end=0)
    events: Told = []
    async with aclosing(wide.stream_many(request, 2, wanted=lambda version: version != 0)) as coming:
        async for one in coming:
            events.append(one)
    assert len(ids_of(events, 0)) == 1
    assert set(ends(events)) == {1}
    assert ends(events)[1].reply_tokens == len(ids_of(events, 1)) > 1


async def test_idle_ones_give_way(wide: RemoteEngine) -> None:
    request = ask(question("Count from one to a thousand."), sampling=WARM, max_tokens=400)
    came: Told = []

    async def idly() -> None:
        async with aclosing(wide.stream_many(request, SLOTS, wanted=lambda _: True, idle=True)) as events:
            async for event in events:
                came.append(event)

    idle = asyncio.create_task(idly())
    await until(lambda: len(came) > 6)
    assert (await reply(wide, ask(question("Hi."), max_tokens=1))).end.reply_tokens <= 1
    await idle
    assert not ends(came)


class OldHttp:
    """A server with slots that writes one version whatever it is asked, as those did that did not know better."""

    def __init__(self, chunks: list[Mapping[str, object]]) -> None:
        self.bodies: list[Any] = []
        self._chunks = chunks

    async def events(self, path: str, body: Mapping[str, object]) -> AsyncGenerator[Mapping[str, object], None]:
        self.bodies.append(body)
        for chunk in self._chunks:
            yield chunk


WORD = {"index": 0, "content": "Blue", "tokens": [5], "tokens_predicted": 1, "stop": False}
END = {"index": 0, "content": "", "tokens": [], "stop": True, "stop_type": "limit"}


async def written(http: OldHttp) -> Told:
    server = LlamaServer(http)  # type: ignore[arg-type]
    async with aclosing(server.write_many([1, 2], ask((), seed=7, max_tokens=1), 3)) as events:
        return [event async for event in events]


async def test_a_server_that_cannot_is_asked_for_each() -> None:
    http = OldHttp([WORD, END])
    events = await written(http)
    assert [ids_of(events, index) for index in range(3)] == [(5,)] * 3
    assert [body.get("n_cmpl") for body in http.bodies] == [3, None, None]
    assert [body["seed"] for body in http.bodies] == [7, 8, 9]


@pytest.mark.parametrize("chunks", [[WORD], [WORD, {**WORD, "index": 1}, END], [{**WORD, "index": 3}], []])
async def test_what_breaks_off_is_an_error(chunks: list[Mapping[str, object]]) -> None:
    with pytest.raises(EngineError):
        await written(OldHttp(chunks))
