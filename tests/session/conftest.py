from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from tests.session.helpers import Play, play

Begin = Callable[..., Play]


@pytest_asyncio.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Begin]:
    """Begin one scene, with the arguments of `play` behind the folder; it is closed behind the test."""
    begun: list[Play] = []

    def beginning(*args: object, **kwargs: object) -> Play:
        begun.append(play(tmp_path, *args, **kwargs))  # type: ignore[arg-type]
        return begun[-1]

    yield beginning
    for one in begun:
        await one.close()
