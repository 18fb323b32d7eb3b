"""A search that takes files, too: those that are dropped on the window come as a paste."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from rpchat.story.text import one_line
from rpchat.tui.dropped import existing, looks_dropped
from rpchat.tui.widgets.clean_fields import CleanLine

_LONGEST = 500
"""Characters of a search that is pasted."""


class SearchField(CleanLine):
    """Where one searches. A paste that is the path of something that is there, or of several, is told as dropped."""

    @dataclass
    class FilesDropped(Message):
        """Files that are there were dropped or pasted."""

        paths: Sequence[Path]

    def take_pasted(self, text: str) -> None:
        """Take files, or search for what it says."""
        if looks_dropped(text):
            self.run_worker(self._take(text), group="paste")
        else:
            super().take_pasted(one_line(text, _LONGEST))

    async def _take(self, text: str) -> None:
        paths = await asyncio.to_thread(existing, text)
        if paths:
            self.post_message(self.FilesDropped(paths))
        else:
            super().take_pasted(one_line(text, _LONGEST))
