"""The pictures that were made small already, and those that are still to be made: on a thread, one at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

from rpchat.errors import FileError
from rpchat.tui.pictures import Picture, Way, small

_KEPT = 400
_Wish = tuple[Path, int, int]
"""A file, and how many columns and rows of cells its picture is to fill."""


class Gallery:
    """Makes pictures for lists. `way` is how they are drawn; while it is `off` none is made."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self._made: OrderedDict[_Wish, Picture | None] = OrderedDict()

    def known(self, path: Path | None, *, columns: int, rows: int) -> Picture | None:
        """Return the picture if it is there already; None if not, or if there can be none."""
        if path is None or self.way == "off":
            return None
        return self._made.get((path, columns, rows))

    async def make(
        self, paths: Iterable[Path], *, columns: int, rows: int
    ) -> AsyncGenerator[tuple[Path, Picture], None]:
        """Yield the pictures that are not there yet, one by one. Those that are refused are left out, and remembered:
        a mark stands in their place anyway."""
        for path in paths:
            wish = (path, columns, rows)
            if self.way == "off" or wish in self._made:
                continue
            try:
                picture = await asyncio.to_thread(small, path, columns=columns, rows=rows)
            except FileError:
                self._keep(wish, None)
                continue
            self._keep(wish, picture)
            yield path, picture

    def forget(self, path: Path) -> None:
        """Forget a picture whose file has changed."""
        for wish in [wish for wish in self._made if wish[0] == path]:
            del self._made[wish]

    def _keep(self, wish: _Wish, picture: Picture | None) -> None:
        self._made[wish] = picture
        while len(self._made) > _KEPT:
            self._made.popitem(last=False)
