"""Preset files of other programs into presets: each alone, or merged with what else came.

Every input is taken or refused with one FileError. Nothing is stored, and no pattern is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rpchat.exchange.presets.instruct import Instruct, around_setup, controls_in, read_adapter, read_instruct
from rpchat.exchange.presets.packed import unpacked
from rpchat.exchange.presets.parts import read_parts
from rpchat.exchange.presets.samplers import NEUTRAL, read_samplers
from rpchat.exchange.presets.story_string import Story, read_story
from rpchat.exchange.presets.values import ImportedPreset, Part, PresetParts, Values
from rpchat.exchange.taking import Taker, told_lines
from rpchat.store.slugs import slug
from rpchat.story.preset import Preset, Reasoning
from rpchat.story.text import one_line

_CONTEXT_LONGEST = "`max_length` is the size of the context, which is set for the model, not in a preset"

_NEUTRAL: Mapping[Part, Mapping[str, tuple[object, ...]]] = {
    "instruct": {
        "name": (), "preset": (), "enabled": (), "bind_to_context": (), "derived": (), "macro": (True,),
        "sequences_as_stop_strings": (True,), "last_system_sequence": ("",), "separator_sequence": ("",),
    },
    "context": {
        "name": (), "preset": (), "derived": (), "always_force_name2": (), "trim_sentences": (),
        "names_as_stop_strings": (True,), "example_separator": ("", "***", "<START>"), "story_string_position": (0,),
        "story_string_depth": (), "story_string_role": (), "allow_jailbreak": (False,), "collapse_newlines": (False,),
        "wrap": (), "use_stop_strings": (), "bind_to_context": (), "include_newline": (),
    },
    "sysprompt": {"name": (), "enabled": (), "post_history": ("",), "preset": ()},
    "samplers": NEUTRAL,
    "reasoning": {
        "name": (), "separator": (), "auto_parse": (), "add_to_prompts": (False,), "auto_expand": (), "show_hidden": (),
        "max_additions": (),
    },
    "adapter": {"name": (), "add_sd_negative_prompt": (), "add_sd_prompt": (), "search": ()},
}  # fmt: skip
"""Fields without a counterpart that nobody misses at these values; none listed: at any."""


def read_presets(data: bytes, *, name: str) -> ImportedPreset:
    """Return the preset in a JSON file with the content `data`, of any part or all of them.

    Raises FileError that calls the file `name`: too large, damaged, or no preset.
    """
    return build_preset(read_parts(data, name=name))


def build_preset(held: PresetParts, *, base: Preset | None = None) -> ImportedPreset:
    """Return the preset that the parts make together. What no part says is as in `base`; without one, a preset that
    says nothing of its format is played with the model's own template. Raises FileError for parts that cannot be read.
    """
    takers = {part: Taker(values, what=part) for part, values in held.parts.items()}
    preset = base or Preset(name="preset", adapter="template")
    named = one_line(held.name)
    if named:
        preset = replace(preset, name=slug(named), title=named)
    preset = _formatted(preset, takers)
    if sysprompt := takers.get("sysprompt"):
        preset = replace(preset, instruction=sysprompt.text("content") or preset.instruction)
    if samplers := takers.get("samplers"):
        preset = _sampled(preset, samplers)
    if reasoning := takers.get("reasoning"):
        preset = _reasoning(preset, reasoning)
    notes = list(held.notes)
    for part, taker in takers.items():
        notes += [*taker.notes, *taker.missed(_NEUTRAL[part])]
    if base is None and not held.parts.keys() & {"instruct", "adapter"}:
        notes.append("No sequences are in it: the model's own chat template is used")
    if held.packed:
        preset, lines = unpacked(preset, held.packed)
        notes += lines
    carried: dict[Part, Values] = {part: left for part, taker in takers.items() if (left := _carried(taker))}
    return ImportedPreset(preset=preset, parts=tuple(held.parts), carried=carried, notes=told_lines(notes))


def _formatted(preset: Preset, takers: Mapping[Part, Taker]) -> Preset:
    """Return the preset with the sequences and the story string."""
    instruct = read_instruct(takers["instruct"]) if "instruct" in takers else None
    context = takers.get("context")
    story = read_story(context.text("story_string")) if context else None
    if context and story:
        for line in story.notes:
            context.note(line)
        preset = _contextual(preset, context, story, marked=instruct is not None)
    if instruct is not None:
        start = context.text("chat_start") if context else ""
        preset = replace(preset, sequences=around_setup(instruct, story, chat_start=start))
        return _instructed(preset, instruct, story)
    if "adapter" in takers:
        return replace(preset, adapter="sequences", sequences=read_adapter(takers["adapter"]))
    return preset


def _instructed(preset: Preset, instruct: Instruct, story: Story | None) -> Preset:
    told = story is not None and story.tells_examples
    return replace(
        preset,
        adapter="sequences",
        examples="setup" if told else instruct.examples,
        instruction=instruct.system_prompt or preset.instruction,
        stop=tuple(dict.fromkeys((*instruct.stop, *preset.stop))),
        models=replace(preset.models, names=instruct.models) if instruct.models else preset.models,
    )


def _contextual(preset: Preset, context: Taker, story: Story, *, marked: bool) -> Preset:
    stop = [*preset.stop]
    start = context.text("chat_start")
    if context.flag("use_stop_strings"):
        stop += [f"\n{mark}" for mark in (start, context.text("example_separator")) if mark]
    if context.flag("single_line"):
        stop.append("\n")
    frame = story.frame
    if not marked and not controls_in((story.before, story.after)) and frame:
        # Without sequences around it, what stands in front of and behind the words is text like them.
        frame = f"{story.before}{frame.removesuffix('{{trim}}')}{story.after}{{{{trim}}}}"
    if not marked and start:
        context.note(f"`chat_start` ({one_line(start, 20)}) has no place without sequences and is left out")
    return replace(preset, story=frame, stop=tuple(dict.fromkeys(stop)))


def _sampled(preset: Preset, taker: Taker) -> Preset:
    told = read_samplers(taker)
    if taker.raw("max_length") is not None:
        taker.note(_CONTEXT_LONGEST)
    return replace(
        preset,
        sampling=told.sampling,
        max_tokens=told.max_tokens or preset.max_tokens,
        min_tokens=told.min_tokens,
    )


def _reasoning(preset: Preset, taker: Taker) -> Preset:
    prefix, suffix = taker.text("prefix").strip(), taker.text("suffix").strip()
    if not (prefix and suffix):
        if prefix or suffix:
            taker.note("only one of the two marks is told, so no thoughts are looked for")
        return replace(preset, reasoning=None)
    told = preset.sequences
    opened = told is not None and (told.last_char_prefix or "").rstrip().endswith(prefix)
    return replace(preset, reasoning=Reasoning(prefix=prefix, suffix=suffix, opened=opened))


def _carried(taker: Taker) -> dict[str, Any]:
    return {key: value for key, value in taker.left().items() if key not in ("name", "preset")}
