"""LoRA adapters, made here for the tiny model: they change what it writes, as strongly as their scale says."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import EngineSettings, LoraFile, Piece, Request
from rpchat.errors import ModelError
from rpchat.prompt.segment import text
from rpchat.story.preset import Sampling
from tests import vocabularies

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIDTH = 32
RANK = 4


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "base.gguf"
    vocabularies.write_gguf("mistral-v1", path)
    return path


def write_lora(path: Path, *, architecture: str = "llama") -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(RANK))
    rng = np.random.default_rng(3)
    for name in ("attn_q", "attn_output", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight.lora_a", rng.standard_normal((RANK, WIDTH), dtype=np.float32))
        writer.add_tensor(f"blk.0.{name}.weight.lora_b", rng.standard_normal((WIDTH, RANK), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


async def written(engine: ChildEngine, base: Path, *lora: LoraFile) -> list[int]:
    async for _ in engine.load(base, EngineSettings(n_ctx=256, n_threads=1, lora=lora)):
        pass
    request = Request(
        segments=(text("Tell me a story."),), sampling=Sampling(temperature=0), seed=1, max_tokens=16, forbid_end=16
    )
    return [event.id async for event in engine.stream(request) if isinstance(event, Piece)]


async def test_as_strong_as_its_scale(own_engine: ChildEngine, base: Path, tmp_path: Path) -> None:
    path = str(write_lora(tmp_path / "lora.gguf"))
    plain = await written(own_engine, base)
    assert await written(own_engine, base, LoraFile(path=path, scale=0.0)) == plain
    strong = await written(own_engine, base, LoraFile(path=path, scale=8.0))
    assert strong != plain
    half = LoraFile(path=path, scale=4.0)
    # llama.cpp knows one adapter once: two files are two adapters, and their effects add up.
    other = LoraFile(path=str(write_lora(tmp_path / "again.gguf")), scale=4.0)
    assert await written(own_engine, base, half, other) == strong


async def test_refused(own_engine: ChildEngine, base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no LoRA"):
        await written(own_engine, base, LoraFile(path=str(tmp_path / "missing.gguf")))
    for wrong in (base, write_lora(tmp_path / "other.gguf", architecture="gpt2")):
        with pytest.raises(ModelError, match="is no LoRA for this model"):
            await written(own_engine, base, LoraFile(path=str(wrong)))
    assert await written(own_engine, base)
