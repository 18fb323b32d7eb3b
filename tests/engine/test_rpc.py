"""A model whose layers lie on llama.cpp's RPC servers: it plays, one of them vanishes, and it is back.

For builds of llama.cpp that can: `ggml-rpc-server` is looked for on PATH and in RPCHAT_RPC_SERVER.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import llama_cpp
import pytest

from rpchat.engine.child import ChildEngine
from rpchat.errors import EngineError, ModelError
from rpchat.prompt.segment import with_gap
from tests.engine.helpers import ask, loaded, question, quick, reply
from tests.engine.test_shift import KEPT, OLD, SETUP
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

VARIABLE = "RPCHAT_RPC_SERVER"
TALE = question("Count the gulls, one by one.")


def find_server() -> str:
    """Return the program, or skip the test."""
    program = os.environ.get(VARIABLE) or shutil.which("ggml-rpc-server") or shutil.which("rpc-server")
    if not llama_cpp.llama_supports_rpc():
        pytest.skip("this build of llama.cpp has no RPC")
    if program is None:
        pytest.skip(f"there is no ggml-rpc-server on PATH, and none in {VARIABLE}")
    return program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Have a server on `port` that is ready, for as long as the block runs."""
    command = [find_server(), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, "the server ended by itself"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline, "the server does not come up"
                time.sleep(0.05)
            else:
                break
        yield process
    finally:
        process.kill()
        process.wait(timeout=30)


async def test_when_a_server_is_back_the_scene_goes_on(
    own_engine: ChildEngine,
) -> None:
    ports = [free_port(), free_port()]
    addresses = tuple(f"127.0.0.1:{port}" for port in ports)
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(serving(ports[0]))
        process = second.enter_context(serving(ports[1]))
        model = await loaded(own_engine, smollm2_path(), replace(quick(), rpc_servers=addresses))
        assert model.offloaded
        assert len([device for device in model.devices if device.name.startswith("RPC")]) == 2
        before = await reply(own_engine, ask(TALE, max_tokens=12, forbid_end=12))
        process.kill()
        process.wait(timeout=30)
        with pytest.raises(EngineError, match="RPC server") as gone:
            await reply(own_engine, ask(question("And now?"), max_tokens=12, forbid_end=12))
        assert "\n" not in str(gone.value)
        with pytest.raises((EngineError, ModelError), match=addresses[1]):
            await reply(own_engine, ask(TALE, max_tokens=12, forbid_end=12))
        second.close()
        second.enter_context(serving(ports[1]))
        again = await reply(own_engine, ask(TALE, max_tokens=12, forbid_end=12))
        assert again.ids == before.ids


async def test_what_lies_on_a_server_is_shifted_there(own_engine: ChildEngine) -> None:
    port = free_port()
    with serving(port):
        settings = replace(quick(n_ctx=384), rpc_servers=(f"127.0.0.1:{port}",))
        assert (await loaded(own_engine, smollm2_path(), settings)).can_shift
        await reply(own_engine, ask((*SETUP, *OLD, *KEPT), max_tokens=4))
        shorter = await reply(own_engine, ask(with_gap((*SETUP, *KEPT)), max_tokens=4))
        assert shorter.end.prefilled_tokens == 1


async def test_a_server_that_was_never_there_is_one_line(own_engine: ChildEngine) -> None:
    find_server()
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ModelError, match=address):
        await loaded(own_engine, smollm2_path(), replace(quick(), rpc_servers=(address,)))
