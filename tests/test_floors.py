"""The floors of the house: who imports whom, and what a room must not pull in with it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from importlinter.cli import lint_imports

HEAVY = ("textual", "rich", "llama_cpp", "pydantic", "jinja2", "ruamel", "numpy", "platformdirs")


def test_every_contract_is_kept(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = lint_imports(no_cache=True) == 0
    assert kept, capsys.readouterr().out


@pytest.mark.parametrize("room", ["rpchat.session", "rpchat.program", "rpchat.engine.child", "rpchat.cli.main"])
def test_a_room_without_a_screen_loads_little(room: str) -> None:
    program = f"import sys, {room}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "rpchat" in loaded
    assert set(HEAVY) & set(loaded) == set()
