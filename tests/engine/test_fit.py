"""Fitting a model into memory: the sums against what llama.cpp allocates, and what is given up first."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpchat.engine.fit import Fit, fit, step_down
from rpchat.engine.fit_words import Choice
from rpchat.engine.needs import SEQUENCES, needs_of, prompt_bytes
from rpchat.engine.port import Device, Resources
from rpchat.engine.settings import EngineSettings
from rpchat.engine.shape import Layer, ModelShape, parts_of, read_shape
from tests.models import smollm2_path

GIGABYTE = 1 << 30
ALLOCATED = Path(__file__).with_name("allocated.py")

SEVEN_BILLION = ModelShape(
    name="seven.gguf",
    layers=(Layer(weights=125_000_000, key_elements=1024, value_elements=1024, windowed=False),) * 32,
    input_weights=74_000_000,
    output_weights=107_000_000,
    tied=False,
    context=32768,
    vocabulary=32000,
    width=4096,
    heads=32,
    inner=14336,
    window=0,
    state=0,
    blocked_heads=True,
)


def gpu(gigabytes: float, *, name: str = "CUDA0") -> Device:
    free = int(gigabytes * GIGABYTE)
    return Device(name=name, description="a GPU", kind="gpu", free=free, total=free)


def machine(gigabytes: float, *devices: Device, unified: bool = False) -> Resources:
    free = int(gigabytes * GIGABYTE)
    return Resources(free=free, total=free, threads=4, devices=devices, unified=unified)


# The sums


@pytest.mark.parametrize(
    "asked",
    [
        EngineSettings(n_ctx=8192),
        EngineSettings(n_ctx=2048, n_batch=128),
        EngineSettings(n_ctx=8192, flash_attn="on", type_k="q8_0", type_v="q8_0"),
        EngineSettings(n_ctx=4096, flash_attn="on"),
    ],
)
def test_the_sums_are_those_of_llama_cpp(asked: EngineSettings) -> None:
    order = {"n_ctx": asked.n_ctx, "n_batch": asked.n_batch, "flash": asked.flash_attn, "type": asked.type_k}
    command = [sys.executable, str(ALLOCATED), str(smollm2_path()), json.dumps(order)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)
    needs = needs_of(read_shape(smollm2_path()), asked, ())
    assert needs.weights == pytest.approx(told["model"], rel=0.15)
    assert needs.cache == pytest.approx(told["KV"], rel=0.01)
    # The vocabulary is no buffer: what is reckoned for it stands beside.
    computing = needs.compute - 400 * 49152
    assert computing == pytest.approx(told["compute"] + told["output"], rel=0.15)
    assert needs.host == pytest.approx(sum(told.values()), rel=0.15)


def test_the_shape_of_the_real_model() -> None:
    shape = read_shape(smollm2_path())
    assert (len(shape.layers), shape.heads, shape.width, shape.inner, shape.vocabulary) == (30, 9, 576, 1536, 49152)
    assert shape.weights == pytest.approx(smollm2_path().stat().st_size, rel=0.05)
    assert shape.tied
    assert shape.blocked_heads


def test_all_files_of_a_split_model_count(tmp_path: Path) -> None:
    assert parts_of(tmp_path / "one.gguf") == [tmp_path / "one.gguf"]
    names = [path.name for path in parts_of(tmp_path / "big-00001-of-00003.gguf")]
    assert names == ["big-00001-of-00003.gguf", "big-00002-of-00003.gguf", "big-00003-of-00003.gguf"]
    assert len(parts_of(tmp_path / "big-00001-of-99999.gguf")) == 1


# What is chosen


def test_where_all_fits_nothing_is_changed() -> None:
    found = fit(SEVEN_BILLION, machine(16), EngineSettings())
    assert (found.verdict, found.told) == ("fully", ())
    assert found.settings == EngineSettings(n_ctx=8192, n_gpu_layers=0, cache_ram=found.settings.cache_ram)
    assert found.line == "in memory, on the CPU · 8,192 tokens · 5.9 GB"
    assert {choice.setting for choice in found.choices} >= {"n_ctx", "n_gpu_layers", "n_batch", "KV cache", "threads"}


def test_a_gpu_that_holds_it_gets_all() -> None:
    found = fit(SEVEN_BILLION, machine(16, gpu(12)), EngineSettings())
    assert (found.verdict, found.settings.n_gpu_layers) == ("fully", 33)
    assert found.line.startswith("all on CUDA0 · 8,192 tokens")


def test_a_smaller_gpu_gets_as_many_layers_as_it_holds() -> None:
    found = fit(SEVEN_BILLION, machine(16, gpu(4)), EngineSettings())
    assert found.verdict == "partly"
    assert 5 < found.settings.n_gpu_layers < 33
    assert found.needs.devices[0] <= 4 * GIGABYTE
    more = replace(found.settings, n_gpu_layers=found.settings.n_gpu_layers + 1)
    assert needs_of(SEVEN_BILLION, more, (gpu(4),)).devices[0] > 4 * GIGABYTE * 11 // 12
    assert found.told == ()


def test_several_gpus_share_by_what_is_free_or_as_set() -> None:
    two = (gpu(8), gpu(4, name="CUDA1"))
    found = fit(SEVEN_BILLION, machine(16, *two), EngineSettings())
    assert found.verdict == "fully"
    assert found.needs.devices[0] > 1.5 * found.needs.devices[1] > 0
    turned = fit(SEVEN_BILLION, machine(16, *two), EngineSettings(tensor_split=(0.2, 0.8)))
    assert turned.needs.devices[1] > 3 * turned.needs.devices[0] > 0
    alone = fit(SEVEN_BILLION, machine(16, *two), EngineSettings(split_mode="none", main_gpu=1))
    assert alone.needs.devices[0] == 0 < alone.needs.devices[1]


def test_an_integrated_gpu_counts_only_alone() -> None:
    own = Device(name="Vulkan0", description="", kind="igpu", free=8 * GIGABYTE, total=8 * GIGABYTE)
    assert fit(SEVEN_BILLION, machine(16, own), EngineSettings()).line.startswith("all on Vulkan0")
    both = fit(SEVEN_BILLION, machine(16, own, gpu(12)), EngineSettings())
    assert "Vulkan0" not in both.line


def test_shared_memory_is_counted_once() -> None:
    assert fit(SEVEN_BILLION, machine(7, gpu(7), unified=True), EngineSettings()).verdict == "fully"
    assert fit(SEVEN_BILLION, machine(4, gpu(4), unified=True), EngineSettings()).verdict == "not"


def test_an_automatic_context_is_what_memory_holds() -> None:
    found = fit(SEVEN_BILLION, machine(4.8), EngineSettings())
    assert found.verdict == "fully"
    assert 1024 <= found.settings.n_ctx < 8192
    assert found.told[-1] == f"a context of {found.settings.n_ctx:,} tokens: memory holds no more"
    assert found.needs.host <= 4.8 * GIGABYTE


def test_what_was_asked_for_is_kept_or_told() -> None:
    kept = fit(SEVEN_BILLION, machine(16), EngineSettings(n_ctx=16384))
    assert (kept.settings.n_ctx, kept.told) == (16384, ())
    cut = fit(SEVEN_BILLION, machine(5.5), EngineSettings(n_ctx=32768))
    assert cut.settings.n_ctx < 32768
    assert cut.told[-1] == f"a context of {cut.settings.n_ctx:,} tokens of 32,768 asked for: no more fit"
    layers = fit(SEVEN_BILLION, machine(16, gpu(4)), EngineSettings(n_gpu_layers=33))
    assert any("of 33 asked for" in line for line in layers.told)
    assert fit(SEVEN_BILLION, machine(16, gpu(12)), EngineSettings(n_gpu_layers=10)).settings.n_gpu_layers == 10


def test_other_prompts_are_kept_in_half_of_what_is_left() -> None:
    one = prompt_bytes(SEVEN_BILLION, EngineSettings(n_ctx=8192))
    assert one == 8192 * (8 * 128 + 8 * 128) * 2 * 32
    for free, prompts in ((6, 1), (9, 2), (12, 4), (64, SEQUENCES)):
        found = fit(SEVEN_BILLION, machine(free), EngineSettings())
        assert (found.n_prompts, found.told) == (prompts, ())
        assert found.settings.cache_ram << 20 <= (machine(free).free - found.needs.host) / 2
        assert Choice("cache_ram", f"{found.settings.cache_ram:,} MiB", _stay(prompts)) in found.choices
    assert fit(SEVEN_BILLION, machine(64), EngineSettings(rpc_servers=("there:1",))).n_prompts == 1
    assert fit(SEVEN_BILLION, machine(64), EngineSettings(cache_ram=0)).n_prompts == 1
    assert fit(SEVEN_BILLION, machine(64), EngineSettings(n_ctx=4096, n_spare=4096, cache_ram=0)).n_prompts == 2
    assert fit(SEVEN_BILLION, machine(6), EngineSettings(cache_ram=4096)).settings.cache_ram == 4096


def _stay(prompts: int) -> str:
    return "one prompt stays read" if prompts == 1 else f"{prompts} prompts stay read"


def test_behind_any_step_down_no_others_are_kept() -> None:
    stepped = step_down(SEVEN_BILLION, fit(SEVEN_BILLION, machine(64), EngineSettings()).settings)
    assert stepped is not None
    assert (stepped[0].cache_ram, stepped[1]) == (0, "reading 128 tokens at a time")
    least = EngineSettings(n_ctx=512, n_batch=64, flash_attn="off", cache_ram=100)
    assert step_down(SEVEN_BILLION, least) == (replace(least, cache_ram=0), "keeping one prompt read")


def test_a_cache_that_cannot_be_quantised_is_not() -> None:
    for wishes, shape in (
        (EngineSettings(flash_attn="off"), SEVEN_BILLION),
        (EngineSettings(type_k="q4_0"), SEVEN_BILLION),
        (EngineSettings(), replace(SEVEN_BILLION, blocked_heads=False)),
    ):
        found = fit(shape, machine(5), wishes)
        assert (found.settings.type_k, found.settings.type_v) == (wishes.type_k, wishes.type_v)


def test_what_memory_cannot_hold_is_not_possible() -> None:
    found = fit(SEVEN_BILLION, machine(2), EngineSettings())
    assert found.verdict == "not"
    assert found.line == "does not fit: it takes 4.3 GB, 2.1 GB are free"
    assert found.possible
    assert not fit(SEVEN_BILLION, machine(2), EngineSettings(use_mmap=False)).possible
    assert not fit(SEVEN_BILLION, machine(0.05), EngineSettings()).possible


def test_steps_down_come_in_their_order() -> None:
    here = machine(16, gpu(12))
    found: list[Fit] = [fit(SEVEN_BILLION, here, EngineSettings(), steps=steps) for steps in range(12)]
    told = [(one.settings.n_batch, one.settings.type_v, one.settings.n_gpu_layers, one.settings.n_ctx) for one in found]
    assert told[:7] == [
        (512, "f16", 33, 8192), (128, "f16", 33, 8192), (128, "q8_0", 33, 8192), (128, "q8_0", 25, 8192),
        (128, "q8_0", 17, 8192), (128, "q8_0", 9, 8192), (128, "q8_0", 1, 8192),
    ]  # fmt: skip
    assert told[-1] == told[-2] == (128, "q8_0", 0, 1024)
    assert step_down(SEVEN_BILLION, found[-1].settings, devices=(gpu(12),)) is None
    taken = [one.needs.host + sum(one.needs.devices) for one in found]
    assert taken[-1] < taken[0]


def test_a_sliding_window_needs_less_where_only_it_is_kept() -> None:
    windowed = tuple(replace(layer, windowed=bool(index % 6)) for index, layer in enumerate(SEVEN_BILLION.layers))
    shape = replace(SEVEN_BILLION, layers=windowed, window=512)
    whole, kept = (needs_of(shape, EngineSettings(n_ctx=32768, swa_full=full), ()) for full in (True, False))
    assert kept.cache < whole.cache / 3


@settings(max_examples=60, deadline=None)
@given(
    free=st.floats(0.1, 24),
    on_gpu=st.lists(st.floats(0.1, 24), max_size=3),
    n_ctx=st.sampled_from([0, 512, 4096, 32768]),
    layers=st.integers(-1, 40),
)
def test_what_fits_stays_within_memory(free: float, on_gpu: list[float], n_ctx: int, layers: int) -> None:
    here = machine(free, *(gpu(size, name=f"CUDA{index}") for index, size in enumerate(on_gpu)))
    found = fit(SEVEN_BILLION, here, EngineSettings(n_ctx=n_ctx, n_gpu_layers=layers))
    for device, taken in zip(here.devices, found.needs.devices, strict=True):
        assert taken <= device.free
    assert (found.verdict == "not") == (found.needs.host > here.free - min(512 << 20, here.free // 10))
    assert n_ctx == 0 or found.settings.n_ctx == n_ctx or found.told
