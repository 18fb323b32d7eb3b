"""Regex scripts and sets of quick replies, kept whole for later use.

Each is a value that holds the object as it came and shows, typed, what we understand of it. Written, it is that object:
JSON out equals JSON in. A pattern stays a text here; whoever runs it sets a time limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rpchat.errors import FileError
from rpchat.exchange.loose import is_mapping
from rpchat.exchange.taking import MOST_ITEMS, Taker, told_lines
from rpchat.exchange.values import Exported
from rpchat.store.reading import load_json, shown

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexScript:
    """One script: what it looks for in which texts, and what it puts there."""

    name: str
    pattern: str
    """As it was written, mostly `/…/flags`."""
    replacement: str = ""
    trims: tuple[str, ...] = ()
    """What is taken out of each match before it is put back."""
    places: tuple[int, ...] = ()
    """1: the user's lines, 2: replies, 3: commands, 5: lore, 6: thoughts."""
    disabled: bool = False
    shown_only: bool = False
    """Whether only what is shown changes."""
    prompt_only: bool = False
    """Whether only what the model reads changes."""
    least_depth: int | None = None
    most_depth: int | None = None
    whole: Values
    """The script as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """One button: what it is called and what it sends."""

    label: str
    message: str = ""
    title: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReplySet:
    """A row of buttons."""

    name: str
    replies: tuple[QuickReply, ...]
    version: int = 2
    whole: Values
    """The set as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedScripts:
    """A file of regex scripts as it was understood."""

    scripts: tuple[RegexScript, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedQuickReplies:
    """A file with a set of quick replies as it was understood."""

    set: QuickReplySet
    notes: tuple[str, ...] = ()


def is_scripts(value: object) -> bool:
    """Whether plain data is a regex script or a list of them."""
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(is_mapping(item) and "findRegex" in item for item in items)


def is_quick_replies(value: object) -> bool:
    """Whether plain data is a set of quick replies, of the first version or the second."""
    return is_mapping(value) and any(isinstance(value.get(key), list) for key in ("qrList", "quickReplySlots"))


def read_scripts(data: bytes, *, name: str) -> ImportedScripts:
    """Return the regex scripts in a JSON file: one, or a list. Raises FileError that calls the file `name`."""
    value = load_json(data, name=name)
    if not is_scripts(value):
        raise FileError(f"{shown(name)} holds no regex scripts: a script has `findRegex`")
    items = value if isinstance(value, list) else [value]
    _check_count(len(items), name=name)
    scripts, notes = [], []
    for item in items:
        if is_mapping(item):
            taker = Taker(item, what="script")
            scripts.append(_script(taker, item))
            notes += taker.notes
    return ImportedScripts(scripts=tuple(scripts), notes=told_lines(notes))


def read_quick_replies(data: bytes, *, name: str) -> ImportedQuickReplies:
    """Return the quick replies in a JSON file. Raises FileError that calls the file `name`."""
    value = load_json(data, name=name)
    if not is_quick_replies(value) or not is_mapping(value):
        raise FileError(f"{shown(name)} holds no quick replies: a set has `qrList`")
    taker = Taker(value)
    held = taker.raw("qrList", "quickReplySlots")
    items = [Taker(item, what="quick reply") for item in held if is_mapping(item)] if isinstance(held, list) else []
    _check_count(len(items), name=name)
    replies = [_reply(item) for item in items]
    version = taker.whole("version", default=2 if "qrList" in value else 1)
    title = taker.text("name") or shown(name).rsplit(".", 1)[0]
    notes = told_lines((*taker.notes, *(line for item in items for line in item.notes)))
    return ImportedQuickReplies(
        set=QuickReplySet(name=title, replies=tuple(replies), version=version, whole=dict(value)), notes=notes
    )


def write_scripts(scripts: Sequence[RegexScript]) -> Exported:
    """Return the scripts as a JSON file: one as itself, several as a list."""
    wholes = [script.whole for script in scripts]
    return _exported(wholes[0] if len(wholes) == 1 else wholes)


def write_quick_replies(replies: QuickReplySet) -> Exported:
    """Return the set as a JSON file."""
    return _exported(replies.whole)


def _check_count(count: int, *, name: str) -> None:
    if count > MOST_ITEMS:
        raise FileError(f"{shown(name)} holds too many of them: at most {MOST_ITEMS:,} are read")


def _exported(value: object) -> Exported:
    return Exported(data=json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2).encode())


def _script(taker: Taker, whole: Values) -> RegexScript:
    places = taker.raw("placement")
    return RegexScript(
        name=taker.text("scriptName", "name"),
        pattern=taker.text("findRegex"),
        replacement=taker.text("replaceString"),
        trims=taker.texts("trimStrings"),
        places=tuple(place for place in places if type(place) is int) if isinstance(places, list) else (),
        disabled=taker.flag("disabled"),
        shown_only=taker.flag("markdownOnly"),
        prompt_only=taker.flag("promptOnly"),
        least_depth=taker.maybe_whole("minDepth"),
        most_depth=taker.maybe_whole("maxDepth"),
        whole=dict(whole),
    )


def _reply(taker: Taker) -> QuickReply:
    return QuickReply(
        label=taker.text("label"),
        message=taker.text("message", "mes"),
        title=taker.text("title"),
        hidden=taker.flag("isHidden") or not taker.flag("enabled", default=True),
    )
