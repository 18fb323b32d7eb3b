"""Adding a turn leaves the prompt before it as an exact prefix, token for token, on the models' real vocabularies. So
does drafting the user's line in between."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.conversation import Character, Conversation, Line
from rpchat.prompt.formats import CONTROLS, adapter_of
from rpchat.prompt.formats.template import Template
from rpchat.session.prompter import render, vocabulary_of
from rpchat.store.folders import shipped
from rpchat.store.shelf import Shelf
from rpchat.story.preset import Preset
from tests import vocabularies
from tests.models import smollm2_path

# The presets a vocabulary's models are played with.
PLAYED = {
    "mistral-v1": ["antler-7b-rp-v3", "ninja-v1-rp-expressive", "limarp-llama2-7b-v3", "shorirp-v0.75d"],
    "mistral-v3": ["mistral-v3"],
    "nemo-party": ["backyardai-party-12b"],
    "nemo-chatml": ["chatml", "qwen"],
    "nemo": ["mistral-tekken"],
}
LINES = (
    Line(side="char", by="桜", text="「おはようございます♪」(振り返って笑う)"),
    Line(side="user", by="悠人", text="「おはよう」(目をこする)"),
    Line(side="char", by="桜", text='"Tea first." *She pours.*\n\nThen, quietly: "Sit."'),
    Line(side="user", by="悠人", text="I sit. 「……」"),
    Line(side="char", by="桜", text="(湯気の向こうで微笑む)"),
    Line(side="user", by="悠人", text="ありがとう"),
)
ASKED = ((2, "桜"), (3, "悠人"), (4, "桜"), (5, "悠人"), (6, "桜"))
"""After how many lines whose line is asked for: the user drafts his own before he says it."""


def _told(count: int, speaker: str = "桜") -> Conversation:
    return Conversation(
        user=Character(name="悠人", description="若い貴族。"),
        chars=(Character(name="桜", description="A maid with a quick smile."),),
        lines=LINES[:count],
        speaker=speaker,
        language="ja",
    )


@pytest.mark.parametrize("name", PLAYED)
async def test_a_turn_more(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.gguf"
    vocabularies.write_gguf(name, path)
    shelf = Shelf(Preset, tmp_path, shipped("presets"))
    engine = ChildEngine(log=tmp_path / "engine.log", machine=tmp_path / "machine.json")
    try:
        async for _ in engine.load(path, EngineSettings(n_ctx=256), controls=CONTROLS):
            pass
        assert engine.model is not None
        vocabulary = vocabulary_of(engine.model)
        for preset in (shelf.find(preset)[1] for preset in PLAYED[name]):
            adapter = adapter_of(preset)
            # Without length hints: those of a pending reply say what is wished, those of a past one what it became.
            prompts = [
                await engine.tokenize(adapter.render(_told(count, speaker), vocabulary)) for count, speaker in ASKED
            ]
            for before, after in pairwise(prompts):
                assert after[: len(before)] == before, preset.name
    finally:
        await engine.close()


async def test_a_turn_more_in_the_models_own_template(tmp_path: Path) -> None:
    engine = ChildEngine(log=tmp_path / "engine.log", machine=tmp_path / "machine.json")
    try:
        async for _ in engine.load(smollm2_path(), EngineSettings(n_ctx=256), controls=CONTROLS):
            pass
        assert engine.model is not None
        vocabulary = vocabulary_of(engine.model)
        prompts = [
            await engine.tokenize(await render(engine, Template(), _told(count, speaker), vocabulary))
            for count, speaker in ASKED
        ]
        for before, after in pairwise(prompts):
            assert after[: len(before)] == before
    finally:
        await engine.close()
