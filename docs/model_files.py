"""Models for the pictures of the models screen, and a machine they are to fit on: headers without weights."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from rpchat.engine.port import Device, Inspection, Resources
from rpchat.engine.scripted import ScriptedEngine
from tests.model_makers import BILLION, write_model

_GB = 1_000_000_000
_GPU = Device(name="CUDA0", description="a GPU of 8 GB", kind="gpu", free=int(7.6 * _GB), total=8 * _GB)
_MACHINE = Resources(free=14 * _GB, total=16 * _GB, threads=8, devices=(_GPU,))


class MachineEngine(ScriptedEngine):
    """Plays scripts, and tells of a machine with 16 GB of memory and a GPU."""

    async def inspect(self, path: Path | None = None, *, controls: Iterable[str] = ()) -> Inspection:  # noqa: ARG002
        """Return what that machine has."""
        return Inspection(
            library="", features="", gpu_offload=True, resources=_MACHINE, devices=_MACHINE.devices, safe_mode=None,
            model=None,
        )  # fmt: skip


def write_models(home: Path) -> None:
    """Put models where a user whose home folder is `home` has them, and be that user."""
    os.environ["HOME"] = str(home)
    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS", "LLAMA_CACHE"):
        os.environ.pop(name, None)
    own = home / "models"
    for part in (1, 2):
        split = own / f"日本語の長い物語-34B.Q4_K_M-0000{part}-of-00002.gguf"
        write_model(split, parameters=17 * BILLION, context=16_384, layers=48)
    party = own / "MN-BackyardAI-Party-12B-v1.Q4_K_M.gguf"
    write_model(
        party, parameters=int(12.25 * BILLION), context=131_072, layers=40, vocabulary=("gpt2", "tekken", 131_072)
    )
    for name in ("Ninja-v1-RP-expressive.Q4_K_M.gguf", "Antler-7B-RP-v3.Q4_K_M.gguf"):
        write_model(
            own / name, parameters=int(7.24 * BILLION), context=32_768, layers=32, vocabulary=("llama", "", 32_000)
        )
    (own / "half-fetched.gguf").write_bytes(b"GGUF\x03\x00")
    lm_studio = home / ".lmstudio/models/somebody/Llama-3.2-3B-Instruct-GGUF"
    write_model(
        lm_studio / "Llama-3.2-3B-Instruct-Q6_K.gguf", parameters=int(3.21 * BILLION), context=131_072, file_type=18,
        template="<|start_header_id|>", tokens=("<|start_header_id|>", "<|eot_id|>"), layers=28,
    )  # fmt: skip
