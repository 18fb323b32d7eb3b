from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.library.helpers import Home


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Home, None]:
    """A home with a library, and a folder beside it for files that come from elsewhere."""
    one = Home.made(tmp_path)
    yield one
    one.close()
