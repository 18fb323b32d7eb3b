"""What the library tells: the cards in it, what became of files that were to be taken in, what lies in the trash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rpchat.errors import FileError, RpchatError
from rpchat.exchange.kinds import Kind
from rpchat.story.text import fold

Order = Literal["name", "recent", "added", "favourites"]
"""How cards are sorted: by name; played last first; added last first; favourites first and then by name."""

TrashedKind = Literal["card", "persona"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryCard:
    """A card as the library shows it."""

    id: str
    name: str
    summary: str = ""
    """Its one line, or how its description begins."""
    language: str = ""
    tags: tuple[str, ...] = ()
    """The card's own tags, then those the user gave it."""
    own_tags: tuple[str, ...] = ()
    """The tags the user gave it, which are not in its file."""
    favourite: bool = False
    shipped: bool = False
    path: Path
    """Its file."""
    added: float = 0.0
    """When it came into the library, in seconds since the epoch."""
    played: float = 0.0
    """When a scene with it was played last; 0: never."""
    avatar: Path | None = None
    """Its picture, encoded as it came: of any kind and any size, and never looked at so far."""
    error: FileError | None = None
    """Why its file cannot be read."""

    @property
    def searched(self) -> str:
        """What a search looks through."""
        return fold(" ".join([self.id, self.name, self.summary, *self.tags]))


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryPersona:
    """A persona as the library shows it."""

    id: str
    name: str
    summary: str = ""
    language: str = ""
    shipped: bool = False
    path: Path
    error: FileError | None = None


@dataclass(frozen=True, slots=True)
class Importing:
    """A file's turn has come: `done` of `total` files are behind it."""

    done: int
    total: int
    name: str
    """The file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """Something from a file is in the home."""

    file: str
    """The name of the file it came from."""
    name: str
    """What it is called."""
    kind: Kind
    id: str
    where: str
    """Its place in the home."""
    notes: tuple[str, ...] = ()
    """What was odd and how it was taken, a line each."""
    known: bool = False
    """Whether it had been there already, so that nothing was written."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not taken in. Nothing has changed for it."""

    name: str
    """The file's name."""
    error: RpchatError


ImportStep = Importing | TakenIn | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashEntry:
    """Something that was deleted and can be brought back."""

    kind: TrashedKind
    id: str
    """The id it had."""
    name: str
    trashed: float
    """When, in seconds since the epoch."""
    folder: Path
    """Where it lies now."""
