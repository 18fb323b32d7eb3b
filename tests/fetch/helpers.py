"""Short forms for what tests of fetching do again and again."""

from __future__ import annotations

import random
from contextlib import aclosing
from pathlib import Path

import huggingface_hub.constants
import pytest

from rpchat.fetch.download import fetch
from rpchat.fetch.events import FetchEvent, Waiting
from rpchat.fetch.wanted import Wanted

REPOSITORY = "somebody/Tiny-GGUF"
WHOLE = b"GGUF" + random.Random(1).randbytes(3_000_000)
OTHER = b"GGUF" + random.Random(2).randbytes(200_000)
WISH = Wanted(repository=REPOSITORY, quantisation="Q4_K_M")
AT_ONCE = (0.0, 0.0, 0.0)
"""So many more tries, without waiting."""


def at_hub(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Set the hub library up as HF_ENDPOINT would have, which it reads only once."""
    constants = huggingface_hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def fetched(folder: Path, wish: Wanted = WISH, *, rests: tuple[float, ...] = AT_ONCE) -> list[FetchEvent]:
    """Fetch to the end; return all that was told."""
    async with aclosing(fetch(wish, folder, rests=rests)) as events:
        return [event async for event in events]


def visible(folder: Path) -> dict[str, bytes]:
    """Return the files in a folder that a user sees."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def kept(folder: Path) -> list[int]:
    """Return the sizes of what is left of interrupted downloads."""
    return [path.stat().st_size for path in folder.glob(".*.part")]


def reasons(events: list[FetchEvent]) -> list[str]:
    """Return why it was waited."""
    return [event.why for event in events if isinstance(event, Waiting)]
