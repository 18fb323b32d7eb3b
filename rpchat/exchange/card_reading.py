"""Any card file's bytes into a card. What a file is, is told by its bytes; its name is only used to talk about it.

Every input is taken or refused with one FileError. Nothing is stored, fetched or decoded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rpchat.errors import FileError
from rpchat.exchange.archive import find_end
from rpchat.exchange.charx import read_charx, take_avatar
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.pictures import picture_kind
from rpchat.exchange.png import SIGNATURE, from_base64, picture_of, read_png
from rpchat.exchange.tavern_reading import dialect_of, read_tavern
from rpchat.exchange.values import CARD_LIMIT, Dialect, Imported, Kind
from rpchat.exchange.yaml_cards import is_own, read_own
from rpchat.store.reading import load_json, load_yaml, shown
from rpchat.story.card import Card

_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_JPEG_MARK = b"\xff\xd8\xff"
_BLANK = b"\xef\xbb\xbf \t\r\n"


def read_card(data: bytes, *, name: str) -> Imported:
    """Return the card in a file with the content `data`: PNG, CHARX, JSON or YAML.

    Raises FileError that calls the file `name`: too large, damaged, encrypted, or no card.
    """
    name = shown(name)
    if len(data) > CARD_LIMIT:
        raise FileError(f"{name} is too large: at most {CARD_LIMIT >> 20} MB is read")
    match kind_of(data):
        case "png":
            imported = _from_png(data, name=name)
        case "charx":
            imported = _from_charx(data, name=name)
        case "json":
            imported = _told(load_json(data, name=name), kind="json", name=name)
        case "yaml":
            if picture_kind(data):
                raise FileError(f"{name} is a picture without a card in it", "Cards come in PNG pictures")
            imported = _told(_in_yaml(data, name=name), kind="yaml", name=name)
    return replace(imported, original=data)


def kind_of(data: bytes) -> Kind:
    """Return what a file's bytes say it is; `yaml` if they say nothing."""
    if data.startswith(SIGNATURE):
        return "png"
    if data.startswith(_ZIP_MARKS) or (data.startswith(_JPEG_MARK) and find_end(data) >= 0):
        return "charx"
    return "json" if data[:1024].lstrip(_BLANK)[:1] in (b"{", b"[") else "yaml"


def _in_yaml(data: bytes, *, name: str) -> object:
    """Return what stands in YAML; a file that is none, and does not claim to be, is nothing we know."""
    try:
        return load_yaml(data, name=name)
    except FileError as error:
        if name.lower().endswith((".yaml", ".yml")):
            raise
        hint = "Cards, chats, presets, lorebooks and personas are."
        raise FileError(f"{name} is nothing that is taken in ({error.message})", hint) from error


@dataclass(frozen=True, slots=True)
class _Found:
    """A card, in whose words it was written, and what was odd about it."""

    card: Card
    dialect: Dialect
    notes: tuple[str, ...] = ()


def _understood(value: object, *, kind: Kind, name: str) -> _Found:
    """Return the card in plain data. Raises FileError if it is none."""
    if not is_mapping(value):
        raise FileError(f"{name} holds no card: a card consists of fields with names")
    dialect = dialect_of(value)
    if dialect is None and is_own(value):
        return _Found(read_own(value, name=name), "rpchat")
    if dialect is None and kind != "yaml" and "name" in value and value.keys() & {"description", "personality"}:
        dialect = "V1"
    if dialect is None and kind == "yaml" and "name" in value:
        return _Found(read_own(value, name=name), "rpchat")  # says which field is none of ours
    if dialect is None:
        what = "a lorebook" if "entries" in value or value.get("spec") == "lorebook_v3" else "something else"
        raise FileError(f"{name} holds no card but {what}: a card has a name and a description")
    card, notes = read_tavern(value, dialect, name=name)
    return _Found(card, dialect, notes)


def _told(value: object, *, kind: Kind, name: str) -> Imported:
    found = _understood(value, kind=kind, name=name)
    return Imported(card=found.card, kind=kind, dialect=found.dialect, notes=found.notes)


def _from_png(data: bytes, *, name: str) -> Imported:
    png = read_png(data, name=name)
    texts = {key: text for key, text in (("ccv3", png.ccv3), ("chara", png.chara)) if text is not None}
    if not texts:
        raise FileError(f"{name} is a picture without a card in it")
    found, notes = _first_readable(texts, name=name)
    return Imported(
        card=found.card,
        kind="png",
        dialect=found.dialect,
        avatar=png.picture,
        assets=png.assets,
        notes=(*png.notes, *notes, *found.notes),
    )


def _first_readable(texts: Mapping[str, bytes], *, name: str) -> tuple[_Found, tuple[str, ...]]:
    """Return the card of the first text that holds one, and a note if that is not the first text."""
    refusals: list[FileError] = []
    for keyword, text in texts.items():
        try:
            found = _in_base64(text, keyword=keyword, name=name)
        except FileError as error:
            refusals.append(error)
        else:
            notes = [f"`ccv3` cannot be read, `chara` is taken instead: {one.message}" for one in refusals]
            return found, tuple(notes)
    raise refusals[0]


def _in_base64(text: bytes, *, keyword: str, name: str) -> _Found:
    decoded = from_base64(text)
    if decoded is None:
        raise FileError(f"{name} holds a card text (`{keyword}`) that is not base64")
    return _understood(load_json(decoded, name=name), kind="png", name=name)


def _from_charx(data: bytes, *, name: str) -> Imported:
    charx = read_charx(data, name=name)
    file = load_json(charx.card, name=name)
    assets, avatar = charx.assets, None
    if is_mapping(file):
        file, assets, avatar = take_avatar(file, assets)
    found = _understood(file, kind="charx", name=name)
    if avatar is None and picture_kind(charx.front):
        avatar = charx.front
    if avatar is not None and avatar.startswith(SIGNATURE):
        avatar = picture_of(avatar) or avatar
    notes = (*charx.notes, *found.notes)
    return Imported(card=found.card, kind="charx", dialect=found.dialect, avatar=avatar, assets=assets, notes=notes)
