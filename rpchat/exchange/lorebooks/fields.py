"""The names that an entry's fields have: in SillyTavern's world info, and in the book inside a card.

One table for both directions. `flat` names stand in an entry of a card's book by the specification; `inner` ones stand
in its `extensions`, where SillyTavern keeps what the specification has no field for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rpchat.story.lorebook import LoreLogic, LorePosition, LoreRole, LoreSource

Reading = Literal[
    "text", "texts", "flag", "maybe flag", "number", "maybe number", "whole", "maybe whole", "rounds", "code",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entry: by our name, by SillyTavern's, and by those in a card's book; empty where it has none."""

    ours: str
    kind: Reading
    world: str
    flat: str = ""
    inner: str = ""


POSITIONS: tuple[LorePosition, ...] = (
    "before_card", "after_card", "before_note", "after_note", "at_depth", "before_examples", "after_examples", "outlet",
)  # fmt: skip
ROLES: tuple[LoreRole, ...] = ("system", "user", "char")
LOGICS: tuple[LoreLogic, ...] = ("any", "not_all", "not_any", "all")

CODES: Mapping[str, tuple[str, ...]] = {"position": POSITIONS, "role": ROLES, "logic": LOGICS}
"""Choices that files tell as numbers, in the order of these."""

SOURCES: Mapping[LoreSource, tuple[str, str]] = {
    "persona": ("matchPersonaDescription", "match_persona_description"),
    "description": ("matchCharacterDescription", "match_character_description"),
    "personality": ("matchCharacterPersonality", "match_character_personality"),
    "depth_prompt": ("matchCharacterDepthPrompt", "match_character_depth_prompt"),
    "scenario": ("matchScenario", "match_scenario"),
    "creator_notes": ("matchCreatorNotes", "match_creator_notes"),
}
"""The switch for each text that is searched, in the world info and in `extensions`."""

FIELDS: tuple[Field, ...] = (
    Field("name", "text", "name", "name"),
    Field("comment", "text", "comment", "comment"),
    Field("keys", "texts", "key", "keys"),
    Field("secondary_keys", "texts", "keysecondary", "secondary_keys"),
    Field("selective", "flag", "selective", "selective"),
    Field("logic", "code", "selectiveLogic", inner="selectiveLogic"),
    Field("use_regex", "flag", "use_regex", "use_regex"),
    Field("case_sensitive", "maybe flag", "caseSensitive", "case_sensitive", "case_sensitive"),
    Field("whole_words", "maybe flag", "matchWholeWords", inner="match_whole_words"),
    Field("scan_depth", "maybe whole", "scanDepth", inner="scan_depth"),
    Field("constant", "flag", "constant", "constant"),
    Field("vectorized", "flag", "vectorized", inner="vectorized"),
    Field("order", "number", "order", "insertion_order"),
    Field("priority", "maybe number", "priority", "priority"),
    Field("position", "code", "position", inner="position"),
    Field("depth", "whole", "depth", inner="depth"),
    Field("role", "code", "role", inner="role"),
    Field("outlet", "text", "outletName", inner="outlet_name"),
    Field("probability", "number", "probability", inner="probability"),
    Field("use_probability", "flag", "useProbability", inner="useProbability"),
    Field("exclude_recursion", "flag", "excludeRecursion", inner="exclude_recursion"),
    Field("prevent_recursion", "flag", "preventRecursion", inner="prevent_recursion"),
    Field("delay_until_recursion", "rounds", "delayUntilRecursion", inner="delay_until_recursion"),
    Field("sticky", "maybe whole", "sticky", inner="sticky"),
    Field("cooldown", "maybe whole", "cooldown", inner="cooldown"),
    Field("delay", "maybe whole", "delay", inner="delay"),
    Field("group", "text", "group", inner="group"),
    Field("group_override", "flag", "groupOverride", inner="group_override"),
    Field("group_weight", "number", "groupWeight", inner="group_weight"),
    Field("group_scoring", "maybe flag", "useGroupScoring", inner="use_group_scoring"),
    Field("ignore_budget", "flag", "ignoreBudget", inner="ignore_budget"),
    Field("automation_id", "text", "automationId", inner="automation_id"),
    Field("triggers", "texts", "triggers", inner="triggers"),
    Field("display_index", "maybe whole", "displayIndex", inner="display_index"),
)
"""All but the id, the content, whether it is enabled, the sources and the filter, which are no plain renaming."""

FILTER = ("characterFilter", "character_filter")
"""The filter by characters, in the world info and, for us alone, in `extensions`."""

WORLD_NAMES = frozenset(
    {*(one.world for one in FIELDS), *(names[0] for names in SOURCES.values())}
    | {"uid", "id", "content", "disable", "extensions", FILTER[0]}
)
"""Every key of a world info entry that has a place in ours."""

FLAT_NAMES = frozenset({*(one.flat for one in FIELDS), "id", "content", "enabled", "position", "extensions"} - {""})
"""Every key of an entry in a card's book that has a place in ours."""

INNER_NAMES = frozenset({*(one.inner for one in FIELDS), *(names[1] for names in SOURCES.values()), FILTER[1]} - {""})
"""Every key in its `extensions` that has."""

BOOK_NAMES = frozenset({
    "name", "description", "scan_depth", "token_budget", "recursive_scanning", "extensions", "entries",
})  # fmt: skip
