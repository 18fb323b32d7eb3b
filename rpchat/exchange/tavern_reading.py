"""Cards in the words of SillyTavern and its relatives, as plain data, into cards of ours.

As lenient as SillyTavern: V1, V2, V3 by what is there and not by what they say they are; the names of Pygmalion and
text-generation-webui; texts for lists. What has no place in a card is carried along (`exchange.carried`); what should
be a text and cannot be one is left out with a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rpchat.errors import FileError
from rpchat.exchange.carried import CARRIED_KEY, PACKED_KEY, TALKATIVENESS_KEY, Carried, Packed, Values, worth_carrying
from rpchat.exchange.fields import (
    ENVELOPE,
    KNOWN,
    LISTS,
    MIRRORS,
    NOTES_PLACEHOLDER,
    PYGMALION,
    TEXTS,
    V1_TEXTS,
    V3_ONLY,
    WEBUI,
    is_public,
)
from rpchat.exchange.loose import is_mapping, share_of, tags_of, text_of, texts_of
from rpchat.exchange.sheets import without_sheet
from rpchat.exchange.values import Dialect
from rpchat.store.scalars import plain
from rpchat.story.card import Card

_UNNAMED = "Unnamed"


def dialect_of(file: Values) -> Dialect | None:
    """Return in whose words `file` is a card; None if it is not one that other programs write."""
    data = file.get("data")
    if is_mapping(data) and ("spec" in file or "name" in data):
        return "V3" if file.get("spec") == "chara_card_v3" or _version(file) >= 3 else "V2"
    if "char_name" in file:
        return "Pygmalion"
    if "name" in file and not file.keys() & {*V1_TEXTS, "spec"} and file.keys() & {"context", "greeting"}:
        return "text-generation-webui"
    if _is_card_spec(file.get("spec")) or "first_mes" in file or "mes_example" in file:
        return "V1"
    return None


def read_tavern(file: Values, dialect: Dialect, *, name: str) -> tuple[Card, tuple[str, ...]]:
    """Return the card in `file`, and a note for each thing that was odd. Raises FileError naming `name`."""
    inner = file.get("data")
    data, rest = _inside(file, inner) if dialect in ("V2", "V3") and is_mapping(inner) else _flat(file, dialect)
    return _card(data, {key: value for key, value in rest.items() if is_public(key, value)}, name=name)


def _version(file: Values) -> float:
    try:
        return float(text_of(file.get("spec_version")) or 0)
    except ValueError:
        return 0


def _is_card_spec(spec: object) -> bool:
    return isinstance(spec, str) and spec.startswith("chara_card")


def _inside(file: Values, data: Values) -> tuple[Values, Values]:
    """Return a file's `data`, with the name that stands beside it if it has none, and what is unknown beside it."""
    rest = {key: value for key, value in file.items() if key not in ENVELOPE | MIRRORS}
    return (data if data.get("name") or not file.get("name") else {**data, "name": file["name"]}), rest


def _flat(file: Values, dialect: Dialect) -> tuple[Values, Values]:
    """Return a file without `data` as if it had one, and what does not belong in there."""
    renamed = _renamed(file, {"Pygmalion": PYGMALION, "text-generation-webui": WEBUI}.get(dialect, {}))
    inner = KNOWN | V3_ONLY | {"character_book"}
    data = {key: value for key, value in renamed.items() if key in inner}
    if not data.get("creator_notes"):
        data["creator_notes"] = renamed.get("creatorcomment")
    if data["creator_notes"] == NOTES_PLACEHOLDER:
        del data["creator_notes"]
    if TALKATIVENESS_KEY in renamed:
        extensions = data.get("extensions")
        data["extensions"] = {
            TALKATIVENESS_KEY: renamed[TALKATIVENESS_KEY],
            **(extensions if is_mapping(extensions) else {}),
        }
    return data, {key: value for key, value in renamed.items() if key not in inner | ENVELOPE | MIRRORS}


def _renamed(file: Values, names: Mapping[str, str]) -> Values:
    """Return `file` with the field names of V1; a field that is there by its V1 name, too, keeps what it says."""
    renamed = dict(file)
    for old, new in names.items():
        if old in renamed and not renamed.get(new):
            renamed[new] = renamed.pop(old)
    return renamed


def _card(data: Values, rest: Values, *, name: str) -> tuple[Card, tuple[str, ...]]:
    notes: list[str] = []
    raw = data.get("extensions")
    if raw is not None and not is_mapping(raw):
        notes.append("`extensions` held nothing that could be carried along and is left out")
    foreign = {key: plain(value) for key, value in raw.items()} if is_mapping(raw) else {}
    packed = Packed.found(foreign)
    held = packed or Packed()
    talkativeness = share_of(foreign.get(TALKATIVENESS_KEY))
    unknown = {key: plain(value) for key, value in data.items() if key not in KNOWN and worth_carrying(key, value)}
    carried = Carried(
        file={key: plain(value) for key, value in rest.items()},
        data={**held.data, **unknown},
        extensions={key: value for key, value in foreign.items() if key == CARRIED_KEY},
    )
    taken = (
        {CARRIED_KEY}
        | ({PACKED_KEY} if packed else set())
        | ({TALKATIVENESS_KEY} if talkativeness is not None else set())
    )
    extensions = {key: value for key, value in foreign.items() if key not in taken}
    card = Card(
        **_known(data, notes, name=name),
        talkativeness=0.5 if talkativeness is None else talkativeness,
        extensions={**extensions, **held.extensions, **carried.parcel()},
    )
    return _unpacked(card, held.fields, notes), tuple(notes)


def _known(data: Values, notes: list[str], *, name: str) -> dict[str, Any]:
    """Return the fields that have the same meaning there and here, by our names."""
    known: dict[str, Any] = {}
    for key, ours in TEXTS.items():
        text = text_of(data.get(key))
        if text is None:
            notes.append(f"`{key}` was not a text and is left out")
        known[ours] = text or ""
    for key in LISTS:
        texts = tags_of(data.get(key)) if key == "tags" else texts_of(data.get(key))
        if texts is None:
            notes.append(f"`{key}` was not a list of texts and is left out")
        known[key] = texts or ()
    if not known["name"].strip():
        if not any(known[TEXTS[key]].strip() for key in V1_TEXTS):
            raise FileError(f"{name} holds no card: it has neither a name nor a description")
        known["name"] = known["nickname"].strip() or _UNNAMED
        notes.append(f"The card has no name and is called {known['name']}")
    return known


def _unpacked(card: Card, fields: Mapping[str, Any], notes: list[str]) -> Card:
    """Return the card with the fields that were packed for us; what another program has since changed stays changed."""
    own = dict(fields)
    if own.get("nickname") is not None and card.nickname:
        del own["nickname"]
    sheet = own.get("sheet", {})
    description = without_sheet(card.description, sheet=sheet, description=str(own.pop("description", "")))
    if description is None:
        del own["sheet"]
        notes.append("The description was changed elsewhere: the sheet stays in it as text")
        return replace(card, **own)
    return replace(card, **{**own, "description": description})
