"""SillyTavern's groups into scene plans, with what a plan cannot hold beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rpchat.errors import FileError
from rpchat.exchange.loose import is_mapping, text_of
from rpchat.exchange.taking import Taker, told_lines
from rpchat.store.reading import load_json, shown
from rpchat.story.casting import Strategy
from rpchat.story.plan import ScenePlan
from rpchat.story.scene import Sheets
from rpchat.story.text import one_line

_STRATEGIES: tuple[Strategy, ...] = ("natural", "list", "manual", "pooled")
_MOST = 7
_MOST_NAMED = 1_000
_ENDINGS = (".png", ".json", ".yaml", ".yml", ".charx", ".webp")
_NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "id": (), "avatar_url": (), "allow_self_responses": (False,), "fav": (), "chat_id": (), "chats": (),
    "auto_mode_delay": (5,), "hideMutedSprites": (), "chat_metadata": ({},), "past_metadata": ({},), "date_added": (),
    "create_date": (), "date_last_chat": (), "chat_size": (), "generation_mode_join_suffix": ("",),
}  # fmt: skip
"""What a plan has no place for and nobody misses at these values; none listed: at any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedGroup:
    """A group as it was understood. Nothing has been stored yet."""

    plan: ScenePlan
    """Its cast names the cards by the stems of their files."""
    muted: tuple[str, ...] = ()
    """Who of the cast does not speak by itself."""
    chats: tuple[str, ...] = ()
    """The names of its chats, which lie in files of their own."""
    metadata: Mapping[str, object] = field(default_factory=dict)
    """What older groups hold of their chats (`chat_metadata`, `past_metadata`), as it came."""
    notes: tuple[str, ...] = ()


def is_group(value: object) -> bool:
    """Whether plain data is a group."""
    return (
        is_mapping(value)
        and isinstance(value.get("members"), list)
        and bool(value.keys() & {"activation_strategy", "allow_self_responses", "chat_id", "chats", "generation_mode"})
    )


def read_group(data: bytes, *, name: str) -> ImportedGroup:
    """Return the group in a JSON file. Raises FileError that calls the file `name`: no group, or nobody in it."""
    value = load_json(data, name=name)
    if not is_group(value) or not is_mapping(value):
        raise FileError(f"{shown(name)} holds no group: a group has members")
    taker = Taker(value)
    members = _members(taker)
    if len(members) > _MOST_NAMED:
        raise FileError(f"{shown(name)} holds a group of too many: at most {_MOST_NAMED} members are read")
    if not members:
        raise FileError(f"{shown(name)} holds a group without members")
    muted = {_stem(one) for one in taker.texts("disabled_members")}
    cast = _cast(members, muted, taker)
    title = one_line(taker.text("name")) or ", ".join(cast)
    plan = ScenePlan(name=title, cast=cast, casting=_strategy(taker), sheets=_sheets(taker))
    quiet = tuple(one for one in cast if one in muted)
    if quiet:
        taker.note(f"A plan mutes nobody: {', '.join(quiet)} can be muted when the scene is played")
    return ImportedGroup(
        plan=plan,
        muted=quiet,
        chats=tuple(dict.fromkeys(chat for chat in (*taker.texts("chats"), taker.text("chat_id")) if chat)),
        metadata={key: taker.mapping(key) for key in ("chat_metadata", "past_metadata") if is_mapping(value.get(key))},
        notes=told_lines((*taker.notes, *taker.missed(_NEUTRAL))),
    )


def _members(taker: Taker) -> list[str]:
    """Return the stems of the members' files, or their names in very old groups, each once."""
    held = taker.raw("members")
    named = held[: _MOST_NAMED * 2] if isinstance(held, list) else []
    stems = [_stem(text_of(one) or "") for one in named]
    return list(dict.fromkeys(stem for stem in stems if stem))


def _stem(name: str) -> str:
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    ending = next((ending for ending in _ENDINGS if bare.casefold().endswith(ending)), "")
    return bare[: len(bare) - len(ending)].strip()


def _cast(members: list[str], muted: set[str], taker: Taker) -> tuple[str, ...]:
    """Return as many members as a plan can hold, those who speak first."""
    if len(members) <= _MOST:
        return tuple(members)
    kept = [*(one for one in members if one not in muted), *(one for one in members if one in muted)][:_MOST]
    taker.note(f"A scene has at most {_MOST} members: {len(members) - _MOST} are left out")
    return tuple(one for one in members if one in kept)


def _strategy(taker: Taker) -> Strategy:
    """Return who speaks next; groups made of a chat once held a yes or no there, the two fields being exchanged."""
    held = taker.raw("activation_strategy")
    if isinstance(held, bool) or held is None:
        return "natural"
    return _STRATEGIES[taker.whole("activation_strategy", default=0, low=0, high=len(_STRATEGIES) - 1)]


def _sheets(taker: Taker) -> Sheets:
    """Return whose sheets stand in the prompt: the speaker's, or everybody's with (2) or without (1) the muted."""
    mode = taker.whole("generation_mode", default=0, low=0, high=2)
    for name in ("generation_mode_join_prefix", "generation_mode_join_suffix"):
        if taker.text(name):
            taker.note(f"`{name}` has no counterpart: sheets are joined as the format joins them")
    return ("own", "unmuted", "joined")[mode]
