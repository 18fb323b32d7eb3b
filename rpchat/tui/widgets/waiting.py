"""What is shown while the reader waits: what is being done, how far it is, and a bar once it takes a while. Pure."""

from __future__ import annotations

from textual.content import Content

from rpchat.session import Retrying
from rpchat.tui.widgets.status import bar

PATIENCE = 0.3
"""Seconds after which a bar is drawn."""
_CELLS = 20
_ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}


def loading_line(done: int, total: int, *, size: int = 0) -> Content:
    """Return `loading the model` with the share that is there; `size` in bytes says of how much."""
    share = min(1.0, done / total) if total else 0.0
    of = f" {size * share / 1e9:.1f} of {size / 1e9:.1f} GB" if size >= 1e8 else f" {share:.0%}"
    return Content(f"loading the model{of} ").stylize("$ooc") + bar(done, total, cells=_CELLS)


def reading_line(done: int, total: int, *, seconds: float) -> Content:
    """Return `reading 1,204 of 3,500`, with a bar when it already took longer than `PATIENCE`."""
    line = Content(f"reading {done:,} of {total:,} ").stylize("$ooc")
    return line + bar(done, total, cells=_CELLS) if seconds > PATIENCE else line


def thinking_line(characters: int) -> Content:
    """Return `thinking … 240 characters`."""
    return Content(f"thinking … {characters:,} characters").stylize("$ooc")


def retrying_line(event: Retrying) -> Content:
    """Return why a try is not shown, and what the next one changes."""
    return Content(f"{event.cause} · {_ORDINALS.get(event.attempt, event.attempt)} try: {event.change}")
