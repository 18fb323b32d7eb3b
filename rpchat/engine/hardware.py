"""Which GPU a machine has, told without any library for it, and how llama.cpp is built to use it."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_DEVICES = Path("/dev")
_BUILD = 'CMAKE_ARGS="{flag}" python -m pip install --force-reinstall --no-deps --no-cache-dir llama-cpp-python'


@dataclass(frozen=True, slots=True)
class Graphics:
    """A kind of GPU: what it is called, and the switch that makes llama.cpp use it."""

    name: str
    flag: str

    @property
    def build(self) -> str:
        """Return the command that builds the library for it."""
        return _BUILD.format(flag=self.flag)


NVIDIA = Graphics("NVIDIA", "-DGGML_CUDA=on")
APPLE = Graphics("Apple", "-DGGML_METAL=on")
AMD = Graphics("AMD", "-DGGML_HIP=on")
OTHER = Graphics("Vulkan", "-DGGML_VULKAN=on")
RPC_BUILD = _BUILD.format(flag="-DGGML_RPC=on")


def graphics(*, devices: Path = _DEVICES) -> Graphics | None:
    """Return the GPU this machine seems to have; None where nothing speaks for one."""
    if sys.platform == "darwin":
        return APPLE if platform.machine() == "arm64" else None
    if shutil.which("nvidia-smi") or any(devices.glob("nvidia[0-9]*")):
        return NVIDIA
    if (devices / "kfd").exists():
        return AMD
    return OTHER if any(devices.glob("dri/renderD*")) else None
