"""llama.cpp on our tiny GGUFs against mistral-common's own encoding: 1,000 random texts for each tokenizer."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from mistral_common.tokens.tokenizers.sentencepiece import SentencePieceTokenizer
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

from rpchat.engine.child import ChildEngine
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import text
from tests import vocabularies

TEXTS = 1_000
# Without combining marks: llama.cpp's tekken splits them from their letter, mistral-common does not.
WORDS = (
    "The old ferry", "didn't", "stop", ",", ".", "...", "—", "“quoted”", '"Yes."', "*nods*", "_again_", "**NOW**",
    "3.5", "1,204", " ", "  ", "   ", "\n", "\n\n", "\t", "</s>", "[INST]", "[/INST]", "<s>", "<|im_end|>", "▀", "▄",
    "■", "「おはよう」", "『本』", "（心情）", "(笑う)", "桜", "悠人", "ご主人様", "、", "。", "！", "？", "……", "♪",
    "ー", "ｶﾅ", "한국어", "中文", "naïve", "Ångström", "Привет", "😀", "🏆", "👩‍🚀", "🇯🇵", "é", "\u200d", "ﬁ", "½", "€",
)  # fmt: skip


def _texts(seed: str) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(WORDS, k=rng.randint(1, 24))) for _ in range(TEXTS)]


@pytest.mark.parametrize("name", ["mistral-v1", "mistral-v3", "nemo"])
async def test_the_same_ids(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.gguf"
    vocabularies.write_gguf(name, path)
    if name == "nemo":
        own = Tekkenizer.from_file(vocabularies.tekken_file())
    else:
        own = SentencePieceTokenizer(vocabularies.sentencepiece_file(name))
    engine = ChildEngine(log=tmp_path / "engine.log", machine=tmp_path / "machine.json")
    try:
        async for _ in engine.load(path, EngineSettings(n_ctx=256)):
            pass
        for sample in _texts(name):
            assert await engine.tokenize((text(sample),)) == own.encode(sample, bos=False, eos=False), repr(sample)
    finally:
        await engine.close()
