from __future__ import annotations

import json
import math
import os
import random
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rpchat.errors import FileError
from rpchat.exchange.presets import build_preset, is_preset, merged, read_parts, read_presets, write_preset
from rpchat.exchange.presets.story_string import read_story, write_story
from rpchat.prompt.story_string import fill_story
from rpchat.store.parsing import parse
from rpchat.store.reading import load_yaml
from rpchat.store.yaml_writer import fresh
from rpchat.story.preset import DEFAULT_ORDER, Preset, Reasoning, Sampling
from rpchat.story.sequences import Sequences
from rpchat.story.text import clean, one_line
from tests.exchange import preset_makers as made
from tests.exchange.makers import as_json, keys, values
from tests.exchange.test_mutants import mutated

MUTANTS = int(os.environ.get("RPCHAT_MUTANTS", "2000"))
EXAMPLES = int(os.environ.get("RPCHAT_EXAMPLES", "20"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

FULL: dict[str, Any] = {
    **made.CHATML_OLD,
    "sysprompt": {"name": "s", "content": "Write {{char}}'s next line."},
    "preset": made.SAMPLERS,
    "reasoning": {"name": "r", "prefix": "<think>\n", "suffix": "\n</think>", "separator": "\n\n"},
    "srw": {"value": "", "show": False},
}


def imported(file: object, name: str = "my preset.json") -> Any:
    return read_presets(as_json(file), name=name)


# Out and in again


@many
@given(preset=made.presets)
def test_a_preset_comes_back_as_it_was(preset: Preset) -> None:
    written = write_preset(preset)
    read = read_presets(written.data, name="p.json")
    assert read.preset == preset
    assert write_preset(read.preset).data == written.data


@many
@given(
    preset=made.presets,
    part=st.sampled_from(["instruct", "context", "sysprompt", "samplers", "reasoning"]),
    unknown=st.dictionaries(keys.filter(lambda key: key not in ("name", "preset")).map(lambda key: f"x {key}"), values),
)
def test_what_we_do_not_know_is_told_and_survives(preset: Preset, part: Any, unknown: dict[str, object]) -> None:
    preset = replace(preset, reasoning=preset.reasoning or Reasoning())
    section = "preset" if part == "samplers" else part
    file = json.loads(write_preset(preset).data)
    file[section] |= unknown
    read = imported(file)
    assert read.preset == preset
    missed = {one_line(key, 40) for key, value in unknown.items() if value is not None}
    assert {line.split("`")[1] for line in read.notes if "`x" in line} == {key.split("`")[0] for key in missed}
    again = json.loads(write_preset(read.preset, carried=read.carried).data)
    assert {key: again[section][key] for key in unknown} == unknown


def test_a_preset_of_a_format_that_is_no_sequences_is_refused() -> None:
    with pytest.raises(FileError, match="cannot be told in sequences"):
        write_preset(Preset(name="p", adapter="party"))


def test_the_report_of_a_plain_preset_is_short() -> None:
    read = imported(FULL)
    assert write_preset(read.preset).report == ()
    odd = replace(read.preset, tries=2, sampling=replace(read.preset.sampling, dry_last_n=5, penalty_last_n=0))
    assert write_preset(odd).report == (
        "`sampling.penalty_last_n` has no field there: only rpchat reads it back",
        "`tries` has no field there: only rpchat reads it back",
    )


def test_what_another_program_changed_in_a_file_of_ours_counts() -> None:
    file = json.loads(write_preset(Preset(name="p", adapter="chatml", tries=2)).data)
    file["preset"]["temp"] = 0.25
    preset = imported(file).preset
    assert (preset.sampling.temperature, preset.tries, preset.adapter) == (0.25, 2, "chatml")


@pytest.mark.parametrize("parcel", [{"tries": 99}, {"odd": 1}, {"sampling": 5}, {"story": "{{#if x}}"}])
def test_a_parcel_that_is_not_ours_is_left_out(parcel: dict[str, object]) -> None:
    read = imported({**FULL, "rpchat": parcel})
    assert read.preset == imported(FULL).preset
    assert any("for rpchat is left out" in line for line in read.notes)


# Parts


def test_a_combined_file_says_everything() -> None:
    read = imported(FULL)
    preset = read.preset
    assert set(read.parts) == {"instruct", "context", "sysprompt", "samplers", "reasoning"}
    assert (preset.name, preset.title, preset.adapter) == ("chatml", "ChatML", "sequences")
    assert preset.instruction == "Write {{char}}'s next line."
    assert preset.reasoning == Reasoning(prefix="<think>", suffix="</think>")
    assert (preset.max_tokens, preset.examples, preset.stop) == (250, "turns", ("<|im_end|>",))
    assert read.notes == ()
    assert preset.sampling == Sampling(
        order=("penalties", "dry", "temperature", "top_k", "typical_p", "top_p", "min_p", "xtc", "top_n_sigma"),
        temperature=1.1, top_p=0.95, top_k=40, typical_p=0.9, min_p=0.05, repeat_penalty=1.1, penalty_last_n=1024,
        frequency_penalty=0.2, presence_penalty=0.1, dry_allowed_length=3, dry_multiplier=0.8, dry_base=1.8,
        dry_breakers=("\n", ":", '"', "*"), xtc_threshold=0.15, xtc_probability=0.5, top_n_sigma=1.5,
    )  # fmt: skip


def test_an_imported_preset_is_a_file_of_ours_too() -> None:
    preset = imported({**FULL, "preset": {**made.SAMPLERS, "banned_tokens": "foo"}}).preset
    told = {"name": preset.name, "adapter": preset.adapter, "story": preset.story, "stop": list(preset.stop),
            "sampling": {"logit_bias": dict(preset.sampling.logit_bias)}}  # fmt: skip
    again = parse(Preset, load_yaml(fresh(told, name="p"), name="p"), name="p")
    assert (again.story, again.sampling.logit_bias) == (preset.story, {"foo": -math.inf})


@pytest.mark.parametrize(
    ("file", "part"),
    [
        (made.CHATML, "instruct"),
        (made.context("{{description}}"), "context"),
        ({"name": "s", "content": "c"}, "sysprompt"),
        ({"name": "s", "content": "c", "post_history": ""}, "sysprompt"),
        (made.SAMPLERS, "samplers"),
        ({"temp": 0.5, "rep_pen": 1.1, "top_k": 0, "sampler_order": [6, 0, 1, 3, 4, 2, 5]}, "samplers"),
        ({"name": "r", "prefix": "<think>", "suffix": "</think>", "separator": ""}, "reasoning"),
        ({"user_start": "U", "assistant_start": "A"}, "adapter"),
        ({"instruct": made.CHATML}, "instruct"),
        ({"preset": made.SAMPLERS}, "samplers"),
    ],
)
def test_each_part_alone_is_recognised(file: dict[str, Any], part: str) -> None:
    assert is_preset(file)
    read = imported(file)
    assert read.parts == (part,)
    has_format = part in ("instruct", "adapter")
    assert read.preset.adapter == ("sequences" if has_format else "template")
    assert any("own chat template" in line for line in read.notes) is not has_format


@pytest.mark.parametrize(
    "file",
    [
        {}, [], 5, {"entries": {}}, {"name": "x", "content": 5}, {"prefix": "a", "suffix": "b"}, {"temp": 1},
        {"name": "x", "content": "y", "description": "z"}, {"instruct": 5},
    ],
)  # fmt: skip
def test_what_is_no_preset_is_none(file: object) -> None:
    assert not is_preset(file)
    with pytest.raises(FileError, match=r"^x\.json holds no preset"):
        imported(file, "x.json")


def test_files_of_one_preset_are_merged() -> None:
    files = [
        read_parts(as_json(part), name=f"{name}.json")
        for name, part in {
            "a": made.SAMPLERS,
            "b": made.CHATML_OLD["context"],
            "c": made.CHATML_OLD["instruct"],
            "d": FULL["sysprompt"],
            "e": FULL["reasoning"],
        }.items()
    ]
    together = build_preset(merged(files))
    assert replace(together.preset, name="chatml", title="ChatML") == imported(FULL).preset
    twice = merged([*files, read_parts(as_json({"temp": 0.1, "top_k": 1}), name="f.json")])
    assert "Two files hold the part `samplers`: that of f counts" in twice.notes
    assert build_preset(twice).preset.sampling.temperature == 0.1


def test_parts_are_laid_over_a_preset_that_is_there() -> None:
    base = Preset(name="b", adapter="chatml", instruction="I", max_tokens=99, notes="mine")
    parts = read_parts(as_json({"temp": 0.5, "top_p": 0.9}), name="calm.json")
    read = build_preset(parts, base=base)
    assert read.preset == replace(base, name="calm", title="calm", sampling=Sampling(temperature=0.5, top_p=0.9))
    assert read.notes == ()


def test_every_field_without_a_counterpart_has_a_line() -> None:
    odd = {
        "instruct": {**made.CHATML, "last_system_sequence": "X", "activation_regex": "(a+)+$", "unheard": 1},
        "context": made.context("{{description}}", story_string_position=1, example_separator="~~~"),
        "sysprompt": {"name": "s", "content": "", "post_history": "Be brief."},
        "preset": {"temp": 1, "top_k": 0, "top_a": 0.2, "smoothing_factor": 1, "tfs": 1, "max_length": 8192,
                   "ban_eos_token": True, "banned_tokens": '[1,2]\n"a phrase"', "dry_base": 0.5},
        "reasoning": {"prefix": "", "suffix": "</think>"},
        "srw": {"value": "Sure", "show": True},
    }  # fmt: skip
    notes = imported(odd).notes
    for wanted in (
        "`srw` has no counterpart and is left out",
        "instruct: `activation_regex` is more than names of models, and left out",
        "instruct: `last_system_sequence` has no counterpart and is left out",
        "instruct: `unheard` has no counterpart and is left out",
        "context: `story_string_position` has no counterpart and is left out",
        "context: `example_separator` has no counterpart and is left out",
        "sysprompt: `post_history` has no counterpart and is left out",
        "samplers: `top_a` has no counterpart and is left out",
        "samplers: `smoothing_factor` has no counterpart and is left out",
        "samplers: `ban_eos_token` has no counterpart and is left out",
        "samplers: `max_length` is the size of the context, which is set for the model, not in a preset",
        "samplers: `banned_tokens`: 2 lines with ids or phrases have no counterpart and are left out",
        "samplers: `dry_base` is 0.5 and taken as 1",
        "reasoning: only one of the two marks is told, so no thoughts are looked for",
    ):
        assert wanted in notes
    assert len(notes) == 14


# Instruct


def sequences_of(**fields: Any) -> Sequences:
    told = imported({"instruct": made.instruct("t", **{"input_sequence": "U:", "output_sequence": "A:", **fields})})
    assert told.preset.sequences is not None
    sequences: Sequences = told.preset.sequences
    return sequences


def test_wrap_puts_a_line_break_behind_prefixes_and_for_missing_suffixes() -> None:
    plain, wrapped = sequences_of(input_suffix="$"), sequences_of(input_suffix="$", wrap=True)
    assert (plain.user_prefix, plain.user_suffix, plain.char_prefix, plain.char_suffix) == ("U:", "$", "A:", "")
    assert (wrapped.user_prefix, wrapped.user_suffix) == ("U:\n", "$")
    assert (wrapped.char_prefix, wrapped.char_suffix, wrapped.last_char_prefix) == ("A:\n", "\n", None)


def test_first_and_last_sequences() -> None:
    told = sequences_of(
        first_input_sequence="1U", last_input_sequence="9U", first_output_sequence="1A", last_output_sequence="9A "
    )
    assert (told.first_user_prefix, told.last_user_prefix) == ("1U", "9U")
    assert (told.first_char_prefix, told.last_char_prefix) == ("1A", "9A ")
    assert sequences_of(last_output_sequence="9A ", wrap=True).last_char_prefix == "9A\n"
    assert sequences_of(last_output_sequence="9A ", wrap=True, names_behavior="always").last_char_prefix == "9A \n"


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"names_behavior": "none"}, "never"),
        ({"names_behavior": "force"}, "groups"),
        ({"names_behavior": "always"}, "always"),
        ({"names_behavior": "odd"}, "groups"),
        ({"names_behavior": None, "names": True}, "always"),
        ({"names_behavior": None, "names": False, "names_force_groups": True}, "groups"),
        ({"names_behavior": None, "names": False, "names_force_groups": False}, "never"),
        ({"names_behavior": None}, "groups"),
    ],
)
def test_names(fields: dict[str, Any], names: str) -> None:
    assert sequences_of(**fields).names == names


def test_notes_are_told_as_system_messages_or_as_the_user_or_in_the_users_line() -> None:
    told = sequences_of(system_sequence="S:", system_suffix="!", input_suffix="?")
    assert (told.note_prefix, told.note_suffix) == ("S:", "!")
    same = sequences_of(system_sequence="S:", system_suffix="!", input_suffix="?", system_same_as_user=True)
    assert (same.note_prefix, same.note_suffix) == ("U:", "?")
    assert (sequences_of().note_prefix, sequences_of().note_suffix) == (None, "")


def test_macros_in_sequences_are_spelt_our_way_and_stops_with_names_are_ours_anyway() -> None:
    read = imported(made.instruct("t", input_sequence="### {{ User }}:", output_sequence="### {{NAME}}:",
                                  stop_sequence="###\n{{user}}:\n<{{char}}>"))  # fmt: skip
    assert read.preset.sequences.user_prefix == "### {{user}}:"
    assert read.preset.sequences.char_prefix == "### {{name}}:"
    assert read.preset.stop == ("###",)
    assert "instruct: `stop_sequence` names somebody, which a stop cannot here, and is left out" in read.notes


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("/mistral/i", ("mistral",)), ("command-?r", ()), ("gemma-2|gemma 3", ("gemma-2", "gemma 3")), ("a", ()),
     (r"/llama-3\.1/gi", ("llama-3.1",)), ("(x+x+)+y", ()), ("", ())],
)  # fmt: skip
def test_a_pattern_of_plain_names_hints_at_models(pattern: str, names: tuple[str, ...]) -> None:
    read = imported(made.instruct("t", input_sequence="U", output_sequence="A", activation_regex=pattern))
    assert read.preset.models.names == names
    assert any("activation_regex" in line for line in read.notes) is bool(pattern and not names)


def test_a_very_old_template() -> None:
    read = imported({"name": "Old", "system_prompt": "Play.", "input_sequence": "U", "output_sequence": "A",
                     "separator_sequence": "</s>", "wrap": False, "names": True, "system_sequence": ""})  # fmt: skip
    sequences = read.preset.sequences
    assert (read.preset.instruction, sequences.char_suffix, sequences.names) == ("Play.", "</s>", "always")
    assert read.notes == ()


def test_old_setup_marks_beside_the_story_string() -> None:
    file = {
        "instruct": {**made.ALPACA, **made.old(system_sequence_suffix="### Input:")},
        "context": made.context(made.WORDS),
    }
    assert imported(file).preset.sequences.system_suffix == "\n\n### Input:\n"


def test_the_chat_start_and_stop_strings_of_a_context() -> None:
    context = made.context(
        made.WORDS, chat_start="***", example_separator="###", use_stop_strings=True, single_line=True
    )
    preset = imported({"instruct": made.LLAMA3, "context": context}).preset
    assert preset.stop == ("<|eot_id|>", "\n***", "\n###", "\n")
    assert preset.sequences.system_suffix.endswith("***\n")


def test_skipped_examples_and_told_ones_stand_in_the_setup() -> None:
    assert imported({"instruct": {**made.LLAMA3, "skip_examples": True}}).preset.examples == "setup"
    context = made.context("{{description}}\n{{#if mesExamples}}{{mesExamples}}{{/if}}")
    assert imported({"instruct": made.LLAMA3, "context": context}).preset.examples == "setup"
    assert imported({"instruct": made.LLAMA3}).preset.examples == "turns"


def test_a_prompt_that_ends_in_thoughts_opens_them() -> None:
    instruct = {**made.CHATML, "last_output_sequence": "<|im_start|>assistant\n<think>"}
    read = imported({"instruct": instruct, "reasoning": FULL["reasoning"]})
    assert read.preset.reasoning == Reasoning(opened=True)


def test_koboldais_adapter() -> None:
    chatml = {"system_start": "<|im_start|>system\n", "system_end": "<|im_end|>\n", "user_start": "<|im_start|>user\n",
              "user_end": "<|im_end|>\n", "assistant_start": "<|im_start|>assistant\n",
              "assistant_end": "<|im_end|>\n"}  # fmt: skip
    wanted = replace(imported(made.CHATML).preset.sequences, controls=())
    assert replace(imported(chatml).preset.sequences, controls=()) == wanted
    bare = imported({"user_start": "\nU: ", "assistant_start": "\nA: "}).preset.sequences
    assert (bare.system_prefix, bare.system_suffix, bare.note_prefix) == ("", "\n\n", None)


# Story strings

FILLED = {
    "char": "Mira", "user": "Ann", "instruction": "I", "description": "D", "personality": "", "persona": "P",
    "scenario": "S", "lore": "L", "examples": "E", "title": "", "tags": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "before", "told", "after"),
    [
        ("{{system}} {{wiBefore}}", "", "I L", ""),
        ("<s>{{description}}</s>\n", "<s>", "D", "</s>\n"),
        ("{{#if personality}}p{{else}}no{{/if}}", "", "no", ""),
        ("{{#unless personality}}no{{/unless}}{{persona}}", "", "noP", ""),
        ("{{#unless persona}}no{{else}}yes{{/unless}}", "", "yes", ""),
        ("{{#if wiAfter}}x{{else}}y{{/if}}{{scenario}}", "y", "S", ""),
        ("{{#if anchorBefore}}{{anchorBefore}}\n{{/if}}{{scenario}}", "", "S", ""),
        ("{{#if persona}}{{#if scenario}}{{user}}{{/if}}{{/if}}", "", "Ann", ""),
        ("{{{ description }}}\n\n{{trim}}\n\nX{{persona}}", "", "DXP", ""),
        ("\n\n{{persona}}\n{{trim}}\n\n<e>", "", "P", "<e>"),
        ("{{#if persona}}{{persona}}\n{{/if}}", "", "P", "\n"),
        ("{{ {{description}} }}{{}}", "{ ", "D", " }}"),
        ("just text", "just text", "", ""),
        ("{{charIfNotGroup}}: {{description}}", "", "Mira: D", ""),
    ],
)
def test_story_strings(source: str, before: str, told: str, after: str) -> None:
    story = read_story(source)
    assert (story.before, story.after) == (before, after)
    assert (fill_story(story.frame, FILLED) if story.frame else "") == told


@pytest.mark.parametrize(
    "source",
    ["{{#if a}}", "{{/if}}", "{{else}}", "{{#each x}}{{/each}}", "{{#if a}}{{else}}{{else}}{{/if}}",
     "{{#if a}}{{/unless}}", "{{#if persona}}" * 60 + "{{/if}}" * 60, "{{#with x}}", "x" * 100_001],
)  # fmt: skip
def test_a_story_string_that_cannot_be_read_is_refused(source: str) -> None:
    with pytest.raises(FileError) as error:
        imported({"instruct": made.CHATML, "context": made.context(source)})
    assert "\n" not in str(error.value)


def test_unknown_words_are_left_out_with_a_line() -> None:
    story = read_story("{{description}}{{random:a,b}}{{date}}{{#if weather}}w{{/if}}{{persona}}")
    assert fill_story(story.frame, FILLED) == "DP"
    assert [line.split("`")[1] for line in story.notes] == ["random:a,b", "date", "weather"]


@pytest.mark.parametrize(
    "frame", ["{{#if instruction}}{{instruction}}\n{{else}}x{{/if}}{{lore}}{{trim}}", "{{tags}}{{trim}}"]
)
def test_story_strings_of_ours_in_their_words(frame: str) -> None:
    theirs = write_story(frame)
    assert "{{instruction}}" not in theirs
    if "tags" not in frame:
        assert read_story(theirs).frame == frame


@pytest.mark.parametrize("source", ["{{" + " " * 50_000, "{" * 90_000, "{{#if " * 9_000, "{{trim}}\n" * 9_000])
def test_a_hostile_story_string_costs_no_time(source: str) -> None:
    with suppress(FileError):
        imported({"instruct": made.CHATML, "context": made.context(source)})
    assert fill_story("{{" + " " * 50_000, FILLED).startswith("{{")


# Samplers


def sampling_of(**fields: Any) -> Sampling:
    sampling: Sampling = imported({"temp": 1, "top_k": 0, **fields}).preset.sampling
    return sampling


@pytest.mark.parametrize(
    ("fields", "order"),
    [
        ({}, DEFAULT_ORDER),
        ({"samplers": ["min_p", "odd", "min_p", *DEFAULT_ORDER]}, ("min_p", *DEFAULT_ORDER[:6], *DEFAULT_ORDER[7:])),
        ({"sampler_priority": ["dry", "repetition_penalty", "temperature", "quadratic_sampling", "min_p"],
          "temperature_last": True},
         ("dry", "penalties", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature")),
        ({"sampler_order": [6, 0, 1, 3, 4, 2, 5]},
         ("penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature")),
        ({"sampler_order": ["x", None]}, DEFAULT_ORDER),
        ({"samplers": 5}, DEFAULT_ORDER),
    ],
)  # fmt: skip
def test_the_order_of_the_chain(fields: dict[str, Any], order: tuple[str, ...]) -> None:
    assert sampling_of(**fields).order == order


def test_llama_cpps_own_list_says_where_the_temperature_stands() -> None:
    told = sampling_of(samplers=["temperature", "min_p"], temperature_last=True)
    assert told.order.index("temperature") < told.order.index("min_p")
    assert sorted(told.order) == sorted(DEFAULT_ORDER)


@pytest.mark.parametrize(
    ("held", "breakers"),
    [
        ('["\\n", ":"]', ("\n", ":")),
        (["\n", ":"], ("\n", ":")),
        ('"\\n", "*"', ("\n", "*")),
        ("", ()),
        ("[1, 2]", ()),
        ("[[[[", ()),
        ("not json", ()),
        (5, ()),
    ],
)
def test_breakers(held: object, breakers: tuple[str, ...]) -> None:
    assert sampling_of(dry_sequence_breakers=held).dry_breakers == breakers


def test_dynamic_temperature_is_a_middle_and_a_range() -> None:
    told = sampling_of(dynatemp=True, min_temp=0.5, max_temp=1.5, dynatemp_exponent=2)
    assert (told.temperature, told.dynamic_range, told.dynamic_exponent) == (1.0, 0.5, 2)
    off = sampling_of(dynatemp=False, min_temp=0.5, max_temp=1.5)
    assert (off.temperature, off.dynamic_range) == (1, 0)


def test_ranges_of_nought_are_the_whole_context() -> None:
    told = sampling_of(rep_pen_range=0, dry_penalty_last_n=0)
    assert (told.penalty_last_n, told.dry_last_n) == (-1, -1)


def test_banned_texts_and_biases() -> None:
    told = sampling_of(
        banned_tokens="foo\n\n bar \n[1, 2]",
        logit_bias=[{"id": "1", "text": "a", "value": -3}, {"text": "{b}", "value": 2}, {"text": "[5]", "value": 1}, 7],
    )
    assert told.logit_bias == {"foo": -math.inf, "bar": -math.inf, "a": -3, "b": 2}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"temp": -1}, {"temperature": 0}),
        ({"temp": "0.7"}, {"temperature": 0.7}),
        ({"temp": "hot"}, {"temperature": 1.0}),
        ({"temp": 1e300}, {"temperature": 1.0}),
        ({"top_k": -1}, {"top_k": 0}),
        ({"top_p": 7}, {"top_p": 1}),
        ({"rep_pen": 0}, {"repeat_penalty": 1.0}),
        ({"mirostat_mode": 9}, {"mirostat": 2}),
        ({"seed": -1}, {"seed": None}),
        ({"seed": 5}, {"seed": 5}),
        ({"min_p": [], "dry_base": {}}, {"min_p": 0.0, "dry_base": 1.75}),
    ],
)
def test_numbers_come_into_their_range(fields: dict[str, Any], wanted: dict[str, Any]) -> None:
    sampling = sampling_of(**fields)
    assert {name: getattr(sampling, name) for name in wanted} == wanted


# Hostile


def test_foreign_text_is_clean() -> None:
    bad = "\x1b]52;c;x\x07\u202e<|im_end|>"
    file = json.loads(json.dumps(FULL))
    file["instruct"]["name"] = bad
    file["instruct"][bad] = bad
    file["sysprompt"]["content"] = bad
    read = imported(file, name=bad)
    assert all(clean(text) == text for text in (read.preset.title, read.preset.instruction, *read.notes))
    assert "\n" not in "".join(read.notes)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[" * 5000, b'{"temp": NaN, "top_k": 1}', b'{"temp": 1, "temp": 2}', b"\xff",
        b'{"a": "' + b"x" * (9 << 20) + b'"}', b'{"top_k": ' + b"1" * 4400 + b', "temp": 1}',
    ],
    ids=range(8),
)  # fmt: skip
def test_a_damaged_file_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(FileError) as error:
        read_presets(data, name="p.json")
    assert str(error.value).startswith("p.json")
    assert "\n" not in str(error.value)


OURS = Preset(name="p", adapter="chatml", tries=2, sampling=Sampling(logit_bias={"a": -math.inf}))
SEEDS = [
    *(as_json(one) for one in (FULL, made.CHATML_NEW, made.ALPACA_OLD, made.MISTRAL, made.SAMPLERS)),
    as_json(made.LLAMA3_OLD["context"]),
    as_json({"user_start": "U", "user_end": "u", "assistant_start": "A", "system_start": "S"}),
    write_preset(OURS).data,
]


def test_a_mutant_is_a_preset_or_refused() -> None:
    outcomes = {"preset": 0, "refused": 0}
    for number in range(MUTANTS):
        chance = random.Random(f"preset {number}")
        data = mutated(chance.choice(SEEDS), chance)
        try:
            read = read_presets(data, name="mutant")
        except FileError:
            outcomes["refused"] += 1
        else:
            outcomes["preset"] += 1
            assert read.preset.name
            assert number % 20 or parsed_again(read.preset)
    assert min(outcomes.values()) > MUTANTS // 50, outcomes


def parsed_again(preset: Preset) -> bool:
    """Whether a preset is one that our own files could hold, and its story string one that can be filled."""
    fill_story(preset.story, FILLED)
    if preset.adapter not in ("sequences", "chatml"):
        return True
    return read_presets(write_preset(preset).data, name="again").preset == preset
