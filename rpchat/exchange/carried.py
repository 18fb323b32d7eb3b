"""What travels with a card because the other side has no place for it. Two parcels, one for each direction.

`Carried` is what a foreign file holds and a `Card` does not. It lies in `Card.extensions` under `tavern`:

    file        unknown keys beside `data`
    data        unknown keys in `data`; `character_book`, `assets` and what else V3 added, exactly as they came
    extensions  what `data.extensions` itself held under the name `tavern`

All other keys of `data.extensions` are keys of `Card.extensions`, untouched.

`Packed` is what a `Card` holds and the foreign format does not. It lies in the file's `data.extensions` under `rpchat`:

    fields      our own fields: sheet, language, summary …
    data        what V3 added, in a V2 file
    extensions  keys of `Card.extensions` that would be taken for something else where they belong

A parcel that has not exactly this shape is no parcel but somebody's extension of that name, and is carried as such: so
writing a card and reading it again gives the same card, whatever its extensions are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rpchat.errors import FileError
from rpchat.exchange.fields import ENVELOPE, KNOWN, MIRRORS, OWN, V3_ONLY, is_public
from rpchat.exchange.loose import is_mapping
from rpchat.store.parsing import parse
from rpchat.story.card import Card

CARRIED_KEY = "tavern"
PACKED_KEY = "rpchat"
TALKATIVENESS_KEY = "talkativeness"

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The parts of a foreign card that are not ours; see above."""

    file: Values = field(default_factory=dict)
    data: Values = field(default_factory=dict)
    extensions: Values = field(default_factory=dict)

    def parcel(self) -> dict[str, object]:
        """Return what goes into `Card.extensions`: nothing, or the one key with the parts that are not empty."""
        parts = _parts(("file", self.file), ("data", self.data), ("extensions", self.extensions))
        return {CARRIED_KEY: parts} if parts else {}

    @classmethod
    def found(cls, extensions: Values) -> Carried | None:
        """Return what a card's extensions carry; None if there is no such parcel."""
        parts = _sections(extensions.get(CARRIED_KEY), ("file", "data", "extensions"))
        if parts is None:
            return None
        carried = cls(**parts)
        right = (
            not carried.file.keys() & (ENVELOPE | MIRRORS)
            and all(is_public(key, value) for key, value in carried.file.items())
            and not carried.data.keys() & KNOWN
            and all(worth_carrying(key, value) for key, value in carried.data.items())
            and carried.extensions.keys() <= {CARRIED_KEY}
        )
        return carried if right else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """The parts of a card of ours that a foreign file holds for us alone; see above."""

    fields: Values = field(default_factory=dict)
    data: Values = field(default_factory=dict)
    extensions: Values = field(default_factory=dict)

    def parcel(self) -> dict[str, object]:
        """Return what goes into `data.extensions`: nothing, or the one key with the parts that are not empty."""
        parts = _parts(("fields", self.fields), ("data", self.data), ("extensions", self.extensions))
        return {PACKED_KEY: parts} if parts else {}

    @classmethod
    def found(cls, extensions: Values) -> Packed | None:
        """Return what a file's extensions hold for us, the fields validated; None if there is no such parcel."""
        parts = _sections(extensions.get(PACKED_KEY), ("fields", "data", "extensions"))
        if parts is None:
            return None
        packed = cls(**parts)
        if not packed.data.keys() <= V3_ONLY or not packed.fields.keys() <= OWN | {"description", "nickname"}:
            return None
        try:
            card = parse(Card, {"name": "_", **packed.fields}, name=PACKED_KEY)
        except FileError:  # not ours after all
            return None
        fields = {name: getattr(card, name) for name in packed.fields}
        return cls(fields=fields, data=packed.data, extensions=packed.extensions)


def worth_carrying(key: str, value: object) -> bool:
    """Whether a key of `data` says anything: V3 wants these two lists even where there is nothing in them."""
    return key not in ("assets", "group_only_greetings") or value != []


def without_private(extensions: Values) -> Values:
    """Return a card's extensions without what may not leave this machine, however it came to be carried."""
    parcel = extensions.get(CARRIED_KEY)
    outside = parcel.get("file") if is_mapping(parcel) else None
    if not is_mapping(parcel) or not is_mapping(outside):
        return extensions
    public = {key: value for key, value in outside.items() if is_public(key, value)}
    if len(public) == len(outside):
        return extensions
    left = {**parcel, "file": public} if public else {key: part for key, part in parcel.items() if key != "file"}
    return {
        key: left if key == CARRIED_KEY else value for key, value in extensions.items() if left or key != CARRIED_KEY
    }


def needs_packing(extensions: Values) -> frozenset[str]:
    """Return the keys of `Card.extensions` that reading would take for something else in `data.extensions`."""
    taken = {PACKED_KEY, TALKATIVENESS_KEY}
    if Carried.found(extensions) is None:
        taken.add(CARRIED_KEY)
    return frozenset(taken & extensions.keys())


def _parts(*parts: tuple[str, Values]) -> dict[str, object]:
    return {name: dict(values) for name, values in parts if values}


def _sections(value: object, names: tuple[str, ...]) -> dict[str, Values] | None:
    """Return the parts of a parcel: some of `names`, each a mapping with something in it. None if it is none."""
    if not is_mapping(value) or not value or not value.keys() <= set(names):
        return None
    sections = {key: part for key, part in value.items() if is_mapping(part) and part}
    return sections if len(sections) == len(value) else None
