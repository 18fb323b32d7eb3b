"""Lorebooks and entries, drawn, for the tests of their round trips."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from rpchat.exchange.lorebooks.fields import BOOK_NAMES, FLAT_NAMES, INNER_NAMES, WORLD_NAMES
from rpchat.story.lorebook import (
    CharacterFilter,
    Decorator,
    Lorebook,
    LoreEntry,
    LoreLogic,
    LorePosition,
    LoreRole,
    LoreSource,
)
from tests.exchange.makers import keys, texts, values

small = st.integers(-3, 20_000)
maybe_small = st.none() | small
numbers = st.integers(-1000, 1000) | st.floats(-1000, 1000)
lists = st.lists(texts, max_size=3).map(tuple)
words = st.text("abcdef_", min_size=1, max_size=8)
unknown_in_entries = st.dictionaries(keys.filter(lambda key: key not in WORLD_NAMES | FLAT_NAMES), values, max_size=2)
unknown_inside = st.dictionaries(keys.filter(lambda key: key not in INNER_NAMES), values, max_size=2)
MARKS = {"spec", "spec_version", "data", "type", "kind", "lorebookVersion", "originalData"}
unknown_in_books = st.dictionaries(keys.filter(lambda key: key not in BOOK_NAMES | MARKS), values, max_size=2)
decorators = st.builds(
    Decorator,
    name=words.filter(lambda word: word not in ("depth", "role", "scan_depth")),
    value=words | st.just(""),
    fallbacks=st.lists(st.tuples(words, words), max_size=2).map(tuple),
)
sources = st.sets(st.sampled_from(get_args(LoreSource))).map(
    lambda chosen: tuple(source for source in get_args(LoreSource) if source in chosen)
)
filters = st.builds(CharacterFilter, names=lists, tags=lists, exclude=st.booleans())

entries = st.builds(
    LoreEntry,
    id=st.integers(0, 10**9) | texts,
    name=texts,
    comment=texts,
    keys=lists,
    secondary_keys=lists,
    selective=st.booleans(),
    logic=st.sampled_from(get_args(LoreLogic)),
    use_regex=st.booleans(),
    case_sensitive=st.none() | st.booleans(),
    whole_words=st.none() | st.booleans(),
    scan_depth=maybe_small,
    sources=sources,
    content=texts.filter(lambda text: not text.startswith("@@")),
    decorators=st.lists(decorators, max_size=2).map(tuple),
    enabled=st.booleans(),
    constant=st.booleans(),
    vectorized=st.booleans(),
    order=numbers,
    priority=st.none() | numbers,
    position=st.sampled_from(get_args(LorePosition)),
    depth=small,
    role=st.sampled_from(get_args(LoreRole)),
    outlet=texts,
    probability=numbers,
    use_probability=st.booleans(),
    exclude_recursion=st.booleans(),
    prevent_recursion=st.booleans(),
    delay_until_recursion=st.integers(0, 5),
    sticky=maybe_small,
    cooldown=maybe_small,
    delay=maybe_small,
    group=texts,
    group_override=st.booleans(),
    group_weight=numbers,
    group_scoring=st.none() | st.booleans(),
    ignore_budget=st.booleans(),
    automation_id=texts,
    triggers=lists,
    character_filter=st.none() | filters,
    display_index=maybe_small,
    extensions=unknown_inside,
    carried=unknown_in_entries,
)

books = st.builds(
    Lorebook,
    name=texts,
    description=texts,
    scan_depth=maybe_small,
    token_budget=maybe_small,
    recursive=st.none() | st.booleans(),
    entries=st.lists(entries, max_size=3, unique_by=lambda entry: str(entry.id)).map(tuple),
    extensions=unknown_inside,
    carried=unknown_in_books,
)
