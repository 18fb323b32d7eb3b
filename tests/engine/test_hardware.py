"""Which GPU is seen, and what is said of a build that does not use it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rpchat.cli.fitting import gpu_rows
from rpchat.engine import hardware
from rpchat.engine.hardware import AMD, NVIDIA, OTHER, Graphics, graphics
from rpchat.engine.port import Inspection


@pytest.mark.skipif(sys.platform != "linux", reason="device files are Linux's")
@pytest.mark.parametrize(
    ("file", "expected"), [("nvidia0", NVIDIA), ("kfd", AMD), ("dri/renderD128", OTHER), ("nvidiactl", None)]
)
def test_seen_by_its_device_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, expected: Graphics | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    assert graphics(devices=tmp_path) == expected


@pytest.mark.parametrize("seen", [NVIDIA, None])
def test_a_build_for_the_cpu_on_a_machine_with_a_gpu(monkeypatch: pytest.MonkeyPatch, seen: Graphics | None) -> None:
    monkeypatch.setattr("rpchat.cli.fitting.graphics", lambda: seen)
    cpu_only = Inspection(library="1", features="", gpu_offload=False, devices=(), safe_mode=None, model=None)
    told = dict(gpu_rows(cpu_only))
    assert told["GPU offload"].startswith("no: this build computes on the CPU only")
    assert ("to use it" in told) == (seen is not None)
    assert seen is None or "-DGGML_CUDA=on" in told["to use it"]


def test_the_pages_have_the_build_lines() -> None:
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text("utf-8")
    for kind in (hardware.NVIDIA, hardware.APPLE, hardware.AMD, hardware.OTHER):
        assert kind.build in page
    assert hardware.RPC_BUILD in page
