"""A card as it was read, made ready for the disk: nothing is written here, so `rpchat check` does it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import PurePath

from rpchat.errors import FileError
from rpchat.exchange.values import Imported
from rpchat.exchange.yaml_cards import write_own
from rpchat.library.belongings import Belongings, split
from rpchat.story.card import Card

_MOST_TEXT = 300_000
_MOST_TEXTS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyCard:
    """What will lie on disk of a card."""

    name: str
    came_as: str
    """The stem of the name of the file it came as."""
    file: bytes
    """The YAML file."""
    belongings: Belongings


def ready_card(imported: Imported, *, name: str) -> ReadyCard:
    """Return a card ready for the disk. Raises FileError naming the file `name` if there is too much in it.

    A YAML file in our own words stays as it was written, with its comments.
    """
    texts = [text for field in fields(Card) if field.name != "extensions" for text in _texts(imported.card, field.name)]
    if len(texts) > _MOST_TEXTS or sum(map(len, texts)) > _MOST_TEXT:
        raise FileError(f"{name} holds more text than a card can have: at most {_MOST_TEXT:,} characters are kept")
    carried = b""
    if imported.kind == "yaml" and imported.dialect == "rpchat":
        file = imported.original
    else:
        carried, left = split(imported.card.extensions, name=name)
        file = write_own(replace(imported.card, extensions=left), name=name)
    belongings = Belongings(
        original=imported.original, ending=_ending(imported), avatar=imported.avatar, carried=carried
    )
    stem = PurePath(name).stem
    return ReadyCard(name=imported.card.name, came_as=stem, file=file, belongings=belongings)


def _texts(card: Card, field: str) -> Iterator[str]:
    """Yield the texts in a field of a card."""
    values: list[object] = [getattr(card, field)]
    while values:
        match values.pop():
            case str() as text:
                yield text
            case Mapping() as mapping:
                values += [*mapping.keys(), *mapping.values()]
            case tuple() as several:
                values += several


def _ending(imported: Imported) -> str:
    """Return the ending of the original's name, by what it is."""
    return "jpg" if imported.kind == "charx" and not imported.original.startswith(b"PK") else imported.kind
