from __future__ import annotations

import resource
import socket
import subprocess
import sys
import time
from typing import NoReturn

import pytest

from rpchat.errors import FileError
from rpchat.exchange.card_reading import read_card
from rpchat.exchange.card_writing import write_card
from rpchat.story.text import clean
from tests.exchange.corpus import File, cases, content


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> NoReturn:
        raise AssertionError("a card was read with the help of the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_corpus_is_large() -> None:
    found = [what for what, _, _ in cases()]
    assert len(found) == len(set(found)) >= 150


@pytest.mark.parametrize(
    ("file", "expected"), [pytest.param(file, expected, id=what) for what, file, expected in cases()]
)
def test_every_file_is_a_card_or_one_clear_line(file: File, expected: str | None) -> None:
    data = content(file)
    begin = time.process_time()
    if expected is None:
        with pytest.raises(FileError) as caught:
            read_card(data, name="a file.bin")
        assert time.process_time() - begin < 2
        line = str(caught.value)
        assert line.startswith("a file.bin")
        assert len(line) < 250
        assert line == clean(line)
        assert "\n" not in line
    else:
        read = read_card(data, name="a file.bin")
        assert time.process_time() - begin < 2
        assert read.card.name == expected
        assert read.original == data
        assert all(clean(note) == note and "\n" not in note for note in read.notes)
        back = read_card(write_card(read.card, "charx", avatar=read.avatar, assets=read.assets).data, name="back")
        assert (back.card, back.avatar, back.assets) == (read.card, read.avatar, read.assets)


def test_reading_cards_loads_no_network_code() -> None:
    program = "import sys, rpchat.exchange.card_reading, rpchat.exchange.card_writing; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "rpchat.exchange.png" in loaded
    assert not {"socket", "ssl", "http.client", "urllib.request", "PIL", "pydantic", "ruamel.yaml"} & loaded


HEAVY = (
    "json_hostile-million-values",
    "json_hostile-million-keys",
    "yaml_hostile-alias-bomb",
    "png_hostile-million-chunks",
    "png_hostile-text-too-large",
    "zip_hostile-bomb-for-a-card",
    "other-too-large",
    "other-large-but-allowed",
)

READING = """
import sys
from rpchat.errors import FileError
from rpchat.exchange.card_reading import read_card
try:
    read_card(sys.stdin.buffer.read(), name="x")
except FileError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_DATA")
@pytest.mark.parametrize("file", [pytest.param(file, id=what) for what, file, _ in cases() if what in HEAVY])
def test_no_file_costs_more_than_300_megabytes(file: File) -> None:
    limit = 300 << 20
    run = subprocess.run(
        [sys.executable, "-c", READING],
        input=content(file),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        capture_output=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr.decode()
