"""A search that takes files, too: those that are dropped on the window come as a paste."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import events
from textual.message import Message
from textual.widgets import Input

from rpchat.story.text import one_line
from rpchat.tui.dropped import existing, looks_dropped


class SearchField(Input):
    """Where one searches. A paste that is the path of something that is there, or of several, is told as dropped."""

    @dataclass
    class FilesDropped(Message):
        """Files that are there were dropped or pasted."""

        paths: Sequence[Path]

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        if looks_dropped(event.text):
            self.run_worker(self._take(event.text), group="paste")
        else:
            self._insert(event.text)

    async def _take(self, text: str) -> None:
        paths = await asyncio.to_thread(existing, text)
        if paths:
            self.post_message(self.FilesDropped(paths))
        else:
            self._insert(text)

    def _insert(self, text: str) -> None:
        self.insert_text_at_cursor(one_line(text, 500))
