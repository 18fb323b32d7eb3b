"""Cards of ours into V2 and V3 cards as plain data: every field the specifications require, each of the right kind.

What they have no field for goes where only we look for it (`exchange.carried.Packed`), and into the report.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Literal

from rpchat.exchange.carried import CARRIED_KEY, TALKATIVENESS_KEY, Carried, Packed, Values, needs_packing
from rpchat.exchange.fields import LISTS, OWN, TEXTS, V3_ONLY
from rpchat.exchange.sheets import with_sheet
from rpchat.story.card import Card

Version = Literal["V2", "V3"]

_SPECS = {"V2": ("chara_card_v2", "2.0"), "V3": ("chara_card_v3", "3.0")}


def tavern_values(card: Card, version: Version) -> dict[str, object]:
    """Return the card as the JSON object of a V2 or V3 file."""
    spec, number = _SPECS[version]
    carried = Carried.found(card.extensions) or Carried()
    return {**carried.file, "spec": spec, "spec_version": number, "data": _data(card, carried, version)}


def tavern_report(card: Card, version: Version) -> tuple[str, ...]:
    """Return what a file of that version holds for us alone, a line each."""
    lines = []
    if card.sheet:
        lines.append("The sheet is written into the description as text")
    own = [name for name in _own_fields(card) if name != "sheet"]
    if version == "V2":
        carried = Carried.found(card.extensions) or Carried()
        own += [*(["nickname"] if card.nickname else []), *sorted(carried.data.keys() & V3_ONLY)]
    lines += [f"{version} has no field for `{name}`: only rpchat reads it back" for name in own]
    return tuple(lines)


def _data(card: Card, carried: Carried, version: Version) -> dict[str, object]:
    later = {key: value for key, value in carried.data.items() if key in V3_ONLY}
    earlier = {key: value for key, value in carried.data.items() if key not in V3_ONLY}
    texts = {theirs: getattr(card, ours) for theirs, ours in TEXTS.items() if theirs != "nickname"}
    texts["description"] = with_sheet(card.description, sheet=card.sheet)
    data: dict[str, object] = {**texts, **{name: list(getattr(card, name)) for name in LISTS}}
    if version == "V3":
        data |= {"group_only_greetings": [], **({"nickname": card.nickname} if card.nickname else {}), **later}
    packs = needs_packing(card.extensions)
    packed = Packed(
        fields=_packed_fields(card, version),
        data=later if version == "V2" else {},
        extensions={key: value for key, value in card.extensions.items() if key in packs},
    )
    return {**data, **earlier, "extensions": _extensions(card, carried, packed)}


def _extensions(card: Card, carried: Carried, packed: Packed) -> dict[str, object]:
    elsewhere = {CARRIED_KEY, *packed.extensions}
    plain = {key: value for key, value in card.extensions.items() if key not in elsewhere}
    return {**plain, TALKATIVENESS_KEY: card.talkativeness, **carried.extensions, **packed.parcel()}


def _packed_fields(card: Card, version: Version) -> Values:
    packed = dict(_own_fields(card))
    if card.sheet and card.description:
        packed["description"] = card.description
    if version == "V2" and card.nickname:
        packed["nickname"] = card.nickname
    return packed


def _own_fields(card: Card) -> dict[str, object]:
    """Return the fields that only we have and that say something here."""
    own: dict[str, object] = {}
    for field in fields(card):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        value = getattr(card, field.name)
        if field.name in OWN and value != default:
            own[field.name] = value
    return own
