"""Lines of a scene as SillyTavern's JSON lines; what `tavern_reading` carried stands where it stood.

A value that another program wrote is written again as it was, as long as it means what the scene says now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from rpchat.exchange.chats.dates import read_date, write_date
from rpchat.exchange.chats.lineage import Line, Place, branching_places
from rpchat.exchange.chats.metadata import MAIN_CHAT, METADATA, metadata_in, metadata_of
from rpchat.exchange.chats.tavern_reading import is_true
from rpchat.exchange.chats.values import CARRIED_KEY, TAVERN_KEY
from rpchat.exchange.loose import is_mapping
from rpchat.story.scene import Scene
from rpchat.story.turn import Turn

Values = Mapping[str, object]

_OF_THE_VERSION = ("send_date", "gen_started", "gen_finished", "extra")
"""What a message says of the version that is told, as the version's own entry does."""


def write_line(
    scene: Scene, line: Line, *, branch_of: str = "", branches: Mapping[int, list[str]] | None = None
) -> bytes:
    """Return a line as a chat file; of a branch, with the name of the chat it leaves.

    `branches` are the names of the chats that leave this one, by the place of the message behind which they do.
    """
    header = _header(scene, branch_of)
    messages = [_message(place) for place in line]
    for at, names in (branches or {}).items():
        messages[at] = _with_branches(messages[at], names)
    return "\n".join(_dumped(value) for value in ([header] if header else []) + messages).encode()


def branches_behind(lines: tuple[Line, ...], names: list[str]) -> dict[int, list[str]]:
    """Return by the places of the first line which of the others (`names`, in their order) leave it behind them."""
    found: dict[int, list[str]] = {}
    for line, name in zip(lines[1:], names, strict=True):
        common = branching_places(line, lines[0])
        if common:
            found.setdefault(common - 1, []).append(name)
    return found


def _header(scene: Scene, branch_of: str) -> dict[str, object] | None:
    """The header, the carried one where there is one; None for a chat that came without, if it can do without."""
    kept = scene.carried.get(TAVERN_KEY)
    header = kept.get("header") if is_mapping(kept) else None
    if not is_mapping(header):
        members = ", ".join(member.card.name for member in scene.present())
        header = {} if kept is not None else {"user_name": scene.persona.name, "character_name": members}
    before = metadata_in(header)
    metadata = {**metadata_of(scene.settings, before), **({MAIN_CHAT: branch_of} if branch_of else {})}
    if kept is not None and metadata == before:
        return dict(header) or None
    return {**header, METADATA: metadata}


def _message(place: Place) -> dict[str, object]:
    told, versions = place.told, place.versions
    bearer, carried = _carried(place)
    kept = carried.get("message")
    if is_mapping(kept):
        stale = _OF_THE_VERSION if told.id != bearer.id else ()
        rest = {key: value for key, value in kept.items() if key not in stale}
        message = {"name": told.speaker, "is_user": told.side == "user", **rest, "mes": told.text}
        message |= _said_now(told, message, carried_here=told.id == bearer.id)
    else:
        message = _new(told)
    if len(versions) > 1 or "listed" in carried:
        message |= {"swipe_id": versions.index(told), "swipes": [version.text for version in versions]}
    if "infos" in carried or (len(versions) > 1 and not is_mapping(kept)):
        message["swipe_info"] = [*_infos(versions), *_list(carried.get("infos"))]
    return message


def _carried(place: Place) -> tuple[Turn, Values]:
    """The version that carries what belongs to the whole message, and what it carries; the told one if none does."""
    for turn in (place.told, *place.versions):
        carried = _of(turn)
        if carried is not None and "message" in carried:
            return turn, carried
    return place.told, {}


def _of(turn: Turn) -> Values | None:
    carried = turn.record.get(CARRIED_KEY)
    return carried if is_mapping(carried) else None


def _new(told: Turn) -> dict[str, object]:
    """A message that no other program wrote."""
    by = {"original_avatar": f"{told.member}.png"} if told.member and not told.narrated else {}
    return {
        "name": told.speaker,
        "is_user": told.side == "user",
        "is_system": told.unheard,
        "send_date": write_date(told.created),
        "mes": told.text,
        "extra": {"type": "narrator"} if told.narrated else {},
        **by,
    }


def _said_now(told: Turn, message: Values, *, carried_here: bool) -> dict[str, object]:
    """What is to be said instead of what was carried with this version, or with another one, and is not so any more."""
    now: dict[str, object] = {}
    if is_true(message.get("is_system")) != told.unheard:
        now["is_system"] = told.unheard
    if not carried_here:
        info = (_of(told) or {}).get("swipe")
        own = info if is_mapping(info) else {"send_date": write_date(told.created), "extra": {}}
        now |= {key: own[key] for key in _OF_THE_VERSION if key in own}
    elif read_date(message.get("send_date")) != told.created and not _dated_by_version(told):
        now["send_date"] = write_date(told.created)
    return now


def _dated_by_version(told: Turn) -> bool:
    """Whether the turn's time is that of its entry among the versions."""
    info = (_of(told) or {}).get("swipe")
    return is_mapping(info) and read_date(info.get("send_date")) == told.created


def _infos(versions: tuple[Turn, ...]) -> list[object]:
    """The entries of the versions, up to the first that came without one."""
    infos: list[object] = []
    for version in versions:
        carried = _of(version)
        if carried is None:
            infos.append({"send_date": write_date(version.created), "extra": {}})
        elif "swipe" in carried:
            infos.append(carried["swipe"])
        else:
            break
    return infos


def _with_branches(message: dict[str, object], names: list[str]) -> dict[str, object]:
    """The message with the names of the chats that branch off behind it."""
    extra = message.get("extra")
    extra = extra if is_mapping(extra) else {}
    known = _list(extra.get("branches"))
    return {**message, "extra": {**extra, "branches": [*known, *(name for name in names if name not in known)]}}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _dumped(value: Values) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
