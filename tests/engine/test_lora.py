"""LoRA adapters, made here for the tiny model: they change what it writes, as strongly as their scale says."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Piece, Request
from rpchat.engine.settings import EngineSettings, LoraFile
from rpchat.errors import ModelError
from rpchat.prompt.segment import text
from rpchat.story.preset import Sampling
from tests import vocabularies
from tests.engine.helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIDTH = 32
RANK = 4
NAMES = ("attn_q", "attn_output", "ffn_down")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "base.gguf"
    vocabularies.write_gguf("mistral-v1", path)
    return path


def write_lora(
    path: Path, *, architecture: str = "llama", width: int = WIDTH, halves: str = "ab", names: tuple[str, ...] = NAMES
) -> Path:
    """Write a LoRA for the tiny model; a `width` or `halves` other than its own make one that does not fit."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(RANK))
    rng = np.random.default_rng(3)
    for name in names:
        for half, shape in (("a", (RANK, width)), ("b", (width, RANK))):
            values = rng.standard_normal(shape, dtype=np.float32)
            if half in halves:
                writer.add_tensor(f"blk.0.{name}.weight.lora_{half}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


async def load(engine: ChildEngine, base: Path, *lora: LoraFile) -> None:
    async for _ in engine.load(base, EngineSettings(n_ctx=256, n_threads=1, lora=lora)):
        pass


async def written(engine: ChildEngine, base: Path, *lora: LoraFile) -> list[int]:
    await load(engine, base, *lora)
    return await again(engine)


async def again(engine: ChildEngine) -> list[int]:
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


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"architecture": "gpt2"}, "it was made for gpt2, this is llama"),
        ({"width": 2 * WIDTH}, r"blk\.0\.attn_q\.weight is 32×32 in the model, 64×64 in the LoRA"),
        ({"halves": "a"}, r"blk\.0\.attn_q\.weight has no other half"),
        ({"halves": "b"}, r"blk\.0\.attn_q\.weight\.lora_b has no other half"),
    ],
)
async def test_what_does_not_fit_is_said_before_anything_is_loaded(
    own_engine: ChildEngine, base: Path, tmp_path: Path, made: dict[str, Any], words: str
) -> None:
    path = write_lora(tmp_path / "wrong.gguf", **made)
    with pytest.raises(ModelError, match=f"wrong.gguf is no LoRA for this model: {words}"):
        await written(own_engine, base, LoraFile(path=str(path)))
    assert own_engine.worker_pid is None


async def test_the_scale_is_changed_without_loading_again(own_engine: ChildEngine, base: Path, tmp_path: Path) -> None:
    path = str(write_lora(tmp_path / "lora.gguf"))
    plain = await written(own_engine, base, LoraFile(path=path, scale=0.0))
    pid = own_engine.worker_pid
    strong = await written(own_engine, base, LoraFile(path=path, scale=8.0))
    assert own_engine.worker_pid == pid
    # What was read with the other scale is read again: the reply is that of a model loaded with it.
    fresh = ChildEngine(log=tmp_path / "log", machine=tmp_path / "machine.json")
    try:
        assert strong == await written(fresh, base, LoraFile(path=path, scale=8.0)) != plain
    finally:
        await fresh.close()
    # A worker that dies comes back with the scale it had last.
    assert own_engine.worker_pid is not None
    os.kill(own_engine.worker_pid, signal.SIGKILL)
    await until(lambda: own_engine.worker_pid is None)
    assert await again(own_engine) == strong


async def test_the_logits_follow_the_scale(own_engine: ChildEngine, base: Path, tmp_path: Path) -> None:
    path = str(write_lora(tmp_path / "last.gguf", names=("ffn_down",)))
    apart = []
    for scale in (0.0, 1.0, 4.0, 8.0, -4.0, 1.0):
        await load(own_engine, base, LoraFile(path=path, scale=scale))
        first, second = await own_engine.score([(text("Tell me a story"),), (text("Tell me a lie"),)])
        apart.append(first - second)
    *changing, again_once = apart
    assert len(set(changing)) == len(changing)
    assert again_once == changing[1]
    await load(own_engine, base)
    first, second = await own_engine.score([(text("Tell me a story"),), (text("Tell me a lie"),)])
    assert first - second == changing[0]
