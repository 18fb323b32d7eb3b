"""Every other command, every way of being wrong, and what is printed then."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from rpchat import __version__
from tests.cli.conftest import Call
from tests.cli.helpers import Terminal
from tests.models import smollm2_path


def test_version_and_help(terminal: Terminal) -> None:
    assert terminal.run("--version").out == f"rpchat {__version__}\n"
    helped = terminal.run("--help")
    assert helped.code == 0
    for command in ("say", "prompt", "presets", "models", "doctor"):
        assert f"\n  {command} " in helped.out
        assert terminal.run(command, "--help").out.startswith(f"Usage: rpchat {command} ")
    assert not (terminal.home / "rpchat.db").exists()


def test_presets(terminal: Terminal) -> None:
    (terminal.home / "presets").mkdir()
    (terminal.home / "presets" / "mine.yaml").write_text("name: mine\nadapter: chatml\ntitle: My own\n")
    (terminal.home / "presets" / "odd.yaml").write_text("name: odd\nadapter: chatml\ntemprature: 1\n")
    result = terminal.run("presets")
    assert result.code == 0
    names = [line.split()[0] for line in result.out.splitlines()]
    assert {"antler-7b-rp-v3", "smollm2-demo", "chatml", "template", "mine"} <= set(names)
    assert names == sorted(names)
    (broken,) = result.err.splitlines()
    assert "odd.yaml" in broken
    assert "temprature" in broken


def test_doctor(playing: Terminal) -> None:
    result = playing.run("doctor")
    assert result.code == 0, result.err
    for word in (__version__, "llama-cpp-python", "CPU", "smollm2-demo", "chatml", str(playing.home), "TERM"):
        assert word in result.out


def gguf(folder: Path, *, kind: str) -> Path:
    path = folder / f"{kind}.gguf"
    if kind == "truncated":
        with smollm2_path().open("rb") as whole, path.open("wb") as part:
            part.write(whole.read(1_000_000))
    elif kind != "missing":
        path.write_bytes({"text": b"Once upon a time\n", "empty": b"", "magic": b"GGUF"}[kind])
    return path


@pytest.mark.parametrize("kind", ["text", "empty", "magic", "truncated", "missing"])
def test_a_model_that_is_none(terminal: Terminal, call: Call, kind: str) -> None:
    path = gguf(terminal.folder, kind=kind)
    result = call("say", "Hi.", "--card", "ann", "--model", str(path))
    assert result.code == 1
    assert path.name in result.complaint


BROKEN_CARDS = {
    "yaml": "name: [Ann\n",
    "field": "name: Ann\nfirst_mesage: Hello.\n",
    "type": "name: Ann\ntags: 7\n",
    "nameless": "language: en\n",
    "empty": "",
    "list": "- name: Ann\n",
    "bomb": "a: &a [x, x, x, x, x, x, x, x]\n"
    + "".join(f"{key}: &{key} [{', '.join([f'*{before}'] * 8)}]\n" for before, key in pairwise("abcdefgh")),
    "tag": "name: !!python/object/apply:os.system [echo]\n",
}


@pytest.mark.parametrize("kind", BROKEN_CARDS)
def test_a_broken_card(terminal: Terminal, call: Call, kind: str) -> None:
    path = terminal.folder / f"{kind}.yaml"
    path.write_text(BROKEN_CARDS[kind], encoding="utf-8")
    result = call("say", "Hi.", "--card", path.name)
    assert result.code == 1
    assert path.name in result.complaint


FAILING = {
    "unknown card": (("say", "Hi.", "--card", "sakurra"), "sakura"),
    "card that is a folder": (("say", "Hi.", "--card", "/"), ""),
    "card named oddly": (("say", "Hi.", "--card", "../\x1b[31m\n" + "x" * 5000), ""),
    "bytes that are no text": (("prompt", "--card", os.fsdecode(b"\xff\xfe")), ""),
    "unknown preset": (("prompt", "--card", "ann", "--preset", "antler"), "antler-7b-rp-v3"),
    "unknown persona": (("prompt", "--card", "ann", "--persona", "robn"), "robin"),
    "unknown scene": (("say", "Hi.", "--scene", "The ferry"), "The ferry"),
    "scene number that is no number": (("say", "Hi.", "--scene", "²"), "²"),
    "scene number without end": (("say", "Hi.", "--scene", "9" * 5000), ""),
    "unknown model": (("prompt", "--card", "ann", "--model", "nothing"), "nothing"),
    "home that cannot be": (("presets", "--home", "/dev/null/rpchat"), "--home"),
}


@pytest.mark.parametrize("name", FAILING)
def test_one_line_and_exit_code_1(call: Call, name: str) -> None:
    arguments, word = FAILING[name]
    result = call(*arguments)
    assert result.code == 1
    assert word in result.complaint
    assert len(result.complaint) < 600
    assert "\x1b" not in result.complaint


WRONG = {
    "no command of that name": ("sing",),
    "no text": ("say", "--card", "ann"),
    "no card": ("say", "Hi."),
    "no such option": ("say", "Hi.", "--card", "ann", "--loud"),
    "seed too large": ("say", "Hi.", "--card", "ann", "--seed", str(2**32)),
    "seed that is no number": ("say", "Hi.", "--card", "ann", "--seed", "x"),
    "no swipes": ("say", "Hi.", "--card", "ann", "--swipes", "0"),
    "prompt of nothing": ("prompt",),
    "home that is a file": ("presets", "--home", __file__),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_is_2(call: Call, name: str) -> None:
    result = call(*WRONG[name])
    assert result.code == 2
    assert "--help" in result.complaint


def test_refused_as_a_process(terminal: Terminal) -> None:
    path = gguf(terminal.folder, kind="truncated")
    for code, arguments in [
        (1, ("say", "Hi.", "--card", "ann", "--model", str(path))),
        (1, ("say", "Hi.", "--card", "sakurra")),
        (2, ("say", "Hi.")),
    ]:
        result = terminal.run(*arguments)
        assert result.code == code
        assert result.complaint


def test_a_broken_config_is_one_line(terminal: Terminal) -> None:
    (terminal.home / "config.yaml").write_text("engin: {n_ctx: 4096}\n")
    result = terminal.run("presets")
    assert result.code == 1
    assert "config.yaml" in result.complaint
    assert "engine" in result.complaint


def test_a_damaged_database_is_one_line_and_left_alone(terminal: Terminal) -> None:
    database = terminal.home / "rpchat.db"
    database.write_bytes(b"not a database, but somebody's file" * 200)
    before = database.read_bytes()
    result = terminal.run("prompt", "--card", "ann")
    assert result.code == 1
    assert "database" in result.complaint
    assert database.read_bytes() == before


def test_a_terminal_that_cannot_show_everything(terminal: Terminal) -> None:
    line = ("prompt", "--card", "sakura", "--preset", "antler-7b-rp-v3")
    result = terminal.run(*line, environment={"PYTHONIOENCODING": "ascii"})
    assert (result.code, result.err) == (0, "")
    assert "[INST] ???" in result.out


@pytest.mark.parametrize(("descriptor", "codes"), [("0", {0}), ("1", {0, 1}), ("2", {0})])
def test_a_closed_stream(terminal: Terminal, descriptor: str, codes: set[int]) -> None:
    line = f'exec "$0" -m rpchat prompt --card ann --preset antler-7b-rp-v3 {descriptor}>&-'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable],
        env=terminal.environment, cwd=terminal.folder, capture_output=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode in codes
    assert b"Traceback" not in done.stderr
