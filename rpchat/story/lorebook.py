"""A lorebook: what is told to the model only when it is spoken of. Values alone; nothing here looks for a key.

Keys are held as they were written, also those that are regular expressions: whoever scans for them compiles them, with
a time limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

LorePosition = Literal[
    "before_card", "after_card", "before_note", "after_note", "at_depth", "before_examples", "after_examples", "outlet",
]  # fmt: skip
"""Where the content stands: around the card, the author's note or the example dialogue; `depth` turns before the end;
or wherever `outlet` is named."""

LoreRole = Literal["system", "user", "char"]
"""Who says it, where it stands between turns."""

LoreLogic = Literal["any", "not_all", "not_any", "all"]
"""How many of the secondary keys must be there."""

LoreSource = Literal[
    "persona", "description", "personality", "depth_prompt", "scenario", "creator_notes",
]  # fmt: skip
"""Texts that are searched for keys beside the turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decorator:
    """A line `@@name value` in front of an entry's content: an instruction that has no field of its own."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    value: str = ""
    fallbacks: tuple[tuple[str, str], ...] = ()
    """Names and values of the `@@@` lines below it, for whoever does not know the name; the first known one counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterFilter:
    """For whom an entry counts, by card file names and by tags."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude: bool = False
    """Whether it counts for everybody else instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoreEntry:
    """One piece of lore and when it is told. None in a setting leaves the choice to whoever plays the book."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    id: int | str | None = None
    """What other programs call it by; None until it has a place in a file."""
    name: str = ""
    comment: str = ""
    """For the author; most programs show it as the title."""
    keys: tuple[str, ...] = ()
    secondary_keys: tuple[str, ...] = ()
    selective: bool = False
    """Whether the secondary keys count."""
    logic: LoreLogic = "any"
    use_regex: bool = False
    """Whether keys may be regular expressions."""
    case_sensitive: bool | None = None
    whole_words: bool | None = None
    scan_depth: int | None = None
    """How many of the last turns are searched."""
    sources: tuple[LoreSource, ...] = ()
    content: str = ""
    decorators: tuple[Decorator, ...] = ()
    """Those that no other field says."""
    enabled: bool = True
    constant: bool = False
    """Whether it is always told, whatever its keys."""
    vectorized: bool = False
    """Whether it may also be found by its meaning."""
    order: float = 100
    """Lower ones are told first; where room is short, higher ones are kept."""
    priority: float | None = None
    position: LorePosition = "before_card"
    depth: int = 4
    role: LoreRole = "system"
    outlet: str = ""
    probability: float = 100
    """The chance of being told, in percent."""
    use_probability: bool = True
    exclude_recursion: bool = False
    """Whether only turns wake it, never other entries."""
    prevent_recursion: bool = False
    """Whether it wakes no others."""
    delay_until_recursion: int = 0
    """From which round of recursion on it can be woken; 0: from the turns."""
    sticky: int | None = None
    """How many turns it stays once told."""
    cooldown: int | None = None
    """How many turns it then cannot be told."""
    delay: int | None = None
    """How many turns a scene must have before it counts."""
    group: str = ""
    """Names, commas between them, of groups of which one entry alone is told."""
    group_override: bool = False
    group_weight: float = 100
    group_scoring: bool | None = None
    ignore_budget: bool = False
    automation_id: str = ""
    triggers: tuple[str, ...] = ()
    """Kinds of generation it counts for; empty: all."""
    character_filter: CharacterFilter | None = None
    display_index: int | None = None
    extensions: Mapping[str, object] = field(default_factory=dict)
    """What other programs keep in an entry, untouched."""
    carried: Mapping[str, object] = field(default_factory=dict)
    """Fields of the file that are none of these, untouched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lorebook:
    """A book of entries, in the order of the file."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str = ""
    description: str = ""
    scan_depth: int | None = None
    token_budget: int | None = None
    recursive: bool | None = None
    """Whether what is told is searched for keys in turn."""
    entries: tuple[LoreEntry, ...] = ()
    extensions: Mapping[str, object] = field(default_factory=dict)
    """What other programs keep in a book, untouched."""
    carried: Mapping[str, object] = field(default_factory=dict)
    """Fields of the file that are none of these, untouched."""
