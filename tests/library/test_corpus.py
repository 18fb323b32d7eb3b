"""Every odd and hostile file through the real library: in the home and readable again, or one line and no trace."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from rpchat.exchange.kinds import Kind
from rpchat.exchange.lorebooks import read_lorebook
from rpchat.library import Refused, TakenIn
from rpchat.story.text import clean
from tests.exchange.corpus import File, cases, content
from tests.exchange.corpus_kinds import kinds
from tests.library.helpers import Home

OTHER_KINDS: dict[str, Kind] = {
    "json_shapes-lorebook": "lorebook",
    "json_shapes-world-info": "lorebook",
    "json_shapes-instruct-preset": "preset",
    "other-chat": "chat",
}
"""Files that hold no card and something else."""


def everything() -> Iterator[tuple[str, File, Kind | None]]:
    """Yield every file of both corpora with what it is taken in as."""
    for what, file, name in cases():
        yield what, file, OTHER_KINDS.get(what, "card" if name else None)
    yield from kinds()


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Home, None]:
    """One home for all of them."""
    home = Home.made(tmp_path_factory.mktemp("corpus"))
    yield home
    home.close()


def test_the_corpus_is_large() -> None:
    names = [what for what, _, _ in everything()]
    assert len(names) == len(set(names)) >= 250


@pytest.mark.parametrize(
    ("file", "expected"), [pytest.param(file, expected, id=what) for what, file, expected in everything()]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_is_taken_in_whole_or_leaves_no_trace(place: Home, file: File, expected: Kind | None) -> None:
    path = place.file("a file.bin", content(file))
    before = place.state()
    scenes = len(place.scenes.recent(limit=10_000))
    begin = time.process_time()
    (_, outcome) = await place.steps(path)
    assert time.process_time() - begin < 4  # what is promised is two; a test has company
    if expected is None:
        assert isinstance(outcome, Refused), outcome
        line = str(outcome.error)
        assert line.startswith("a file.bin")
        assert line == clean(line)
        assert "\n" not in line
        assert len(line) < 300
        assert place.state() == before
        assert len(place.scenes.recent(limit=10_000)) == scenes
    else:
        assert isinstance(outcome, TakenIn), outcome
        assert outcome.kind == expected
        assert all(line == clean(line) and "\n" not in line for line in (outcome.name, *outcome.notes))
        await readable(place, outcome)
        (_, again) = await place.steps(path)
        assert isinstance(again, TakenIn)
        assert (again.id, again.known) == (outcome.id, True)


async def readable(place: Home, taken: TakenIn) -> None:
    """Fail unless what was taken in can be read again, where it is said to be."""
    home = place.folders.home
    match taken.kind:
        case "card":
            assert (await place.library.card(taken.id)).name
            assert taken.id in [card.id for card in await place.library.entries()]
        case "chat":
            assert place.scenes.load(int(taken.id)).line()
        case "lorebook":
            read_lorebook((home / taken.where).read_bytes(), name="book")
        case "regex scripts" | "quick replies":
            json.loads((home / taken.where).read_bytes())
        case "personas":
            for persona_id in taken.id.split(", "):
                assert (await place.library.persona(persona_id)).name
        case _:
            assert (home / taken.where).stat().st_size


def test_nothing_was_written_elsewhere(place: Home) -> None:
    names = {path.name for path in place.folders.home.parent.iterdir()}
    assert names == {"home", "desk"}
    assert all(isinstance(path, Path) and not path.is_symlink() for path in place.folders.home.rglob("*"))
