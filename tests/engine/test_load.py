"""Loading: the model's facts, progress, and files that are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Loaded, Loading, Stepping
from rpchat.engine.settings import EngineSettings
from rpchat.errors import EngineError, ModelError
from rpchat.prompt.segment import text
from tests.engine.conftest import N_CTX
from tests.engine.helpers import ask, load_events, loaded, question, quick, reply
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_models_facts(engine: ChildEngine) -> None:
    model = engine.model
    assert model is not None
    assert (model.architecture, model.n_vocab, model.n_ctx, model.n_ctx_train) == ("llama", 49152, N_CTX, 8192)
    assert (model.bos, model.eos) == (None, "<|im_end|>")
    assert {"<|im_start|>", "<|im_end|>"} <= model.controls
    assert "[INST]" not in model.controls
    assert "<|im_start|>" in model.chat_template
    assert "tokenizer.chat_template" not in model.metadata
    assert model.metadata["llama.block_count"] == "30"
    assert model.size > 90_000_000
    assert model.parameters > 100_000_000
    assert model.devices[0].total > 0
    assert not model.offloaded
    assert model.threads >= 1


async def test_progress_grows_to_the_end(own_engine: ChildEngine) -> None:
    *steps, last = await load_events(own_engine, smollm2_path(), quick())
    done = [step.done for step in steps if isinstance(step, Loading)]
    assert len(done) == len(steps) > 3
    assert done == sorted(done)
    assert isinstance(last, Loaded)
    assert last.model is own_engine.model


async def test_nothing_loaded_is_one_line(own_engine: ChildEngine) -> None:
    with pytest.raises(EngineError, match="no model is loaded"):
        await own_engine.tokenize((text("x"),))


def missing(folder: Path) -> Path:
    return folder / "missing.gguf"


def prose(folder: Path) -> Path:
    path = folder / "prose.gguf"
    path.write_text("Once upon a time.\n" * 100)
    return path


def truncated(folder: Path) -> Path:
    path = folder / "truncated.gguf"
    path.write_bytes(smollm2_path().read_bytes()[:20_000_000])
    return path


def headless(folder: Path) -> Path:
    path = folder / "headless.gguf"
    path.write_bytes(smollm2_path().read_bytes()[:5000])
    return path


def other_architecture(folder: Path) -> Path:
    path = folder / "other.gguf"
    path.write_bytes(smollm2_path().read_bytes().replace(b"llama", b"lamla", 1))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (missing, "there is no model file"),
        (prose, "prose.gguf is not a GGUF file"),
        (truncated, "truncated.gguf is truncated: 20,000,000 bytes of at least"),
        (headless, "headless.gguf is truncated: it ends within its header"),
        (other_architecture, "other.gguf cannot be loaded: .*architecture"),
        (lambda folder: folder, "is a folder"),
    ],
)
async def test_a_file_that_is_no_model_is_one_line_and_harms_nothing(
    own_engine: ChildEngine, tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    await loaded(own_engine, smollm2_path(), quick())
    with pytest.raises(ModelError, match=words) as caught:
        await load_events(own_engine, make(tmp_path), EngineSettings())
    assert "\n" not in str(caught.value)
    assert (await reply(own_engine, ask(question("Hi."), max_tokens=1))).end.reply_tokens == 1


async def test_a_context_memory_cannot_hold_is_cut_down_and_told(own_engine: ChildEngine) -> None:
    settings = replace(quick(), n_ctx=2**31 - 1)
    events = await load_events(own_engine, smollm2_path(), settings)
    told = [event.what for event in events if isinstance(event, Stepping)]
    assert told == ["a context of 8,192 tokens of 2,147,483,647 asked for: no more fit"]
    assert own_engine.model is not None
    assert own_engine.model.n_ctx == 8192


@pytest.mark.parametrize(
    "settings",
    [
        EngineSettings(type_k="q8_0", type_v="q8_0", flash_attn="on"),
        EngineSettings(n_batch=32, use_mmap=False),
        EngineSettings(flash_attn="off", n_gpu_layers=0, split_mode="none", tensor_split=(1.0,)),
    ],
)
async def test_settings_reach_the_library(own_engine: ChildEngine, settings: EngineSettings) -> None:
    model = await loaded(own_engine, smollm2_path(), replace(settings, n_ctx=256, n_threads=1))
    assert model.threads == 1
    result = await reply(own_engine, ask(question("Tell me of the sea. " * 12), max_tokens=3, forbid_end=3))
    assert result.end.reply_tokens == 3


async def test_inspecting_loads_no_weights(own_engine: ChildEngine) -> None:
    seen = await own_engine.inspect(smollm2_path(), controls=("<|im_end|>", "[INST]"))
    assert seen.library
    assert "CPU" in seen.features
    assert seen.devices
    assert seen.model is not None
    assert seen.model.controls >= {"<|im_end|>"}
    assert (seen.model.n_ctx, seen.model.n_ctx_train) == (0, 8192)
    assert seen.model.size > 90_000_000
    assert own_engine.worker_pid is None


async def test_inspecting_without_a_model(own_engine: ChildEngine, tmp_path: Path) -> None:
    assert (await own_engine.inspect()).model is None
    with pytest.raises(ModelError, match="not a GGUF"):
        await own_engine.inspect(prose(tmp_path))
