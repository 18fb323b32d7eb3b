"""What tests of several folders share: the command line with a home of its own, and a machine that is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.helpers import Terminal, furnish, until
from tests.models import smollm2_path


@pytest.fixture(scope="session")
def known_machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run with the real model finds out about this machine, so that the others need not."""
    smollm2_path()
    folder = tmp_path_factory.mktemp("known")
    furnish(folder / "home")
    result = Terminal(folder / "home", folder).run("say", "Hi.", "--card", "ann", "--max-tokens", "2")
    assert result.code == 0, result.err
    return folder / "home" / "machine.json"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """The command line without a model's work; behind the test nothing of it may be running."""
    furnish(tmp_path / "home")
    (tmp_path / "desk").mkdir()
    one = Terminal(tmp_path / "home", tmp_path / "desk")
    yield one
    until(lambda: not one.left(), seconds=5)


@pytest.fixture
def playing(terminal: Terminal, known_machine: Path) -> Terminal:
    """The command line with the real model, which starts quickly."""
    (terminal.home / "machine.json").write_bytes(known_machine.read_bytes())
    return terminal
