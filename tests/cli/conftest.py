"""What the tests of several commands share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rpchat.cli import main
from tests.cli.helpers import Result, Terminal

Call = Callable[..., Result]


@pytest.fixture
def call(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Run the command line in this process, from a folder that is not the home: what it prints and returns is the same
    as in one of its own."""
    monkeypatch.setenv("RPCHAT_HOME", str(terminal.home))
    monkeypatch.chdir(terminal.folder)

    def called(*arguments: str) -> Result:
        code = main(list(arguments))
        return Result(code, *capfd.readouterr())

    return called
