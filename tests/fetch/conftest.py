from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fetch.helpers import OTHER, REPOSITORY, WHOLE, at_hub
from tests.fetch.hub_server import HubServer, Repository, serving


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with one repository, and the hub library set up to ask it."""
    files = {"README.md": b"# A model", "Tiny-Q4_K_M.gguf": WHOLE, "Tiny-Q8_0.gguf": OTHER, "mmproj-f16.gguf": OTHER}
    with serving({REPOSITORY: Repository(files)}) as server:
        at_hub(monkeypatch, server.url)
        yield server
