"""The names that a card's fields have in the V1, V2 and V3 formats and in their forerunners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from rpchat.story.card import Card

TEXTS: Mapping[str, str] = {
    "name": "name",
    "description": "description",
    "personality": "personality",
    "scenario": "scenario",
    "first_mes": "first_message",
    "mes_example": "example_dialogue",
    "creator_notes": "creator_notes",
    "system_prompt": "system_prompt",
    "post_history_instructions": "post_history",
    "creator": "creator",
    "character_version": "version",
    "nickname": "nickname",
}
"""Their texts, and the fields of ours that hold them."""

V1_TEXTS = ("description", "personality", "scenario", "first_mes", "mes_example")
"""What a V1 card has beside its name."""

LISTS = ("alternate_greetings", "tags")
"""Lists of texts, which have the same name with us."""

KNOWN = frozenset({*TEXTS, *LISTS, "extensions"})
"""All of `data` that a card of ours has a place for."""

V3_ONLY = frozenset({
    "assets", "creator_notes_multilingual", "source", "group_only_greetings", "creation_date", "modification_date",
})  # fmt: skip
"""What V3 added to `data` and we only carry."""

ENVELOPE = frozenset({"spec", "spec_version", "data"})

MIRRORS = KNOWN | {"creatorcomment", "talkativeness", "fav"}
"""Beside `data`, copies of what stands in it for older programs; never read where `data` is there."""

PRIVATE = frozenset({
    "chat", "json_data", "date_last_chat", "date_added", "chat_size", "data_size", "shallow",
})  # fmt: skip
"""What SillyTavern notes for itself: the scene that was played last, copies, sizes. Neither read nor written."""

PYGMALION: Mapping[str, str] = {
    "char_name": "name",
    "char_persona": "description",
    "char_greeting": "first_mes",
    "example_dialogue": "mes_example",
    "world_scenario": "scenario",
}
WEBUI: Mapping[str, str] = {"context": "description", "greeting": "first_mes", "example_dialogue": "mes_example"}

NOTES_PLACEHOLDER = "Creator's notes go here."
"""What SillyTavern once wrote where an author had written nothing."""

OWN = frozenset(field.name for field in fields(Card)) - {*TEXTS.values(), *LISTS, "talkativeness", "extensions"}
"""The fields of ours that no other format has."""


def is_public(key: str, value: object) -> bool:
    """Whether a key beside `data` may travel: nothing private, and no picture's place on somebody's disk."""
    if key == "avatar" and isinstance(value, str) and not value.startswith(("http://", "https://")):
        return "/" not in value and "\\" not in value
    return key not in PRIVATE
