from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rpchat.store.scenes import SceneStore


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "rpchat.db"


@pytest.fixture
def store(database: Path) -> Iterator[SceneStore]:
    store = SceneStore.open(database)
    yield store
    store.close()
