"""`rpchat prompt`: exactly what would be read, and nothing written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.scene import Member, SceneSettings
from rpchat.story.turn import Turn
from tests.cli.helpers import Terminal


def written(home: Path) -> dict[str, bytes]:
    """What a home holds of scenes and settings. A reader of the database leaves an index and an empty journal."""
    files = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    return {name: data for name, data in files.items() if data and not name.endswith("-shm")}


def test_with_the_model_tokens_are_counted(playing: Terminal) -> None:
    result = playing.run("prompt", "--card", "ann", "--say", "Who are you?", "--json")
    assert result.code == 0
    told = json.loads(result.out)
    assert list(told) == [
        "text", "segments", "stops", "token_ids", "dropped_turns",
        "tokens", "budget", "dropped", "reuse", "first_change", "cautions",
    ]  # fmt: skip
    assert list(told["stops"]) == ["control", "any", "line"]
    assert told["segments"][:2] == [
        ["c", "<|im_start|>"],
        ["t", "system\nAnswer in one sentence.\n\nName: Ann\n\n" + ROBIN],
    ]
    assert told["text"].endswith("user\nWho are you?<|im_end|>\n<|im_start|>assistant\n")
    assert told["text"] == "".join(text for _, text in told["segments"])
    assert (told["dropped_turns"], told["dropped"], told["reuse"]) == (0, [], 0)
    assert told["first_change"] == {"origin": "setup", "turn": None}
    tokens = told["tokens"]
    assert [token["id"] for token in tokens] == told["token_ids"]
    assert "".join(token["text"] for token in tokens) == told["text"]
    assert tokens[0] == {"id": told["token_ids"][0], "text": "<|im_start|>", "origin": "control", "turn": None}
    assert "".join(token["text"] for token in tokens if token["turn"] == 1) == "Hello."
    assert "".join(token["text"] for token in tokens if token["turn"] == 2) == "Who are you?"
    budget = told["budget"]
    assert budget["context"] == 1024 == budget["room"] + budget["reserve"]
    assert budget["total"] == len(tokens) == sum(budget["parts"].values())
    assert budget["parts"]["control"] == 7
    said = json.loads(playing.run("say", "Who are you?", "--card", "ann", "--json", "--max-tokens", "2").out)
    assert said["prompt_tokens"] == len(told["token_ids"])


def test_with_the_model_the_budget_is_one_line(playing: Terminal) -> None:
    result = playing.run("prompt", "--card", "ann", "--say", "Who are you?")
    assert result.code == 0
    assert result.out.endswith("user\nWho are you?<|im_end|>\n<|im_start|>assistant\n\n")
    (line,) = result.err.splitlines()
    assert re.fullmatch(
        r"setup \d+ · history \d+ · format \d+ · control 7 · (\d+) of \d+ tokens · kept for the reply \d+"
        r" · reuse 0 of \1",
        line,
    )


def test_what_no_longer_fits_is_told_with_the_reason(playing: Terminal) -> None:
    (playing.home / "config.yaml").write_text("engine: {n_threads: 1, n_ctx: 512}\n", encoding="utf-8")
    assert playing.run("presets").code == 0
    turns_of(playing.home, *["The lamp turns over the dark water, and nobody in the house can sleep."] * 40)
    told = json.loads(playing.run("prompt", "--scene", "1", "--json").out)
    assert told["dropped_turns"] == len(told["dropped"]) > 0
    first = told["dropped"][0]
    assert (first["turn"], first["speaker"]) == (1, "Robin")
    assert first["begins"].startswith("The lamp turns")
    assert "tokens over the room of" in first["why"]
    assert first["why"] in playing.run("prompt", "--scene", "1").err
    kept = [token["turn"] for token in told["tokens"] if token["turn"]]
    assert (min(kept), max(kept)) == (told["dropped_turns"] + 1, 40)


def turns_of(home: Path, *texts: str) -> None:
    """Make a scene in which Robin and Ann say these, the one behind the other."""
    store = SceneStore.open(home / "rpchat.db")
    try:
        cast = (Member("ann", Card(name="Ann")),)
        scene = store.create(
            title="Long", cast=cast, persona=Persona(name="Robin"), settings=SceneSettings(), now=1.0
        )  # fmt: skip
        for number, text in enumerate(texts):
            said = Turn(id=0, parent=scene.tip(), side="user", speaker="Robin", text=text)
            turn = replace(said, side="member", speaker="Ann", member="ann") if number % 2 else said
            scene, _ = store.add_turn(scene, turn, now=2.0, action="say")
    finally:
        store.close()


ROBIN = (
    "Name: Robin\nRobin is in their late twenties, travels light and asks good questions. Quick to laugh, slow to"
    " leave. Carries a notebook and a habit of opening doors marked otherwise."
)


def test_for_another_model_nothing_is_counted(terminal: Terminal) -> None:
    assert terminal.run("presets").code == 0
    before = written(terminal.home)
    line = ("prompt", "--card", "sakura.yaml", "--preset", "antler-7b-rp-v3", "--say", "おはよう")
    told = json.loads(terminal.run(*line, "--json").out)
    counted = ("token_ids", "tokens", "budget", "dropped", "reuse", "first_change")
    assert [told[name] for name in counted] == [None] * len(counted)
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


def test_a_scene_that_was_not_begun(terminal: Terminal) -> None:
    assert terminal.run("presets").code == 0
    (terminal.folder / "pier.yaml").write_text(
        "name: The pier\ncast: [ann, mira]\nscenario: A pier.\n"
        "opening: '{{char}} waits for {{user}}.'\nopened_by: mira\n"
    )
    before = written(terminal.home)
    line = ("prompt", "--preset", "backyardai-party-12b", "--say", "Hm.")
    told = terminal.run(*line, "--scene", "./pier.yaml", "--persona", "robin")
    assert (told.code, told.err) == (0, "")
    assert "[INST]model\nMira: Mira waits for Robin." in told.out
    assert "A pier." in told.out
    assert "Ticket" in terminal.run(*line, "--scene", "the-waiting-ferry").out
    assert "zzz" in terminal.run(*line, "--scene", "zzz").complaint
    assert written(terminal.home) == before


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
