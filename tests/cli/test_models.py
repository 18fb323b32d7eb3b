"""`rpchat models` and `rpchat models get`, as processes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from tests.cli.helpers import Result, Terminal, until
from tests.fetch.helpers import REPOSITORY, WHOLE
from tests.fetch.hub_server import HubServer, Repository, serving
from tests.model_makers import BILLION, write_model
from tests.models import smollm2_path


@pytest.fixture
def hub() -> Iterator[HubServer]:
    files = {"Tiny-Q4_K_M.gguf": WHOLE}
    with serving({REPOSITORY: Repository(files)}) as server:
        yield server


@pytest.fixture
def desk(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of somebody who has no models elsewhere."""
    monkeypatch.setenv("HOME", str(terminal.folder))
    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS", "LLAMA_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return terminal


def get(terminal: Terminal, url: str, *arguments: str) -> Result:
    return terminal.run("models", "get", *arguments, environment={"HF_ENDPOINT": url})


def test_a_table_of_what_is_here(desk: Terminal) -> None:
    smollm2_path()
    write_model(desk.home / "models/日本語-7B.Q4_K_M.gguf", parameters=7 * BILLION, context=32768)
    (desk.home / "models/text.gguf").write_text("once upon a time")
    write_model(desk.folder / ".lmstudio/models/x/Huge.Q8_0.gguf", parameters=4000 * BILLION, layers=8)
    result = desk.run("models", "--home", str(desk.home))
    assert result.code == 0, result.err
    rows = {line.strip().removeprefix("▸ ").split()[0]: line for line in result.out.splitlines()}
    assert "text.gguf is not a GGUF file" in rows["text"]
    assert rows["日本語-7B.Q4_K_M"].startswith("▸ ")
    for words in ("3.9 GB", "32,768 tokens", "llama", "✓"):
        assert words in rows["日本語-7B.Q4_K_M"]
    assert "✗ does not fit" in rows["Huge.Q8_0"]
    assert "smollm2-demo" in rows["SmolLM2-135M-Instruct.Q4_1"]
    assert {"models", "LM", "demo:"} <= set(rows)


def test_the_same_for_scripts(desk: Terminal) -> None:
    write_model(desk.home / "models/Antler-7B-RP-v3.Q4_K_M.gguf", name="Antler", parameters=7 * BILLION)
    result = desk.run("models", "--json")
    assert result.code == 0, result.err
    first, *_ = json.loads(result.out)
    assert first["name"] == "Antler-7B-RP-v3.Q4_K_M"
    assert (first["quantisation"], first["place"], first["played"]) == ("Q4_K_M", "models folder", True)
    assert first["fit"] in ("fully", "partly", "not")
    assert first["error"] == ""


def test_what_can_be_fetched_by_name(desk: Terminal) -> None:
    result = desk.run("models", "get")
    assert result.code == 0, result.err
    for words in ("antler-7b-rp-v3", "about 4.5 GB", "limarp-llama2-7b-v3", "owner/name[:file.gguf]"):
        assert words in result.out


def test_a_model_arrives_in_the_homes_folder(desk: Terminal, hub: HubServer) -> None:
    path = desk.home / "models/Tiny-Q4_K_M.gguf"
    result = get(desk, hub.url, REPOSITORY, "--quant", "q4_k_m")
    assert (result.code, result.out) == (0, f"{path}\n"), result.err
    assert path.read_bytes() == WHOLE
    assert "0.003 GB" in result.err
    again = get(desk, hub.url, f"{REPOSITORY}:Tiny-Q4_K_M.gguf")
    assert (again.code, again.out) == (0, f"{path}\n")
    assert "is there already" in again.err
    assert hub.starts() == [0]


def test_interrupted_it_says_so_and_goes_on_the_next_time(
    desk: Terminal, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    hub.faults.hold_at = 2_000_000
    models = desk.home / "models"
    process = desk.start("models", "get", REPOSITORY)
    until(lambda: [path for path in models.glob(".*.part") if path.stat().st_size > 1_000_000])
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"stopped; the same command goes on from there" in err
    assert b"Traceback" not in err
    (part,) = models.glob(".*.part")
    size = part.stat().st_size
    hub.faults.hold_at = -1
    assert get(desk, hub.url, REPOSITORY).code == 0
    assert hub.starts()[-1] == size
    assert (models / "Tiny-Q4_K_M.gguf").read_bytes() == WHOLE


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("somebody/Nothing",), "there is no somebody/Nothing on the hub"),
        ((f"{REPOSITORY}:other.gguf",), "has no `other.gguf`. It has Q4_K_M"),
        (("limarp",), "convert it to a GGUF LoRA"),
        (("nothing",), "rpchat models get"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(
    desk: Terminal, hub: HubServer, arguments: tuple[str, ...], line: str
) -> None:
    result = get(desk, hub.url, *arguments)
    assert (result.code, result.out) == (1, "")
    assert line in result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert list((desk.home / "models").glob("*.gguf")) == []


def test_offline_is_one_line(desk: Terminal, hub: HubServer) -> None:
    hub.shutdown()
    hub.server_close()
    result = get(desk, hub.url, REPOSITORY)
    assert result.code == 1
    assert result.err.splitlines()[-1].startswith("rpchat: the hub cannot be reached")
