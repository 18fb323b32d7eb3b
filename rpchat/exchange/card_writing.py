"""A card into a file's bytes, strictly by the specifications, with a report of what the file cannot hold.

A file tells nothing but the card and its picture: no folders, no keys, no scenes, and of a PNG no texts but the card's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from rpchat.exchange.archive import write_archive
from rpchat.exchange.carried import without_private
from rpchat.exchange.charx import CARD_PATH, put_avatar
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.pictures import as_png, picture_kind, plain_portrait
from rpchat.exchange.png import fits_in_png, write_png
from rpchat.exchange.tavern_writing import Version, tavern_report, tavern_values
from rpchat.exchange.values import NO_ASSETS, Exported, Target
from rpchat.exchange.yaml_cards import write_own
from rpchat.story.card import Card
from rpchat.story.text import one_line


def write_card(
    card: Card, target: Target, *, avatar: bytes | None = None, assets: Mapping[str, bytes] = NO_ASSETS
) -> Exported:
    """Return the card as a file of the kind `target`.

    Reading it again gives the same card; the same avatar and assets too, where the report does not say otherwise.
    Raises FileError if the card is larger than the target's format allows.
    """
    card = replace(card, extensions=without_private(card.extensions))
    match target:
        case "png":
            return _png(card, avatar, assets)
        case "charx":
            return _charx(card, avatar, assets)
        case "json-v2":
            return _json(card, "V2", avatar, assets)
        case "json-v3":
            return _json(card, "V3", avatar, assets)
        case "yaml":
            name = one_line(card.name, 60)
            return Exported(data=write_own(card, name=name), report=_without_files("YAML", avatar, assets))


def _json(card: Card, version: Version, avatar: bytes | None, assets: Mapping[str, bytes]) -> Exported:
    values = tavern_values(card, version)
    report = (*tavern_report(card, version), *_infinities(values), *_without_files("JSON", avatar, assets))
    return Exported(data=_dumped(values), report=report)


def _png(card: Card, avatar: bytes | None, assets: Mapping[str, bytes]) -> Exported:
    picture = as_png(avatar) if avatar else None
    fitting = {path: content for path, content in assets.items() if fits_in_png(path)}
    newer = tavern_values(card, "V3")
    report = [*tavern_report(card, "V3"), *_infinities(newer)]
    if picture is None:
        why = "The avatar cannot be read" if avatar else "There is no avatar"
        report.append(f"{why}: the file shows a plain picture")
    elif avatar is not None and picture_kind(avatar) != "png":
        report.append(f"The avatar was a {picture_kind(avatar)} and is written as a PNG")
    if len(fitting) < len(assets):
        report.append(f"{len(assets) - len(fitting)} assets have names that a PNG cannot hold and are left out")
    texts = {"chara": _dumped(tavern_values(card, "V2")), "ccv3": _dumped(newer)}
    data = write_png(picture or plain_portrait(card.name), texts=texts, assets=fitting)
    return Exported(data=data, report=tuple(report))


def _charx(card: Card, avatar: bytes | None, assets: Mapping[str, bytes]) -> Exported:
    values, files, left_out = put_avatar(tavern_values(card, "V3"), assets, avatar)
    data = write_archive({CARD_PATH: _dumped(values), **files})
    return Exported(data=data, report=(*tavern_report(card, "V3"), *_infinities(values), *left_out))


def _without_files(target: str, avatar: bytes | None, assets: Mapping[str, bytes]) -> tuple[str, ...]:
    lines = [f"{target} holds no pictures: the avatar is left out"] if avatar else []
    if assets:
        lines.append(f"{target} holds no files: {len(assets)} assets are left out")
    return tuple(lines)


def _dumped(values: Mapping[str, object]) -> bytes:
    written = _mapped(values, lambda number: number if math.isfinite(number) else str(number))
    return json.dumps(written, ensure_ascii=False, allow_nan=False, indent=2).encode()


def _infinities(values: Mapping[str, object]) -> tuple[str, ...]:
    """Return a line if there are numbers among `values` that JSON has not, as YAML does."""
    found: list[float] = []
    _mapped(values, lambda number: number if math.isfinite(number) else found.append(number))
    return ("JSON has no infinite numbers: they are written as text",) if found else ()


def _mapped(value: object, change: Callable[[float], object]) -> object:
    """Return plain data with every fractional number changed, and lists for tuples."""
    if is_mapping(value):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return change(value) if isinstance(value, float) else value
