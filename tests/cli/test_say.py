"""`rpchat say` with the real model."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from rpchat.store.lock import HomeLock
from tests.cli.helpers import COMMAND, CONFIG, Terminal, furnish

KEYS = [
    "speaker", "text", "finish", "attempts", "prompt_tokens", "prefilled_tokens", "reply_tokens", "prefill_ms",
    "decode_ms",
]  # fmt: skip


def test_one_object_and_the_same_again_for_the_same_seed(playing: Terminal, tmp_path: Path) -> None:
    line = ("say", "Who are you?", "--card", "ann", "--json", "--seed", "11", "--max-tokens", "12")
    first = playing.run(*line)
    assert first.code == 0
    told = json.loads(first.out)
    assert list(told) == KEYS
    assert (told["speaker"], told["attempts"]) == ("Ann", 1)
    assert 0 < told["reply_tokens"] <= 12
    assert told["prefilled_tokens"] == told["prompt_tokens"] > 20
    assert told["prefill_ms"] > 0
    assert [turn.text for turn in playing.scene().line()] == ["Hello.", "Who are you?", told["text"]]

    furnish(tmp_path / "other", machine=playing.home / "machine.json")
    again = json.loads(playing.run(*line, "--home", str(tmp_path / "other")).out)
    assert {key: again[key] for key in KEYS[:7]} == {key: told[key] for key in KEYS[:7]}


def test_the_scene_goes_on_with_versions_and_new_begins_another(playing: Terminal) -> None:
    spoken = playing.run("say", "Hi.", "--card", "ann", "--seed", "1", "--max-tokens", "6")
    line = playing.scene().line()
    assert spoken.code == 0
    assert spoken.out.startswith(line[-1].text)
    assert spoken.out.endswith("\n")

    options = ("--json", "--seed", "2", "--max-tokens", "6", "--swipes", "3")
    result = playing.run("say", "And now?", "--card", str(playing.home / "cards" / "ann.yaml"), *options)
    objects = [json.loads(row) for row in result.out.splitlines()]
    assert len(objects) == 3
    told = playing.scene().line()
    assert [turn.id for turn in told[:3]] == [turn.id for turn in line]
    assert {turn.text for turn in playing.scene().swipes(told[-1].id)} == {one["text"] for one in objects}
    assert [one["prefilled_tokens"] < one["prompt_tokens"] for one in objects] == [True, True, True]

    assert playing.run("say", "Hi.", "--card", "ann", "--new", "--max-tokens", "2").code == 0
    assert [turn.text for turn in playing.scene(2).line()[:2]] == ["Hello.", "Hi."]
    assert playing.scene().line() == told
    by_title = playing.run("--scene", "1", "say", "More.", "--max-tokens", "2")
    assert by_title.code == 0
    assert len(playing.scene().line()) == len(told) + 2


def test_what_one_call_has_read_the_next_one_does_not_read_again(playing: Terminal) -> None:
    def say(line: str, *options: str) -> dict[str, object]:
        done = playing.run("say", line, "--card", "ann", "--json", "--seed", "4", "--max-tokens", "8", *options)
        assert done.code == 0, done.err
        told: dict[str, object] = json.loads(done.out)
        return told

    kept = playing.home / "cache" / "kv" / "scene-1.kv"
    first = say("Tell me of the lake, the island and the ferry that goes between them.")
    assert first["prefilled_tokens"] == first["prompt_tokens"]
    second = say("Why?")
    assert _prefilled(second) <= len(_last_words(playing)) + 16 < _prefilled(first)
    kept.write_bytes(kept.read_bytes()[:-100])
    third = say("And then?")
    assert third["prefilled_tokens"] == third["prompt_tokens"]
    fourth = say("Who is there?")
    assert _prefilled(fourth) < _prefilled(first)
    (playing.home / "config.yaml").write_text(f"{CONFIG}kv_disk_mb: 0\n", encoding="utf-8")
    fifth = say("Is it far?")
    assert fifth["prefilled_tokens"] == fifth["prompt_tokens"]
    assert list(kept.parent.iterdir()) == []


def _prefilled(told: dict[str, object]) -> int:
    count = told["prefilled_tokens"]
    assert isinstance(count, int)
    return count


def _last_words(playing: Terminal) -> str:
    """What the last answer and the line before it say: a token is at least a character."""
    return "".join(turn.text for turn in playing.scene().line()[-3:-1])


def test_a_reader_that_goes_away(playing: Terminal) -> None:
    command = [*COMMAND, "say", "Tell me a story.", "--card", "ann", "--max-tokens", "200", "--seed", "3"]
    writing = subprocess.Popen(
        command, cwd=playing.folder, env=playing.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writing.stdout is not None
    assert writing.stderr is not None
    assert writing.stdout.read(1)
    writing.stdout.close()
    errors = writing.stderr.read().decode()
    assert writing.wait(timeout=180) == 1
    assert errors == ""
    assert playing.scene().line()[-1].finish == "cancelled"
    writing.stderr.close()


def test_interrupted_from_the_keyboard(playing: Terminal) -> None:
    writing = playing.start("say", "Tell me a story.", "--card", "ann", "--max-tokens", "200", "--seed", "3")
    assert writing.stdout is not None
    first = writing.stdout.read(1).decode()
    writing.send_signal(signal.SIGINT)
    rest, errors = writing.communicate(timeout=180)
    assert (writing.returncode, errors.strip()) == (130, b"")
    turn = playing.scene().line()[-1]
    assert turn.finish == "cancelled"
    assert turn.text.startswith((first + rest.decode()).rstrip())


def test_it_waits_for_another_one(playing: Terminal) -> None:
    with HomeLock(playing.home / "rpchat.lock") as other:
        assert other.acquire()
        waiting = playing.start("say", "Hi.", "--card", "ann", "--max-tokens", "2")
        assert waiting.stderr is not None
        assert b"waiting for it" in waiting.stderr.readline()
        assert not (playing.home / "rpchat.db").exists()
    waiting.communicate(timeout=180)
    assert waiting.returncode == 0
    assert [turn.text for turn in playing.scene().line()[:2]] == ["Hello.", "Hi."]
