"""What goes wrong on the way, and the one line that is told of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing

import pytest

from rpchat.engine.port import Piece
from rpchat.engine.remote.engine import RemoteEngine
from rpchat.engine.remote.http import Patience
from rpchat.errors import EngineError, ModelError, PromptError
from rpchat.prompt.segment import text
from tests.engine.helpers import ask, drain, reply
from tests.engine.remote.helpers import load, loaded
from tests.engine.remote.strict import Fault, StrictServer, serving

Connect = Callable[..., RemoteEngine]
HELLO = (text("Hello."),)


async def test_nobody_at_the_address(connect: Connect) -> None:
    async with serving(StrictServer()) as server:
        url = server.url
    with pytest.raises(ModelError, match=r"no server answers at 127\.0\.0\.1"):
        await load(connect(url))


async def test_a_server_of_something_else(connect: Connect) -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(page, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(ModelError, match="cannot be read"):
            await load(connect(f"http://127.0.0.1:{port}"))


async def test_a_missing_and_a_wrong_key(
    server: StrictServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = "sk-right"
    with pytest.raises(ModelError, match="wants a key"):
        await load(connect(server.url))
    monkeypatch.setenv("RPCHAT_API_KEY", "sk-wrong")
    with pytest.raises(ModelError, match="refuses the key") as caught:
        await load(connect(server.url))
    assert "sk-wrong" not in str(caught.value)
    monkeypatch.setenv("RPCHAT_API_KEY", "sk-right")
    assert (await loaded(connect(server.url))).name == "little"


async def test_a_model_it_does_not_have(server: StrictServer, connect: Connect) -> None:
    with pytest.raises(ModelError, match=r"no model `large`\. It has `little`"):
        await load(connect(server.url, model="large"))


async def test_a_prompt_longer_than_its_context(server: StrictServer, connect: Connect) -> None:
    server.context = 100
    engine = connect(server.url)
    await load(engine)
    with pytest.raises(PromptError, match="maximum context length is 100"):
        await reply(engine, ask((text("word " * 60),)))
    with pytest.raises(PromptError, match="the context holds"):
        await reply(engine, ask((text("word " * 6000),)))


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Fault(status=404, said="model gone"), "no such model"),
        (Fault(status=403), "wants a key"),
        (Fault(status=500, said="CUDA out of memory"), r"failed \(500\): CUDA out of memory"),
        (Fault(status=418), r"refuses \(418\)"),
        (Fault(status=302, headers={"Location": "http://elsewhere.example/"}), "elsewhere.example"),
        (Fault(kind="whole"), "does not stream"),
        (Fault(kind="garbage"), "cannot be read"),
        (Fault(kind="garbage", after=2), "cannot be read"),
        (Fault(kind="cut", after=2), "went away in mid-answer"),
        (Fault(kind="unended", after=2), "broke off in mid-answer"),
    ],
)
async def test_a_fault_is_one_line_and_what_came_before_it_is_told(
    server: StrictServer, connect: Connect, fault: Fault, line: str
) -> None:
    engine = connect(server.url)
    await load(engine)
    server.faults.append(fault)
    told: list[object] = []
    with pytest.raises(EngineError, match=line):
        await drain(engine.stream(ask(HELLO)), told)  # type: ignore[arg-type]
    written = b"".join(event.data for event in told if isinstance(event, Piece))
    assert written.decode() == "".join(server.words[: fault.after])
    assert len(server.completions) == 1
    assert (await reply(engine, ask(HELLO))).data == b"The rain has stopped."


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_may_pass_is_waited_out(server: StrictServer, connect: Connect, status: int) -> None:
    engine = connect(server.url)
    await load(engine)
    server.faults.extend([Fault(status=status), Fault(status=status, headers={"Retry-After": "0"})])
    assert (await reply(engine, ask(HELLO))).data == b"The rain has stopped."
    assert len(server.completions) == 3


async def test_what_does_not_pass_is_told(server: StrictServer, connect: Connect) -> None:
    engine = connect(server.url)
    await load(engine)
    server.faults.extend([Fault(status=429)] * 3)
    with pytest.raises(EngineError, match="too much to do"):
        await reply(engine, ask(HELLO))
    assert len(server.completions) == 3


async def test_a_server_that_asks_for_too_long_a_wait_is_not_waited_for(server: StrictServer, connect: Connect) -> None:
    engine = connect(server.url)
    await load(engine)
    server.faults.append(Fault(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(EngineError, match="429"):
        await reply(engine, ask(HELLO))
    assert len(server.completions) == 1


def test_pauses_grow_and_heed_what_the_server_asks_for() -> None:
    patience = Patience(tries=4, first=0.5, longest=30)
    assert [patience.pause(attempt, None) for attempt in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, None]
    assert patience.pause(1, 12.0) == 12.0
    assert patience.pause(1, 31.0) is None


@pytest.mark.parametrize("after", [0, 2])
async def test_a_silent_server_is_given_up(server: StrictServer, connect: Connect, after: int) -> None:
    engine = connect(server.url, patience=0.2)
    await load(engine)
    server.faults.append(Fault(kind="silent", after=after))
    with pytest.raises(EngineError, match="says nothing"):
        await reply(engine, ask(HELLO))
    async with asyncio.timeout(10):
        await server.left.wait()


async def test_closing_a_stream_reaches_the_server(server: StrictServer, connect: Connect) -> None:
    engine = connect(server.url)
    await load(engine)
    server.faults.append(Fault(kind="silent", after=3))
    written = b""
    async with aclosing(engine.stream(ask(HELLO))) as events:
        async for event in events:
            if isinstance(event, Piece):
                written += event.data
            if written == b"The rain has":
                break
    async with asyncio.timeout(10):
        await server.left.wait()


async def test_cancelling_while_the_server_is_silent_reaches_it(server: StrictServer, connect: Connect) -> None:
    engine = connect(server.url)
    await load(engine)
    server.faults.append(Fault(kind="silent"))
    task = asyncio.create_task(reply(engine, ask(HELLO)))
    async with asyncio.timeout(10):
        while not server.completions:  # noqa: ASYNC110 - the server is what is waited for
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.left.wait()


async def test_the_key_goes_nowhere_else(
    server: StrictServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPCHAT_API_KEY", "sk-mine")
    async with serving(StrictServer()) as other:
        engine = connect(server.url)
        model = await loaded(engine)
        server.faults.append(Fault(status=307, headers={"Location": f"{other.url}/completions"}))
        with pytest.raises(EngineError, match="sends one elsewhere"):
            await reply(engine, ask(HELLO))
        assert other.asked == []
    assert server.asked[-1].headers["authorization"] == "Bearer sk-mine"
    assert "sk-mine" not in repr(model)
    assert "sk-mine" not in json.dumps([one.body for one in server.asked])


async def test_after_closing_nothing_is_asked(server: StrictServer, connect: Connect) -> None:
    engine = connect(server.url)
    await load(engine)
    await engine.close()
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        await reply(engine, ask(HELLO))
    assert server.completions == []
