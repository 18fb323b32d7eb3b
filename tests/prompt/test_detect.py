"""Which preset a model gets: a table of models, with real vocabularies where there are small ones to be had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rpchat.choices import facts_of
from rpchat.prompt.detect import ModelFacts, detect, telling_tokens
from rpchat.prompt.formats import adapter_of
from rpchat.prompt.vocabularies import vocabulary_name
from rpchat.store.folders import shipped
from rpchat.store.shelf import Shelf
from rpchat.story.preset import ModelHints, Preset
from tests import vocabularies
from tests.models import smollm2_path

PRESETS = [
    entry.value
    for entry in (found.load() for found in Shelf(Preset, Path("nowhere"), shipped("presets")).entries())
    if entry.value is not None
]

CHATML = frozenset({"<|im_start|>", "<|im_end|>"})
LLAMA_3 = frozenset({"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"})
GEMMA = frozenset({"<start_of_turn>", "<end_of_turn>"})
COMMAND = frozenset({"<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"})
DEEPSEEK = frozenset({"<｜User｜>", "<｜Assistant｜>"})
V7 = frozenset({"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]"})


def told(
    model: str, pre: str, size: int, controls: frozenset[str] = frozenset(), *, architecture: str = "llama"
) -> ModelFacts:
    """Return what a header tells of a vocabulary too large to be made for a test."""
    return ModelFacts(
        file_name="model.gguf",
        architecture=architecture,
        vocabulary_model=model,
        pre_tokenizer=pre,
        vocabulary_size=size,
        controls=controls,
    )


LARGE = {
    "untold": ModelFacts(file_name="model.gguf"),
    "mistral-chatml": told("llama", "default", 32_002, CHATML),
    "nemo-chatml": told("gpt2", "tekken", 131_072, CHATML | {"[INST]", "[/INST]"}),
    "llama-3": told("gpt2", "llama-bpe", 128_256, LLAMA_3),
    "llama-3, an old file": told("gpt2", "", 128_256, LLAMA_3),
    "llama-3 with ChatML": told("gpt2", "llama-bpe", 128_258, LLAMA_3 | CHATML),
    "gemma": told("llama", "default", 256_000, GEMMA, architecture="gemma2"),
    "gemma-3": told("llama", "default", 262_144, GEMMA, architecture="gemma3"),
    "command-r": told("gpt2", "command-r", 255_029, COMMAND, architecture="command-r"),
    "qwen": told("gpt2", "qwen2", 151_936, CHATML, architecture="qwen3"),
    "deepseek": told("gpt2", "deepseek-v3", 129_280, DEEPSEEK, architecture="deepseek2"),
    "mistral-v7 in tekken": told("gpt2", "tekken", 131_072, V7),
    "phi": told("llama", "default", 32_064, frozenset({"<|user|>"}), architecture="phi3"),
    "falcon": told("gpt2", "falcon", 65_024, architecture="falcon"),
}

Known = Callable[[str], ModelFacts]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """What a model of a vocabulary tells, under the name `model.gguf`; the small ones are read from real files."""
    folder = tmp_path_factory.mktemp("models")
    read: dict[str, ModelFacts] = {}

    def facts(name: str) -> ModelFacts:
        if name in LARGE:
            return LARGE[name]
        if name not in read:
            path = smollm2_path() if name == "smollm2" else folder / f"{name}.gguf"
            if not path.exists():
                vocabularies.write_gguf(name, path)
            read[name] = replace(facts_of(path, PRESETS), file_name="model.gguf", name="", chat_template="")
        return read[name]

    return facts


INSTRUCT = "{{ '[INST] ' + m.content + ' [/INST]' }}"
CASES = [
    # vocabulary, name, template, preset, words of the reason
    # The five models and the demo, by their names.
    ("mistral-v1", "Antler-7B-RP-v3.Q4_K_M", "", "antler-7b-rp-v3", "named `antler-7b-rp`, and has the vocabulary of"),
    ("mistral-v1", "Antler 7B_RP v3", INSTRUCT, "antler-7b-rp-v3", "named"),
    ("mistral-v1", "ninja-v1-rp-EXPRESSIVE-q5", INSTRUCT, "ninja-v1-rp-expressive", "named"),
    ("nemo", "MN-BackyardAI-Party-12B-v1.Q4_K_M", "", "backyardai-party-12b", "Mistral Nemo (tekken)"),
    ("nemo-chatml", "MN-BackyardAI-Party-12B-v1", "'<|im_start|>'", "backyardai-party-12b", "named"),
    ("mistral-v1", "Llama-2-7B-LimaRP-merged", "", "limarp-llama2-7b-v3", "named `limarp`"),
    ("mistral-v1", "ShoriRP-v0.75d.Q5_K_M", "", "shorirp-v0.75d", "named `shorirp`"),
    ("smollm2", "SmolLM2-135M-Instruct.Q4_1", "'<|im_start|>'", "smollm2-demo", "`<|im_start|>` as a control token"),
    # The same without a name: only what vocabulary and template prove.
    ("mistral-v1", "", "", "plain", "llama architecture, the vocabulary of Llama 2 and the first Mistral 7B, no temp"),
    ("mistral-v1", "", INSTRUCT, "template", "no preset knows its template"),
    ("nemo", "", "", "mistral-tekken", "`[INST]` as a control token"),
    ("nemo-chatml", "", "'<|im_start|>'", "chatml", "template writes `<|im_start|>`, which its vocabulary has as"),
    ("smollm2", "", "'<|im_start|>'", "chatml", "template writes `<|im_start|>`, which its vocabulary has as"),
    # Mistral's own: `[INST]` is text in v1, a control token in v3 (SentencePiece) and Nemo (tekken).
    ("mistral-v1", "mistral-7b-instruct-v0.2.Q4_K_M", "", "mistral-v1", "named `mistral-7b-instruct-v0.2`"),
    ("mistral-v1", "", "'[INST] <<SYS>>'", "llama-2-chat", "`<<SYS>>`, which is plain text to its vocabulary"),
    ("mistral-v3", "", "", "mistral-v3", "should it be a base model, `plain` is better"),
    ("mistral-v3", "", INSTRUCT, "mistral-v3", "its template writes `[INST]`, which its vocabulary has as"),
    ("nemo", "", INSTRUCT, "mistral-tekken", "its template writes `[INST]`, which its vocabulary has as"),
    ("nemo", "Mistral-Nemo-Base-2407", "", "plain", "no template: a base model"),
    ("mistral-v7 in tekken", "", "'[INST]' '[SYSTEM_PROMPT]'", "mistral-v7", "its template writes `[SYSTEM_PROMPT]`"),
    ("mistral-v7 in tekken", "", "", "mistral-v7", "`[SYSTEM_PROMPT]` as a control"),
    # ChatML put on other vocabularies.
    ("mistral-chatml", "OpenHermes-2.5-Mistral-7B", "", "chatml", "no template, but its vocabulary has `<|im_start|>`"),
    ("nemo-chatml", "", "", "chatml", "no template, but its vocabulary has `<|im_start|>`"),
    ("llama-3 with ChatML", "", "", "chatml", "`<|im_start|>` as a control token"),
    ("llama-3 with ChatML", "Hermes-3-Llama-3.1-8B", "'<|im_start|>'", "chatml", "named `llama-3`, but its template"),
    ("mistral-v1", "", "'<|im_start|>'", "chatml", "which is plain text to its vocabulary"),
    # Other families.
    ("llama-3", "", "'<|start_header_id|>'", "llama-3", "`<|start_header_id|>`, which its vocabulary has as"),
    ("llama-3", "Meta-Llama-3-8B-Instruct", "", "llama-3", "named `llama-3`"),
    ("llama-3, an old file", "", "", "llama-3", "should it be a base model"),
    ("llama-3", "Llama-3-8B-base", "", "plain", "named `llama-3`, but it calls itself a base model"),
    ("gemma", "", "'<start_of_turn>'", "gemma", "`<start_of_turn>`, which its vocabulary has as a control token"),
    ("gemma-3", "", "", "gemma", "`<start_of_turn>` as a control token"),
    ("command-r", "", "'<|START_OF_TURN_TOKEN|>'", "command-r", "which its vocabulary has as a control token"),
    ("command-r", "", "", "command-r", "`<|START_OF_TURN_TOKEN|>` as a control token"),
    ("qwen", "Qwen3-8B-Q4_K_M", "'<|im_start|>'", "qwen", "named `qwen`"),
    ("qwen", "", "'<|im_start|>'", "chatml", "its template writes `<|im_start|>`"),
    ("deepseek", "DeepSeek-R1", "'<｜User｜>'", "deepseek", "named `deepseek`"),
    ("qwen", "DeepSeek-R1-Distill-Qwen-7B", "'<｜User｜>'", "deepseek", "named `deepseek`"),
    ("phi", "Phi-3-mini", "'<|user|>'", "template", "no preset knows its template"),
    ("falcon", "", "", "plain", "an unknown vocabulary (`gpt2-falcon`, 65,024"),
    # Names that the file itself speaks against.
    ("llama-3", "Antler-7B-RP-v3", "'<|start_header_id|>'", "llama-3", "named `antler-7b-rp`, but it has the vocab"),
    ("mistral-v1", "my-llama-3-killer", "", "plain", "named `llama-3`, but its vocabulary has no `<|start"),
    ("nemo", "Antler-party", "", "mistral-tekken", "`[INST]` as a control token"),
    ("smollm2", "shorirp-tiny", "", "chatml", "named `shorirp`, but it has the vocabulary of SmolLM2"),
    ("gemma", "gemma-2-9b-limarp", "", "gemma", "named `gemma-2`"),
    ("falcon", "limarp", "", "plain", "it is named `limarp`, but it has an unknown vocabulary"),
    # Files that tell nothing but a name or a template.
    ("untold", "Antler-7B-RP-v3", "", "antler-7b-rp-v3", "it is named `antler-7b-rp`"),
    ("untold", "", "{{ messages }}", "template", "no preset knows its template"),
    ("untold", "", "'<|im_start|>'", "chatml", "its template writes `<|im_start|>`"),
    ("untold", "", "", "chatml", "neither template nor vocabulary"),
]  # fmt: skip


@pytest.mark.parametrize(("vocabulary", "name", "template", "preset", "words"), CASES)
def test_detected(known: Known, vocabulary: str, name: str, template: str, preset: str, words: str) -> None:
    facts = replace(known(vocabulary), chat_template=template)
    inside = detect(replace(facts, name=name), PRESETS)
    outside = detect(replace(facts, file_name=f"{name or 'model'}.gguf"), PRESETS)
    assert (inside.preset, outside) == (preset, inside)
    assert words in inside.why
    assert "\n" not in inside.why


def test_without_a_model() -> None:
    found = detect(None, PRESETS)
    assert found.preset == "chatml"
    assert "no model" in found.why


def test_the_demo_is_itself_under_any_file_name(known: Known) -> None:
    assert known("smollm2").vocabulary == "smollm2"
    facts = replace(facts_of(smollm2_path(), PRESETS), file_name="model.gguf")
    assert detect(facts, PRESETS).preset == "smollm2-demo"


def test_a_token_of_its_own_counts_and_is_called_so(known: Known) -> None:
    tokens = {"controls": frozenset({"<|im_end|>"}), "user_defined": frozenset({"<|im_start|>"})}
    found = detect(replace(known("mistral-chatml"), **tokens), PRESETS)
    assert found.preset == "chatml"
    assert "`<|im_start|>` as a token of its own" in found.why


def test_half_a_format_proves_nothing(known: Known) -> None:
    facts = replace(known("mistral-chatml"), controls=frozenset({"<|im_end|>"}))
    assert detect(facts, PRESETS).preset == "plain"


def test_a_preset_of_the_users_own_is_found_like_any_other(known: Known) -> None:
    hints = ModelHints(names=("mymerge-12b",), tokens=("<|mine|>",))
    presets = [*PRESETS, Preset(name="mine", adapter="chatml", models=hints)]
    assert "<|mine|>" in telling_tokens(presets)
    nemo = known("nemo")
    assert detect(replace(nemo, file_name="MyMerge-12B.gguf"), presets).preset == "mistral-tekken"
    assert detect(replace(nemo, controls=frozenset({"<|mine|>"})), presets).preset == "mine"


@pytest.mark.parametrize("name", ["mistral-v1", "mistral-v3", "nemo", "smollm2"])
def test_real_vocabularies_are_recognised(known: Known, name: str) -> None:
    expected = {"mistral-v1": "llama-2", "nemo": "tekken"}.get(name, name)
    assert known(name).vocabulary == expected


@pytest.mark.parametrize(
    ("model", "pre", "size", "expected"),
    [
        ("llama", "default", 32_000, "llama-2"),
        ("llama", "default", 32_511, "llama-2"),
        ("llama", "default", 32_512, None),
        ("llama", "default", 31_999, None),
        ("gpt2", "llama-bpe", 128_256, "llama-3"),
        ("gpt2", "qwen2", 128_256, None),
        ("bert", "", 32_000, None),
        ("", "", 0, None),
    ],
)
def test_where_a_vocabulary_begins_and_ends(model: str, pre: str, size: int, expected: str | None) -> None:
    assert vocabulary_name(model, pre, size) == expected


def test_every_shipped_preset_is_whole() -> None:
    assert len(PRESETS) == len(list(shipped("presets").glob("*.yaml")))
    for preset in PRESETS:
        assert adapter_of(preset)
        assert preset.title
