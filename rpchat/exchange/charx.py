"""CHARX: an archive with `card.json` and the card's assets, by itself or behind a JPEG.

An avatar that is none of the card's own assets gets a path that nobody else uses and the first place in the list of
assets, where other programs find it; reading takes it out of the list again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rpchat.errors import FileError
from rpchat.exchange.archive import read_archive
from rpchat.exchange.carried import Values
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.paths import embedded_path, safe_path
from rpchat.exchange.pictures import picture_kind

CARD_PATH = "card.json"

_OWN_AVATAR = "assets/icon/images/rpchat."


@dataclass(frozen=True, slots=True, kw_only=True)
class Charx:
    """The files of a CHARX: the card's JSON, the others by path, and the picture in front of it all."""

    card: bytes
    assets: Mapping[str, bytes]
    front: bytes
    notes: tuple[str, ...]


def read_charx(data: bytes, *, name: str) -> Charx:
    """Return the files in a CHARX. Raises FileError naming `name`, also where there is no card among them."""
    archive = read_archive(data, name=name)
    if CARD_PATH not in archive.files:
        raise FileError(f"{name} is an archive without a card (`{CARD_PATH}`)")
    assets = {path: content for path, content in archive.files.items() if path != CARD_PATH}
    return Charx(card=archive.files[CARD_PATH], assets=assets, front=archive.front, notes=archive.notes)


def take_avatar(file: Values, assets: Mapping[str, bytes]) -> tuple[Values, Mapping[str, bytes], bytes | None]:
    """Return the card's values and its assets, both without the avatar if it was us who added it, and the avatar.

    The avatar is the icon named `main` that lies in the archive, or the first one that does; None if there is none.
    """
    listed = _listed(file)
    found = _icon(listed, assets)
    if found is None:
        return file, assets, None
    index, path = found
    if not path.startswith(_OWN_AVATAR):
        return file, assets, assets[path]
    left = {key: content for key, content in assets.items() if key != path}
    return _with_listed(file, [*listed[:index], *listed[index + 1 :]]), left, assets[path]


def put_avatar(
    file: Values, assets: Mapping[str, bytes], avatar: bytes | None
) -> tuple[Values, Mapping[str, bytes], tuple[str, ...]]:
    """Return the values and the files of a CHARX in which the avatar is the icon, and a line for each asset that
    cannot lie in an archive."""
    kept = {path: content for path, content in assets.items() if safe_path(path) and path != CARD_PATH}
    report = tuple(f"The asset {path!r} has no proper path and is left out" for path in assets if path not in kept)
    found = _icon(_listed(file), kept)
    if avatar is None or (found is not None and kept[found[1]] == avatar):
        return file, kept, report
    ending = picture_kind(avatar) or "png"
    path = f"{_OWN_AVATAR}{ending}"
    entry = {"type": "icon", "uri": f"embeded://{path}", "name": "main", "ext": ending}
    return _with_listed(file, [entry, *_listed(file)]), {**kept, path: avatar}, report


def _listed(file: Values) -> list[object]:
    """Return the list of assets in a card's values; an empty one if it has none."""
    data = file.get("data")
    listed = data.get("assets") if is_mapping(data) else None
    return listed if isinstance(listed, list) else []


def _with_listed(file: Values, listed: list[object]) -> Values:
    data = file.get("data")
    return {**file, "data": {**(data if is_mapping(data) else {}), "assets": listed}}


def _icon(listed: list[object], assets: Mapping[str, bytes]) -> tuple[int, str] | None:
    """Return the place in the list and the path of the asset that is the card's picture."""
    found: tuple[int, str] | None = None
    for index, entry in enumerate(listed):
        if not is_mapping(entry) or entry.get("type") != "icon":
            continue
        path = embedded_path(entry.get("uri"))
        if path is not None and path in assets:
            if entry.get("name") == "main":
                return index, path
            found = found or (index, path)
    return found
