"""A home with a library and a real database, and what a test asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from rpchat.library import ImportStep, Library, Refused, TakenIn
from rpchat.store.card_list import CardList
from rpchat.store.folders import Folders, shipped
from rpchat.store.scenes import SceneStore
from rpchat.store.shelf import Shelf
from rpchat.store.thread import OneThread
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.plan import ScenePlan
from rpchat.story.preset import Preset


@dataclass(slots=True)
class Home:
    """A home, its library, and a desk with files beside it."""

    folders: Folders
    desk: Path
    library: Library
    scenes: SceneStore
    thread: OneThread

    @classmethod
    def made(cls, folder: Path, *, read_only: bool = False) -> Home:
        """Return the home in a folder, made if it is not there; its clock counts seconds from 1,000."""
        folders = Folders(folder / "home")
        folders.create()
        desk = folder / "desk"
        desk.mkdir(exist_ok=True)
        scenes = SceneStore.open(folders.database, read_only=read_only)
        thread = OneThread()
        ticks = count(1000)
        cards: Shelf[Card] = Shelf(Card, folders.cards, shipped("cards"))
        library = Library(
            folders,
            thread=thread,
            scenes=scenes,
            cards=cards,
            card_list=CardList(cards, folders.card_list, read_only=read_only),
            personas=Shelf(Persona, folders.personas, shipped("personas")),
            plans=Shelf(ScenePlan, folders.scenes, shipped("scenes")),
            presets=Shelf(Preset, folders.presets, shipped("presets")),
            read_only=read_only,
            clock=lambda: float(next(ticks)),
        )
        return cls(folders, desk, library, scenes, thread)

    def close(self) -> None:
        """Close the database and end the thread."""
        self.thread.close()
        self.scenes.close()

    def file(self, name: str, data: bytes) -> Path:
        """Lay a file on the desk."""
        path = self.desk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    async def steps(self, *paths: Path) -> list[ImportStep]:
        """Take files in and return all that is told of it."""
        async with aclosing(self.library.import_files(paths)) as steps:
            return [step async for step in steps]

    async def taken(self, *paths: Path) -> list[TakenIn]:
        """Take files in of which none may be refused."""
        steps = await self.steps(*paths)
        assert not [step for step in steps if isinstance(step, Refused)]
        return [step for step in steps if isinstance(step, TakenIn)]

    async def refused(self, *paths: Path) -> list[str]:
        """Take files in of which all must be refused; return the lines."""
        steps = await self.steps(*paths)
        assert not [step for step in steps if isinstance(step, TakenIn)]
        return [str(step.error) for step in steps if isinstance(step, Refused)]

    def content(self) -> dict[str, bytes]:
        """Return every file of the home but the database and the list of cards, which is made anew at any time."""
        return {str(path.relative_to(self.folders.home)): path.read_bytes() for path in self._files()}

    def state(self) -> dict[str, tuple[int, int]]:
        """Return size and time of change of every file that `content` returns: enough to see that nothing changed."""
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in self._files()}

    def _files(self) -> Iterator[Path]:
        for path in self.folders.home.rglob("*"):
            if path.is_file() and not path.name.startswith("rpchat.") and path.name != "cards.json":
                yield path
