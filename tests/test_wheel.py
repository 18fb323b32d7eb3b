"""The wheel, built from a copy of the checkout and unpacked elsewhere: cards and presets come with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

CHECKOUT = Path(__file__).parents[1]
CARRIED = ("rpchat", "cards", "presets", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as an installer would put them on the path."""
    source = tmp_path_factory.mktemp("source")
    for name in CARRIED:
        path = CHECKOUT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    (wheel,) = WheelBuilder(str(source)).build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"])
    target = tmp_path_factory.mktemp("target")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def files(folder: Path, ending: str) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob(f"*{ending}")}


def test_everything_is_in_it(unpacked: Path) -> None:
    assert files(unpacked / "rpchat" / "shipped" / "cards", "") == files(CHECKOUT / "cards", "")
    assert files(unpacked / "rpchat" / "shipped" / "presets", "") == files(CHECKOUT / "presets", "")
    assert files(unpacked / "rpchat", ".py") == files(CHECKOUT / "rpchat", ".py")
    assert files(unpacked / "rpchat", ".tcss") == files(CHECKOUT / "rpchat", ".tcss")
    assert {path.parts[0] for path in map(Path, files(unpacked, ".py"))} == {"rpchat"}


def test_it_runs_from_anywhere(unpacked: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "RPCHAT_HOME": str(tmp_path / "home")}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-P", "-m", "rpchat", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-P", "-c", "import rpchat; print(rpchat.__file__)"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(unpacked)
    assert "antler-7b-rp-v3" in run("presets")
    prompt = run("prompt", "--card", "sakura.yaml", "--preset", "antler-7b-rp-v3", "--say", "おはよう")
    assert prompt.startswith("[INST] ")
    assert '会話相手の"悠人"の設定:' in prompt
