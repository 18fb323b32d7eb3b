"""`rpchat models` and `rpchat models get`: what there is to play with, and fetching more.

Neither takes the home's lock: a scene goes on beside a download of hours.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import aclosing
from pathlib import Path

from rich.cells import cell_len

from rpchat.choices import Choices
from rpchat.cli.build import Options, engine_for, engine_of
from rpchat.cli.serving import Served, served
from rpchat.engine.port import Resources
from rpchat.errors import RpchatError
from rpchat.fetch.curated import Offer, offers
from rpchat.fetch.events import Fetched, FetchEvent, Fetching, Pace, Waiting, gigabytes, told
from rpchat.fetch.wanted import wanted
from rpchat.model_rows import ModelRow, ModelRows, memory_for_models
from rpchat.store.config import load_config
from rpchat.store.folders import Folders, find_home, shipped
from rpchat.store.shelf import Shelf
from rpchat.story.preset import Preset
from rpchat.story.text import one_line

_NAME = 44
_REDRAW = 0.2
"""Seconds between two drawings of the line that says how far a download is."""
_TELL = 30.0
"""The same where the output is no terminal: there each is a line of its own."""


class _Home:
    """What the commands about models need of a home."""

    def __init__(self, options: Options) -> None:
        self.folders = Folders(find_home(options.home))
        self.folders.create()
        self.presets: Shelf[Preset] = Shelf(Preset, self.folders.presets, shipped("presets"))
        config = load_config(self.folders.config_file)
        self.choices = Choices(self.folders, config, self.presets, wishes=options.wishes)

    async def resources(self) -> Resources:
        """Return what this machine has. Raises RpchatError if llama.cpp cannot be started."""
        engine = engine_for(self.folders)
        try:
            return (await engine.inspect(None)).resources
        finally:
            await engine.close()

    async def served(self) -> Served | None:
        """Return the server that is played on; None where this machine computes. Raises RpchatError."""
        if not self.choices.server.url:
            return None
        engine = engine_of(self.folders, self.choices.config, self.choices.wishes)
        try:
            return await served(self.choices, engine)
        finally:
            await engine.close()


async def list_models(options: Options, *, as_json: bool) -> int:
    """Print every model that was found, as a table or as one JSON list; `▸` marks the one that would be played. A
    server that is played on comes first."""
    home = _Home(options)
    server = await home.served()
    try:
        resources = await home.resources()
    except RpchatError as error:
        # The list is worth having without it; `rpchat doctor` says more.
        print(f"rpchat: whether they fit is not known: {error}", file=sys.stderr)
        resources = None
    rows = list(ModelRows(home.choices, home.presets, home.folders).rows(resources))
    if as_json:
        told = [_as_json(row) for row in rows]
        print(json.dumps([_served_json(server), *told] if server else told, ensure_ascii=False, indent=1))
        return 0
    if server is not None:
        print(f"on {server.label}:\n{_served_line(server)}")
    width = min(_NAME, max((cell_len(row.entry.name) for row in rows), default=0))
    place = ""
    for row in rows:
        if row.place != place:
            place = row.place
            print(f"{place}:")
        print(_line(row, width))
    if server is None and not any(row.preset for row in rows):
        folder = home.choices.models_folder
        print(f"No model yet. Put a GGUF file into {folder}, or fetch one: `rpchat models get` lists some.")
    return 0


def _line(row: ModelRow, width: int) -> str:
    told = row.entry.told
    name = row.entry.name + " " * max(0, width - cell_len(row.entry.name))
    start = f"{'▸' if row.played else ' '} {name}  "
    if told is None or not row.preset:
        return f"{start}✗ {row.entry.error}"
    context = f"{told.context:,} tokens" if told.context else "context not told"
    facts = f"{row.entry.quantisation or '?':<7} {gigabytes(row.entry.size):>5} GB  {context:>14}  {told.architecture}"
    fitting = f" · {_SIGNS[row.fit.verdict]} {row.fit.line}" if row.fit is not None else ""
    return f"{start}{facts} · {row.preset}{fitting}"


_SIGNS = {"fully": "✓", "partly": "◐", "not": "✗"}


def _served_line(server: Served) -> str:
    model = server.model
    if model is None:
        return f"▸ ✗ {server.error}"
    return f"▸ {model.name}  {model.n_ctx:,} tokens  {model.library} · {server.preset}"


def _served_json(server: Served) -> dict[str, object]:
    """The server in the words of the other rows: what a server does not tell is empty."""
    model = server.model
    return {
        "name": model.name if model is not None else "",
        "path": "",
        "files": 0,
        "place": f"on {server.label}",
        "size": model.size if model is not None else 0,
        "quantisation": model.description if model is not None else "",
        "architecture": model.architecture if model is not None else "",
        "parameters": model.parameters if model is not None else 0,
        "context": model.n_ctx if model is not None else 0,
        "preset": server.preset,
        "preset_why": server.why,
        "fit": "",
        "fit_line": "",
        "played": model is not None,
        "error": server.error,
    }


def _as_json(row: ModelRow) -> dict[str, object]:
    told = row.entry.told
    return {
        "name": row.entry.name,
        "path": str(row.path),
        "files": len(row.entry.file.parts),
        "place": row.place,
        "size": row.entry.size,
        "quantisation": row.entry.quantisation,
        "architecture": told.architecture if told is not None else "",
        "parameters": told.parameters if told is not None else 0,
        "context": told.context if told is not None else 0,
        "preset": row.preset,
        "preset_why": row.detection.why if row.detection is not None else "",
        "fit": row.fit.verdict if row.fit is not None else "",
        "fit_line": row.fit.line if row.fit is not None else "",
        "played": row.played,
        "error": row.entry.error,
    }


async def list_offers(options: Options) -> int:
    """Print the models that can be fetched by name, and which quantisation is for this machine."""
    memory = memory_for_models(await _Home(options).resources())
    for offer in offers():
        print(f"{offer.id:<24} {offer.about}")
        print(f"{'':<24} {_terms(offer, memory)}")
    print("\nFetch one with `rpchat models get NAME`, or any other with `rpchat models get owner/name[:file.gguf]`.")
    return 0


def _terms(offer: Offer, memory: int) -> str:
    if not offer.repository:
        return offer.by_hand
    best = offer.quantisation_for(memory)
    sizes = ", ".join(
        f"{'▸ ' if one == best else ''}{one} about {gigabytes(offer.size(one))} GB" for one in offer.quantisations
    )
    short = "" if offer.needs(best) <= memory else f" · tight: it wants {gigabytes(offer.needs(best))} GB of memory"
    return " · ".join(filter(None, [", ".join(offer.languages), offer.licence, sizes])) + short


async def get_model(options: Options, name: str, *, quantisation: str) -> int:
    """Fetch a model into the models folder; print its path. What goes on meanwhile is said on standard error."""
    from rpchat.fetch.download import fetch

    home = _Home(options)
    wish = wanted(name, quantisation=quantisation)
    if "/" not in name and not quantisation:
        wish = wanted(name, memory=memory_for_models(await home.resources()))
    progress = _Progress()
    path: Path | None = None
    try:
        async with aclosing(fetch(wish, home.choices.models_folder)) as events:
            async for event in events:
                progress.show(event)
                path = event.path if isinstance(event, Fetched) else path
    except asyncio.CancelledError:
        progress.end("stopped; the same command goes on from there")
        raise
    except RpchatError:
        progress.end()
        raise
    progress.end()
    print(path)
    return 0


class _Progress:
    """Says on standard error how far it is: on a terminal in one line that is drawn anew, else now and then."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._pace = Pace()
        self._next = 0.0
        self._drawn = False

    def show(self, event: FetchEvent) -> None:
        """Show where it stands, unless that was shown a moment ago."""
        now = time.monotonic()
        if isinstance(event, Fetching):
            self._pace.note(event.done, now=now)
        whole = isinstance(event, Fetching) and event.done == event.total
        if isinstance(event, Waiting | Fetched) or whole or now >= self._next:
            self._next = now + (_REDRAW if self._live else _TELL)
            self._print(told(event, self._pace))

    def end(self, line: str = "") -> None:
        """End the line that was drawn, and say a last one."""
        if self._drawn:
            print(file=sys.stderr)
            self._drawn = False
        if line:
            print(f"rpchat: {line}", file=sys.stderr, flush=True)

    def _print(self, line: str) -> None:
        shown = one_line(line, 200)
        if self._live:
            print(f"\r\x1b[K{shown}", end="", file=sys.stderr, flush=True)
            self._drawn = True
        else:
            print(f"rpchat: {shown}", file=sys.stderr, flush=True)
