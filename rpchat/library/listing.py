"""The cards of the library as lists show them: searched, filtered, sorted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rpchat.errors import FileError
from rpchat.library.index import Index, Mark
from rpchat.library.values import LibraryCard, LibraryPersona, Order
from rpchat.store.card_list import CardEntry
from rpchat.store.shelf import Shelf
from rpchat.story.persona import Persona
from rpchat.story.text import fold, one_line


def library_cards(
    entries: Iterable[CardEntry], index: Index, *, avatars: Mapping[str, Path], played: Mapping[str, float]
) -> list[LibraryCard]:
    """Return cards with what the library knows of them beside their files."""
    return [
        _card(entry, index.mark(entry.id), avatar=avatars.get(entry.id), played=played.get(entry.id, 0.0))
        for entry in entries
    ]


def chosen(cards: Iterable[LibraryCard], *, search: str, tag: str, order: Order) -> list[LibraryCard]:
    """Return the cards that hold every word of `search` and have the tag, if one is named, sorted."""
    words, wanted = fold(search).split(), fold(tag)
    found = [
        card
        for card in cards
        if all(word in card.searched for word in words) and (not tag or any(fold(one) == wanted for one in card.tags))
    ]
    return sorted(found, key=_key(order))


def library_personas(shelf: Shelf[Persona]) -> list[LibraryPersona]:
    """Return every persona by id."""
    found = []
    for entry in (one.load() for one in shelf.entries()):
        persona = entry.value
        found.append(
            LibraryPersona(
                id=entry.id,
                name=one_line(persona.name if persona is not None else entry.id),
                summary=one_line(persona.summary or persona.description, 200) if persona is not None else "",
                language=persona.language if persona is not None else "",
                shipped=entry.shipped,
                path=entry.path,
                error=entry.error,
            )
        )
    return found


def _card(entry: CardEntry, mark: Mark, *, avatar: Path | None, played: float) -> LibraryCard:
    path = Path(entry.path)
    return LibraryCard(
        id=entry.id,
        name=entry.name,
        summary=entry.summary,
        language=entry.language,
        tags=tuple(dict.fromkeys((*entry.tags, *mark.tags))),
        own_tags=mark.tags,
        favourite=mark.favourite,
        shipped=entry.shipped,
        path=path,
        added=mark.added or (0.0 if entry.shipped else _changed(path)),
        played=played,
        avatar=None if entry.shipped else avatar,
        error=FileError(entry.error) if entry.error else None,
    )


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # it has just gone


def _key(order: Order) -> Callable[[LibraryCard], tuple[float, str, str]]:
    def key(card: LibraryCard) -> tuple[float, str, str]:
        first = {"name": 0.0, "recent": -card.played, "added": -card.added, "favourites": -float(card.favourite)}
        return first[order], fold(card.name), card.id

    return key
