from __future__ import annotations

from pathlib import Path

import pytest

from rpchat.prompt.detect import ModelFacts, detect
from rpchat.prompt.formats import adapter_of
from rpchat.store.folders import shipped
from rpchat.store.shelf import Shelf
from rpchat.story.preset import Preset

PRESETS = [
    entry.value
    for entry in (found.load() for found in Shelf(Preset, Path("nowhere"), shipped("presets")).entries())
    if entry.value is not None
]


@pytest.mark.parametrize(
    ("file_name", "template", "preset"),
    [
        ("Antler-7B-RP-v3.Q4_K_M.gguf", "", "antler-7b-rp-v3"),
        ("ninja-v1-rp-EXPRESSIVE-q5.gguf", "{{ '[INST]' }}", "ninja-v1-rp-expressive"),
        ("MN-BackyardAI-Party-12B-v1.Q4_K_M.gguf", "<|im_start|>", "backyardai-party-12b"),
        ("ShoriRP-v0.75d.Q5_K_M.gguf", "", "shorirp-v0.75d"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "<|im_start|>", "smollm2-demo"),
        ("Qwen3-8B-Q4_K_M.gguf", "<|im_start|>", "qwen"),
        ("some-finetune.gguf", "{{'<|im_start|>'}}", "chatml"),
        ("some-finetune.gguf", "{{'<|start_header_id|>'}}", "llama-3"),
        ("some-finetune.gguf", "{{'<start_of_turn>'}}", "gemma"),
        ("some-finetune.gguf", "{{ messages }}", "template"),
        ("some-base.gguf", "", "chatml"),
    ],
)
def test_detected(file_name: str, template: str, preset: str) -> None:
    found = detect(ModelFacts(file_name=file_name, chat_template=template), PRESETS)
    assert found.preset == preset
    assert found.why


def test_the_name_inside_the_file_counts_too() -> None:
    assert detect(ModelFacts(file_name="model.gguf", name="Antler 7B_RP v3"), PRESETS).preset == "antler-7b-rp-v3"


def test_every_shipped_preset_is_whole() -> None:
    assert len(PRESETS) == len(list(shipped("presets").glob("*.yaml")))
    for preset in PRESETS:
        assert adapter_of(preset)
        assert preset.title
