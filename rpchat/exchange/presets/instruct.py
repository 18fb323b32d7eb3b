"""Instruct templates, and KoboldAI's short form of them, into sequences.

Here every sequence is the literal text; there, `wrap` puts line breaks around it, and the setup's marks stand in the
template (`story_string_prefix`), in the story string, or, in files of both ages, in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Literal

from rpchat.exchange.presets.story_string import Story
from rpchat.exchange.taking import Taker
from rpchat.story.sequences import Sequences

Names = Literal["never", "groups", "always"]

_NAMES: dict[str, Names] = {"none": "never", "force": "groups", "always": "always"}
_CONTROL = re.compile(
    r"<\|[^|<>\s]{1,60}\|>|<｜[^｜<>\s]{1,60}｜>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos)>|<extra_id_\d{1,3}>"
    r"|\[/?[A-Z][A-Z_]{2,30}\]|\[[a-z]{1,3}MASK\]|<sop>"
)
_MACRO = re.compile(r"\{\{\s*(?:char|user|name)\s*\}\}", re.IGNORECASE)
_PLAIN_PATTERN = re.compile(r"[\w .|-]{3,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruct:
    """An instruct template as it is meant, without the setup's marks in their final place."""

    sequences: Sequences
    wrap: bool = False
    story_prefix: str = ""
    story_suffix: str = ""
    modern: bool = False
    """Whether it says itself what stands around the setup, if only that nothing does."""
    system_prompt: str = ""
    """The opening instruction that very old ones hold."""
    examples: Literal["setup", "turns"] = "turns"
    stop: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Parts of the names of the models it is meant for."""


def controls_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what looks like control tokens in the texts, each once. What is none in a vocabulary stays text there."""
    return tuple(dict.fromkeys(found for text in texts for found in _CONTROL.findall(text)))


def with_controls(sequences: Sequences) -> Sequences:
    """Return the sequences with the control tokens named that occur in them."""
    texts = [value for one in fields(sequences) if isinstance(value := getattr(sequences, one.name), str)]
    return replace(sequences, controls=controls_in(texts))


def read_instruct(taker: Taker) -> Instruct:
    """Return what an instruct template says."""
    wrap = taker.flag("wrap")
    separator = "\n" if wrap else ""
    same = taker.flag("system_same_as_user")

    def prefix(*names: str) -> str:
        sequence = _unmarked(taker.text(*names))
        return f"{sequence}{separator}" if sequence else ""

    def suffix(*names: str) -> str:
        return _unmarked(taker.text(*names)) or separator

    user, char, system = prefix("input_sequence"), prefix("output_sequence"), prefix("system_sequence")
    user_suffix, system_suffix = suffix("input_suffix"), suffix("system_suffix")
    note = user if same else system
    names = _names(taker)
    last = prefix("last_output_sequence") or char
    last = f"{last.rstrip()}\n" if wrap and last and names != "always" else last
    sequences = Sequences(
        user_prefix=user,
        user_suffix=user_suffix,
        char_prefix=char,
        char_suffix=suffix("output_suffix", "separator_sequence"),
        note_prefix=note or None,
        note_suffix=(user_suffix if same else system_suffix) if note else "",
        first_user_prefix=prefix("first_input_sequence") or None,
        first_char_prefix=prefix("first_output_sequence") or None,
        last_user_prefix=prefix("last_input_sequence") or None,
        last_char_prefix=last if last != char else None,
        user_opening=taker.text("user_alignment_message"),
        names=names,
        # For the setup, where nothing else says what stands around it.
        system_prefix=system,
        system_suffix=system_suffix,
    )
    return Instruct(
        sequences=sequences,
        wrap=wrap,
        modern=taker.raw("story_string_prefix", "story_string_suffix") is not None,
        story_prefix=_unmarked(taker.text("story_string_prefix") or taker.text("system_sequence_prefix")),
        story_suffix=_story_suffix(taker, separator),
        system_prompt=taker.text("system_prompt"),
        examples="setup" if taker.flag("skip_examples") else "turns",
        stop=_stops(taker, taker.text("stop_sequence")),
        models=_models(taker, taker.text("activation_regex")),
    )


def read_adapter(taker: Taker) -> Sequences:
    """Return what KoboldAI's chat adapter says."""
    system, system_end = taker.text("system_start"), taker.text("system_end")
    return with_controls(
        Sequences(
            system_prefix=system,
            system_suffix=system_end or ("" if system else "\n\n"),
            user_prefix=taker.text("user_start"),
            user_suffix=taker.text("user_end"),
            char_prefix=taker.text("assistant_start"),
            char_suffix=taker.text("assistant_end"),
            last_char_prefix=taker.text("assistant_gen") or None,
            note_prefix=system or None,
            note_suffix=system_end if system else "",
        )
    )


def around_setup(instruct: Instruct, story: Story | None, *, chat_start: str = "") -> Sequences:
    """Return the sequences with what stands around the setup, each mark once wherever it was told."""
    told = instruct.sequences
    separator = "\n" if instruct.wrap else ""
    before, after = (story.before, story.after) if story else ("", "")
    given = bool(instruct.story_prefix or instruct.story_suffix or before or after)
    if not given and not instruct.modern and controls_in((told.system_prefix,)):
        return with_controls(replace(told, system_suffix=f"{told.system_suffix}{_line(chat_start)}"))
    if instruct.story_prefix and not _stands(instruct.story_prefix, before):
        before = f"{instruct.story_prefix}{separator}{before}"
    if instruct.story_suffix and not _stands(instruct.story_suffix, after):
        after = f"{after}{instruct.story_suffix}"
    elif instruct.wrap and not after.endswith("\n"):
        after += "\n"
    if story is None and not given:
        after = "\n\n"
    return with_controls(replace(told, system_prefix=before, system_suffix=f"{after}{_line(chat_start)}"))


def _stands(mark: str, literal: str) -> bool:
    """Whether a mark already stands in what the story string tells itself."""
    return bool(mark.strip()) and mark.strip() in literal


def _line(text: str) -> str:
    return f"{text}\n" if text else ""


def _unmarked(sequence: str) -> str:
    """Return a sequence with its macros spelt as we spell them."""
    return _MACRO.sub(lambda match: match[0].replace(" ", "").lower(), sequence)


def _story_suffix(taker: Taker, separator: str) -> str:
    """Return what stands behind the setup; the older field had a line break in front of it."""
    new, old = taker.text("story_string_suffix"), taker.text("system_sequence_suffix")
    return _unmarked(new or (f"{separator}{old}{separator}" if old else ""))


def _names(taker: Taker) -> Names:
    behaviour = taker.text("names_behavior").strip().lower()
    always, groups = taker.flag("names", "include_names"), taker.flag("names_force_groups", default=True)
    if behaviour and behaviour not in _NAMES:
        taker.note(f"`names_behavior` is `{behaviour[:20]}` and taken as `force`")
    if behaviour:
        return _NAMES.get(behaviour, "groups")
    return "always" if always else "groups" if groups else "never"


def _stops(taker: Taker, text: str) -> tuple[str, ...]:
    """Return the stop strings; one with a name in it is left out where the names end a reply anyway."""
    stops = []
    for stop in dict.fromkeys(line for line in text.split("\n") if line.strip()):
        if not _MACRO.search(stop):
            stops.append(stop)
        elif _MACRO.sub("", stop).strip(" :："):
            taker.note("`stop_sequence` names somebody, which a stop cannot here, and is left out")
    return tuple(stops)


def _models(taker: Taker, pattern: str) -> tuple[str, ...]:
    """Return the names in a pattern that is no more than names; no pattern of a stranger is ever compiled."""
    if not pattern:
        return ()
    bare = re.sub(r"^/|/[a-z]{0,6}$", "", pattern).replace("\\.", ".").replace("\\-", "-")
    names = [name for name in bare.split("|") if len(name.strip()) > 2]
    if not _PLAIN_PATTERN.fullmatch(bare) or not names:
        taker.note("`activation_regex` is more than names of models, and left out")
        return ()
    return tuple(names)
