"""The rows of the library: cards, personas and what lies in the trash, each as a list shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textual.content import Content

from rpchat.story.text import one_line
from rpchat.tui.themes import name_variable

Kind = Literal["cards", "personas", "trash"]
"""What the library shows at a time."""

KINDS: tuple[Kind, ...] = ("cards", "personas", "trash")

FAVOURITE = "★"
_PICKED = "+"
_IN_USE = "●"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfRow:
    """One thing of the library."""

    kind: Kind
    id: str
    name: str
    summary: str = ""
    tags: tuple[str, ...] = ()
    favourite: bool = False
    in_use: bool = False
    """Whether it is the persona one plays as where nothing else is said."""
    shipped: bool = False
    avatar: Path | None = None
    error: str = ""
    """Why it cannot be read; empty if it can."""

    @property
    def colour(self) -> str:
        """The theme variable of its name."""
        return name_variable(self.id)

    @property
    def initial(self) -> str:
        """The letter that stands for it where it has no picture."""
        return next((letter for letter in self.name if not letter.isspace()), "?").upper()[:1]


def row_text(row: ShelfRow, width: int, *, marked: bool, picked: bool) -> Content:
    """Return a row in two lines of at most `width` cells: mark, name and tags; what it is about."""
    return Content("\n").join([_head(row, width, marked=marked, picked=picked), _about(row, width)])


def _head(row: ShelfRow, width: int, *, marked: bool, picked: bool) -> Content:
    parts = [Content.assemble(("▸ " if marked else "  ", "$accent"), (one_line(row.name, 60), f"bold {row.colour}"))]
    if picked:
        parts.insert(1, Content(f" {_PICKED}").stylize("bold $primary"))
    if row.favourite:
        parts.append(Content(f" {FAVOURITE}").stylize("$accent"))
    if row.in_use:
        parts.append(Content(f" {_IN_USE} you").stylize("$accent"))
    tags = " · ".join(one_line(tag, 30) for tag in row.tags[:8])
    if tags:
        parts.append(Content(f"  {tags}").stylize("$ooc"))
    return Content("").join(parts).truncate(width, ellipsis=True)


def _about(row: ShelfRow, width: int) -> Content:
    if row.error:
        about = Content(f"  {one_line(row.error, 300)}").stylize("$error")
    else:
        about = Content(f"  {one_line(row.summary, 300)}").stylize("$action")
    return about.truncate(width, ellipsis=True)


def count_line(shown: int, of: int, *, kind: Kind, search: str) -> str:
    """Return how many of how many are shown, in words."""
    noun = {"cards": "card", "personas": "persona", "trash": "in the trash"}[kind]
    if kind != "trash":
        noun += "" if of == 1 else "s"
    return f"{shown:,} of {of:,} {noun}" if search else f"{of:,} {noun}"


def tags_of(rows: Iterable[ShelfRow]) -> list[str]:
    """Return every tag there is, the most frequent first."""
    counts: dict[str, int] = {}
    for row in rows:
        for tag in row.tags:
            counts[tag] = counts.get(tag, 0) + 1
    return sorted(counts, key=lambda tag: (-counts[tag], tag))
