"""One engine with a loaded model for all tests of this folder that do not break it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from rpchat.engine.child import ChildEngine
from tests.engine.helpers import loaded, quick
from tests.models import smollm2_path

N_CTX = 256


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The memory of safe mode, shared so that only the first load has to find out."""
    return tmp_path_factory.mktemp("machine") / "machine.json"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine(tmp_path_factory: pytest.TempPathFactory, machine: Path) -> AsyncIterator[ChildEngine]:
    """A loaded engine. Tests that use it must leave it alive."""
    child = ChildEngine(log=tmp_path_factory.mktemp("log") / "engine.log", machine=machine)
    await loaded(child, smollm2_path(), quick(n_ctx=N_CTX))
    yield child
    await child.close()


@pytest_asyncio.fixture(loop_scope="session")
async def own_engine(tmp_path: Path, machine: Path) -> AsyncIterator[ChildEngine]:
    """An engine of the test's own, not loaded, to be killed and closed as it likes."""
    child = ChildEngine(log=tmp_path / "engine.log", machine=machine)
    yield child
    await child.close()
