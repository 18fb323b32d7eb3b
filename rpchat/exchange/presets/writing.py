"""Presets into SillyTavern's combined file: instruct, context, system prompt, samplers, reasoning."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rpchat.errors import FileError
from rpchat.exchange.presets.packed import packed
from rpchat.exchange.presets.parts import PACKED_KEY, parts_of
from rpchat.exchange.presets.reading import build_preset
from rpchat.exchange.presets.samplers import write_samplers
from rpchat.exchange.presets.story_string import words_in, write_story
from rpchat.exchange.presets.values import Part, PresetParts, Values
from rpchat.exchange.values import Exported
from rpchat.story.preset import Preset, Reasoning
from rpchat.story.sequences import Sequences

_DEFAULT_STORY = (
    "{{#if instruction}}{{instruction}}\n{{/if}}{{#if lore}}{{lore}}\n{{/if}}"
    "{{#if description}}{{description}}\n{{/if}}"
    "{{#if personality}}{{personality}}\n{{/if}}{{#if scenario}}Scenario: {{scenario}}\n{{/if}}"
    "{{#if persona}}{{persona}}\n{{/if}}{{trim}}"
)
"""Stands for the setup text that our formats write by themselves."""

_CHATML = Sequences(
    controls=("<|im_start|>", "<|im_end|>"),
    system_prefix="<|im_start|>system\n",
    system_suffix="<|im_end|>\n",
    user_prefix="<|im_start|>user\n",
    user_suffix="<|im_end|>\n",
    char_prefix="<|im_start|>assistant\n",
    char_suffix="<|im_end|>\n",
    note_prefix="<|im_start|>system\n",
    note_suffix="<|im_end|>\n",
)
_ALPACA = Sequences(
    system_prefix="### Instruction:\n",
    system_suffix="\n\n",
    user_prefix="### Input:\n",
    user_suffix="\n\n",
    char_prefix="### Response:\n",
    char_suffix="\n\n",
    note_prefix="### Instruction:\n",
    note_suffix="\n\n",
    names="always",
)
_AS_SEQUENCES: Mapping[str, Sequences] = {"chatml": _CHATML, "alpaca": _ALPACA}
"""The adapters that sequences can tell, but for lengths."""

_NAMES = {"never": "none", "groups": "force", "always": "always"}
NO_FIELDS: Mapping[Part, Values] = {}


def write_preset(preset: Preset, *, carried: Mapping[Part, Values] = NO_FIELDS) -> Exported:
    """Return the preset as a combined file; reading it again gives the same preset. `carried` are fields of the
    others that came with it. Raises FileError if its format cannot be told in sequences."""
    sequences = preset.sequences if preset.adapter == "sequences" else _AS_SEQUENCES.get(preset.adapter)
    if sequences is None:
        raise FileError(
            f"The format `{preset.adapter}` of {preset.name} cannot be told in sequences",
            f"Presets of the formats sequences, {', '.join(_AS_SEQUENCES)} can",
        )
    samplers, lines = write_samplers(preset.sampling, max_tokens=preset.max_tokens, min_tokens=preset.min_tokens)
    name = preset.title or preset.name
    sections: dict[str, dict[str, object]] = {
        "instruct": {"name": name, **_instruct(sequences, preset)},
        "context": {"name": name, **_context(preset)},
        "sysprompt": {"name": name, "content": preset.instruction},
        "preset": {"name": name, **samplers},
    }
    if preset.reasoning is not None:
        sections["reasoning"] = {"name": name, **_reasoning(preset.reasoning)}
    file = {key: {**carried.get("samplers" if key == "preset" else key, {}), **told} for key, told in sections.items()}  # type: ignore[call-overload]
    read = build_preset(PresetParts(name=name, parts=parts_of(file)))
    parcel = packed(preset, read=read.preset)
    data = json.dumps(file | ({PACKED_KEY: parcel} if parcel else {}), ensure_ascii=False, allow_nan=False, indent=2)
    return Exported(data=data.encode(), report=(*lines, *_report(preset, parcel)))


def _instruct(told: Sequences, preset: Preset) -> dict[str, object]:
    return {
        "input_sequence": told.user_prefix,
        "input_suffix": told.user_suffix,
        "output_sequence": told.char_prefix,
        "output_suffix": told.char_suffix,
        "system_sequence": told.note_prefix or "",
        "system_suffix": told.note_suffix,
        "first_input_sequence": told.first_user_prefix or "",
        "first_output_sequence": told.first_char_prefix or "",
        "last_input_sequence": told.last_user_prefix or "",
        "last_output_sequence": told.last_char_prefix or "",
        "last_system_sequence": "",
        "story_string_prefix": told.system_prefix,
        "story_string_suffix": told.system_suffix,
        "stop_sequence": "\n".join(stop for stop in preset.stop if "\n" not in stop),
        "user_alignment_message": told.user_opening,
        "names_behavior": _NAMES[told.names],
        "wrap": False,
        "macro": True,
        "activation_regex": "",
        "system_same_as_user": False,
        "skip_examples": preset.examples == "setup",
        "sequences_as_stop_strings": True,
    }


def _context(preset: Preset) -> dict[str, object]:
    story = preset.story or _DEFAULT_STORY
    if preset.examples == "setup" and "{{examples}}" not in story:
        story = f"{story.removesuffix('{{trim}}')}{{{{#if examples}}}}{{{{examples}}}}\n{{{{/if}}}}{{{{trim}}}}"
    return {
        "story_string": write_story(story),
        "example_separator": "",
        "chat_start": "",
        "use_stop_strings": False,
        "names_as_stop_strings": True,
        "always_force_name2": True,
        "trim_sentences": False,
        "single_line": "\n" in preset.stop,
        "story_string_position": 0,
    }


def _reasoning(told: Reasoning) -> dict[str, object]:
    return {"prefix": told.prefix, "suffix": told.suffix, "separator": "\n\n"}


def _report(preset: Preset, parcel: Values) -> tuple[str, ...]:
    """Return a line for each field that another program will not see as it is."""
    lines = []
    if not preset.story:
        lines.append("The setup text our formats write by themselves is told as a story string like it")
    else:
        lines += [f"The story string's `{word}` has no counterpart there" for word in _unknown_there(preset.story)]
    held = dict(parcel)
    for name in ("adapter", "story", "examples", "name", "title"):
        held.pop(name, None)
    if preset.adapter != "sequences":
        held.pop("sequences", None)
    names = [
        f"{name}.{one}"
        for name, value in held.items()
        for one in (value if isinstance(value, dict) and name != "models" else [""])
    ]
    told = [name.removesuffix(".") for name in names if name != "sequences.controls"]
    return (*lines, *(f"`{name}` has no field there: only rpchat reads it back" for name in told))


def _unknown_there(story: str) -> list[str]:
    return sorted({word for word in words_in(story) if word in ("title", "tags")})
