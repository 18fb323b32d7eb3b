"""Engines on servers: the strict one of the tests, and a real llama-server where there is one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.port import Loaded
from rpchat.engine.remote.engine import RemoteEngine
from rpchat.engine.remote.http import Patience
from rpchat.engine.remote.settings import ServerSettings
from rpchat.engine.settings import EngineSettings
from tests.engine.remote.helpers import load
from tests.engine.remote.strict import StrictServer, serving
from tests.models import smollm2_path

VARIABLE = "RPCHAT_LLAMA_SERVER"
N_CTX = 512
N_BATCH = 32
SLOTS = 3


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "engine.log"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[StrictServer]:
    """A strict server that takes text only."""
    async with serving(StrictServer()) as strict:
        yield strict


@pytest_asyncio.fixture
async def vllm() -> AsyncIterator[StrictServer]:
    """A strict server that tokenises, as vLLM does."""
    async with serving(StrictServer(is_vllm=True)) as strict:
        yield strict


@pytest_asyncio.fixture
async def connect(log: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., RemoteEngine]]:
    """Makes engines that do not wait long, and closes them."""
    monkeypatch.delenv("RPCHAT_API_KEY", raising=False)
    engines: list[RemoteEngine] = []

    def make(url: str, **settings: object) -> RemoteEngine:
        wanted = ServerSettings(url=url, **settings)  # type: ignore[arg-type]
        engines.append(RemoteEngine(wanted, log=log, patience=Patience(tries=3, first=0.0, longest=1.0)))
        return engines[-1]

    yield make
    for engine in engines:
        await engine.close()


def find_llama_server() -> str:
    """Return the program; skips the test where there is none."""
    found = os.environ.get(VARIABLE) or shutil.which("llama-server")
    if not found:
        pytest.skip(f"there is no llama-server on PATH, and none in {VARIABLE}")
    return found


@pytest.fixture(scope="session")
def llama_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real llama-server with SmolLM2 in it, and one slot."""
    with _running(tmp_path_factory.mktemp("server") / "log", slots=1) as url:
        yield url


@pytest.fixture(scope="session")
def wide_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one with several slots, which share their cells."""
    with _running(tmp_path_factory.mktemp("wide") / "log", slots=SLOTS) as url:
        yield url


@contextmanager
def _running(printed: Path, *, slots: int) -> Iterator[str]:
    """Have a llama-server for as long as the block runs; what it prints goes to a file."""
    program, model = find_llama_server(), smollm2_path()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Without repacking a token's numbers are the same whatever is computed beside it.
    command = [
        program, "-m", str(model), "-c", str(N_CTX), "--parallel", str(slots), "--kv-unified", "-t", "1",
        "-b", str(N_BATCH), "-ub", str(N_BATCH), "-fa", "on", "-ngl", "0", "--no-repack", "--cache-ram", "0",
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with printed.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, printed)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str, process: subprocess.Popen[bytes], printed: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, printed.read_text(errors="replace")[-2000:]
        assert time.monotonic() < deadline, "llama-server does not come up"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)


@pytest_asyncio.fixture
async def llama(llama_url: str, log: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RemoteEngine]:
    """An engine on the real llama-server, loaded."""
    async with _loaded(llama_url, log, monkeypatch) as engine:
        yield engine


@pytest_asyncio.fixture
async def wide(wide_url: str, log: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RemoteEngine]:
    """One on a server with several slots."""
    async with _loaded(wide_url, log, monkeypatch) as engine:
        yield engine


@asynccontextmanager
async def _loaded(url: str, log: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RemoteEngine]:
    monkeypatch.delenv("RPCHAT_API_KEY", raising=False)
    engine = RemoteEngine(ServerSettings(url=url), log=log)
    try:
        assert isinstance((await load(engine, EngineSettings()))[-1], Loaded)
        yield engine
    finally:
        await engine.close()
