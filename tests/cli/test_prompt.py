"""`rpchat prompt`: exactly what would be read, and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

from rpchat.store.lock import HomeLock
from tests.cli.helpers import Terminal


def written(home: Path) -> dict[str, bytes]:
    """What a home holds of scenes and settings. A reader of the database leaves an index and an empty journal."""
    files = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    return {name: data for name, data in files.items() if data and not name.endswith("-shm")}


def test_with_the_model_tokens_are_counted(playing: Terminal) -> None:
    result = playing.run("prompt", "--card", "ann", "--say", "Who are you?", "--json")
    assert result.code == 0
    told = json.loads(result.out)
    assert list(told) == ["text", "segments", "stops", "token_ids", "dropped_turns"]
    assert list(told["stops"]) == ["control", "any", "line"]
    assert told["segments"][:2] == [
        ["c", "<|im_start|>"],
        ["t", "system\nAnswer in one sentence.\n\nName: Ann\n\n" + ROBIN],
    ]
    assert told["text"].endswith("user\nWho are you?<|im_end|>\n<|im_start|>assistant\n")
    assert told["text"] == "".join(text for _, text in told["segments"])
    assert told["dropped_turns"] == 0
    said = json.loads(playing.run("say", "Who are you?", "--card", "ann", "--json", "--max-tokens", "2").out)
    assert said["prompt_tokens"] == len(told["token_ids"])


ROBIN = (
    "Name: Robin\nRobin is in their late twenties, travels light and asks good questions. Quick to laugh, slow to"
    " leave. Carries a notebook and a habit of opening doors marked otherwise."
)


def test_for_another_model_nothing_is_counted(terminal: Terminal) -> None:
    assert terminal.run("presets").code == 0
    before = written(terminal.home)
    line = ("prompt", "--card", "sakura.yaml", "--preset", "antler-7b-rp-v3", "--say", "おはよう")
    told = json.loads(terminal.run(*line, "--json").out)
    assert told["token_ids"] is None
    assert told["segments"][0] == ["c", "<s>"]
    assert told["segments"][1][1].startswith("[INST] これから")
    assert told["segments"][-1][1].endswith("[INST] 悠人「おはよう」 [/INST]")
    assert told["stops"]["any"][0] == "悠人「"
    text = terminal.run(*line)
    assert (text.code, text.err) == (0, "")
    assert text.out == told["text"] + "\n"
    assert written(terminal.home) == before


def test_a_scene_as_it_stands(terminal: Terminal) -> None:
    told = terminal.run("prompt", "--card", "keri", "--card", "mira", "--preset", "backyardai-party-12b")
    assert told.code == 0
    assert told.out.count("[INST]model\nKeri:") == 1
    assert told.out.rstrip("\n").endswith("[INST]model\nMira:")


def test_while_another_one_has_the_home(terminal: Terminal) -> None:
    assert terminal.run("presets").code == 0
    with HomeLock(terminal.home / "rpchat.lock") as other:
        assert other.acquire()
        before = written(terminal.home)
        result = terminal.run("prompt", "--card", "ann", "--preset", "antler-7b-rp-v3")
        assert (result.code, result.err) == (0, "")
        assert written(terminal.home) == before


def test_a_preset_that_needs_its_model_says_so(terminal: Terminal) -> None:
    (terminal.home / "models").mkdir()
    (terminal.home / "models" / "broken.gguf").write_text("no")
    result = terminal.run("prompt", "--card", "ann", "--preset", "template", "--model", "broken")
    assert result.code == 1
    assert "broken.gguf is not a GGUF file" in result.complaint
