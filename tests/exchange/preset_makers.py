"""Preset files as SillyTavern 1.12 and newer ones write them, and presets of ours, drawn."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from rpchat.story.preset import DEFAULT_ORDER, ModelHints, Preset, Reasoning, Sampling, VocabularyName
from rpchat.story.sequences import Sequences
from tests.exchange.makers import names, texts

WORDS = (
    "{{#if system}}{{system}}\n{{/if}}{{#if description}}{{description}}\n{{/if}}"
    "{{#if personality}}{{char}}: {{personality}}\n{{/if}}{{#if scenario}}Scenario: {{scenario}}\n{{/if}}"
    "{{#if persona}}{{persona}}\n{{/if}}"
)
NEW_WORDS = (
    f"{{{{#if anchorBefore}}}}{{{{anchorBefore}}}}\n{{{{/if}}}}{WORDS}{{{{#if wiAfter}}}}{{{{wiAfter}}}}\n{{{{/if}}}}"
)


def instruct(name: str, **fields: Any) -> dict[str, Any]:
    """Return an instruct template with all fields, most of them empty."""
    empty = {
        "input_suffix": "", "output_suffix": "", "system_sequence": "", "system_suffix": "", "stop_sequence": "",
        "first_output_sequence": "", "last_output_sequence": "", "last_system_sequence": "",
        "user_alignment_message": "", "activation_regex": "", "wrap": False, "macro": True,
        "names_behavior": "force", "skip_examples": False, "system_same_as_user": False, "name": name,
    }  # fmt: skip
    return {**empty, **fields}


def old(**fields: Any) -> dict[str, Any]:
    """Return the fields of 1.12 for the setup."""
    return {"system_sequence_prefix": "", "system_sequence_suffix": "", **fields}


def context(story: str, **fields: Any) -> dict[str, Any]:
    """Return a context template."""
    return {"name": "c", "story_string": story, "example_separator": "", "chat_start": "", "use_stop_strings": False,
            "always_force_name2": True, "trim_sentences": False, "single_line": False, **fields}  # fmt: skip


CHATML = instruct(
    "ChatML", wrap=True, input_sequence="<|im_start|>user", output_sequence="<|im_start|>assistant",
    system_sequence="<|im_start|>system", stop_sequence="<|im_end|>", input_suffix="<|im_end|>\n",
    output_suffix="<|im_end|>\n", system_suffix="<|im_end|>\n",
)  # fmt: skip
CHATML_OLD = {"instruct": {**CHATML, **old()}, "context": context(f"<|im_start|>system\n{WORDS}{{{{trim}}}}<|im_end|>")}
CHATML_NEW = {
    "instruct": {**CHATML, "story_string_prefix": "<|im_start|>system", "story_string_suffix": "<|im_end|>\n",
                 "first_input_sequence": "", "last_input_sequence": "", "sequences_as_stop_strings": True},
    "context": context(f"{NEW_WORDS}{{{{trim}}}}\n", story_string_position=0, story_string_depth=1,
                       story_string_role=0, names_as_stop_strings=True),
}  # fmt: skip
CHATML_BOTH = {"instruct": CHATML_NEW["instruct"], "context": CHATML_OLD["context"]}

LLAMA3 = instruct(
    "Llama 3 Instruct", input_sequence="<|start_header_id|>user<|end_header_id|>\n\n",
    output_sequence="<|start_header_id|>assistant<|end_header_id|>\n\n", stop_sequence="<|eot_id|>",
    system_sequence="<|start_header_id|>system<|end_header_id|>\n\n", input_suffix="<|eot_id|>",
    output_suffix="<|eot_id|>", system_suffix="<|eot_id|>",
)  # fmt: skip
_HEADER = "<|start_header_id|>system<|end_header_id|>\n\n"
LLAMA3_OLD = {"instruct": {**LLAMA3, **old()}, "context": context(f"{_HEADER}{WORDS}{{{{trim}}}}<|eot_id|>")}
LLAMA3_NEW = {
    "instruct": {**LLAMA3, "story_string_prefix": _HEADER, "story_string_suffix": "<|eot_id|>"},
    "context": context(f"{NEW_WORDS}{{{{trim}}}}"),
}

ALPACA = instruct(
    "Alpaca", wrap=True, input_sequence="### Instruction:", output_sequence="### Response:", input_suffix="\n\n",
    output_suffix="\n\n", system_suffix="\n\n", names_behavior="always",
)  # fmt: skip
ALPACA_OLD = {"instruct": {**ALPACA, **old()}, "context": context(f"{WORDS}\n\n")}
ALPACA_NEW = {
    "instruct": {**ALPACA, "story_string_prefix": "", "story_string_suffix": "\n\n"},
    "context": context(f"{NEW_WORDS}{{{{trim}}}}"),
}

MISTRAL = instruct(
    "Mistral V3-Tekken", input_sequence="[INST]", output_sequence="[/INST]", output_suffix="</s>",
    system_same_as_user=True,
)  # fmt: skip
MISTRAL_OLD = {"instruct": {**MISTRAL, **old()}, "context": context(f"[INST]{WORDS}{{{{trim}}}}")}
MISTRAL_NEW = {
    "instruct": {**MISTRAL, "story_string_prefix": "[INST]", "story_string_suffix": ""},
    "context": context(f"{NEW_WORDS}{{{{trim}}}}"),
}

SAMPLERS: dict[str, Any] = {
    "temp": 1.1, "temperature_last": True, "top_p": 0.95, "top_k": 40, "top_a": 0, "tfs": 1, "typical_p": 0.9,
    "min_p": 0.05, "rep_pen": 1.1, "rep_pen_range": 1024, "rep_pen_slope": 1, "freq_pen": 0.2, "presence_pen": 0.1,
    "dynatemp": False, "min_temp": 0, "max_temp": 2, "dynatemp_exponent": 1, "smoothing_factor": 0,
    "dry_allowed_length": 3, "dry_multiplier": 0.8, "dry_base": 1.8,
    "dry_sequence_breakers": '["\\n", ":", "\\"", "*"]',
    "dry_penalty_last_n": 0, "xtc_threshold": 0.15, "xtc_probability": 0.5, "nsigma": 1.5, "mirostat_mode": 0,
    "mirostat_tau": 5, "mirostat_eta": 0.1, "banned_tokens": "", "grammar_string": "", "logit_bias": [],
    "samplers": ["penalties", "dry", "temperature", "top_k", "typ_p", "top_p", "min_p", "xtc", "top_n_sigma"],
    "sampler_priority": ["temperature", "min_p"], "sampler_order": [6, 0, 1, 3, 4, 2, 5], "genamt": 250,
}  # fmt: skip

# Presets of ours

unit = st.floats(0, 1)
positive = st.floats(0.01, 10)
literals = st.lists(st.sampled_from(["<|a|>", "[INST]", "</s>", "\n", "### U:", "{{name}}", " ", "x"]), max_size=4).map(
    "".join
)
samplings = st.builds(
    Sampling,
    order=st.permutations(DEFAULT_ORDER).map(tuple) | st.just(("min_p",)),
    temperature=st.floats(0, 10),
    dynamic_range=st.floats(0, 10),
    dynamic_exponent=positive,
    top_k=st.integers(0, 200),
    top_p=unit,
    min_p=unit,
    typical_p=unit,
    top_n_sigma=st.floats(0, 5),
    xtc_probability=unit,
    xtc_threshold=unit,
    dry_multiplier=st.floats(0, 5),
    dry_base=st.floats(1, 5),
    dry_allowed_length=st.integers(0, 20),
    dry_last_n=st.integers(-1, 4000),
    dry_breakers=st.lists(texts, max_size=3).map(tuple),
    repeat_penalty=positive,
    frequency_penalty=st.floats(-2, 2),
    presence_penalty=st.floats(-2, 2),
    penalty_last_n=st.integers(-1, 4000),
    mirostat=st.sampled_from([0, 1, 2]),
    mirostat_tau=positive,
    mirostat_eta=positive,
    logit_bias=st.dictionaries(names, st.floats(-100, 100) | st.just(float("-inf")), max_size=2),
    grammar=texts,
    seed=st.none() | st.integers(0, 0xFFFFFFFE),
)
optional = st.none() | literals
sequences = st.builds(
    Sequences,
    controls=st.lists(st.sampled_from(["</s>", "<|a|>", "odd"]), max_size=2).map(tuple),
    system_prefix=literals,
    system_suffix=literals,
    system_in_first_user=st.booleans(),
    system_separator=literals,
    user_prefix=literals,
    user_suffix=literals,
    char_prefix=literals,
    char_suffix=literals,
    note_prefix=optional,
    note_suffix=literals,
    first_user_prefix=optional,
    first_char_prefix=optional,
    last_user_prefix=optional,
    last_char_prefix=optional,
    names=st.sampled_from(["never", "groups", "always"]),
    user_opening=texts,
    alternate=st.booleans(),
)
hints = st.builds(
    ModelHints,
    names=st.lists(texts, max_size=2).map(tuple),
    tokens=st.lists(texts, max_size=2).map(tuple),
    vocabulary=st.none() | st.sampled_from(get_args(VocabularyName)),
    lora_scale=st.floats(0, 2),
)
stories = st.sampled_from([
    "", "{{description}}", "{{#if instruction}}{{instruction}}\n{{/if}}{{description}}{{trim}}",
    "<|a|>{{lore}}{{#if persona}}{{user}}: {{persona}}{{else}}-{{/if}} {{title}}", "{{examples}}{{tags}}{{char}}\n",
])  # fmt: skip
presets = st.builds(
    Preset,
    name=names,
    title=texts,
    adapter=st.sampled_from(["sequences", "chatml", "alpaca"]),
    sequences=sequences,
    sampling=samplings,
    max_tokens=st.integers(1, 4000),
    min_tokens=st.integers(0, 200),
    tries=st.integers(1, 10),
    names=st.booleans(),
    length=texts,
    length_in_history=st.booleans(),
    examples=st.sampled_from(["setup", "turns"]),
    instruction=texts,
    story=stories,
    reasoning=st.none() | st.builds(Reasoning, prefix=names, suffix=names, opened=st.booleans()),
    stop=st.lists(texts, max_size=3).map(tuple),
    models=hints,
    notes=texts,
)
