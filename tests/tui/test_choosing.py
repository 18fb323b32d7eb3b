"""The length of replies, the author's note and the preset, chosen while a scene is played; and what the badge says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rpchat.engine.scripted import MODEL
from rpchat.program import Program
from rpchat.tui.screens.scene import SceneScreen
from tests.tui.helpers import MODEL_FILE, Stage, folders_in, on_stage, program_in

TEMPLATE = replace(MODEL, chat_template="{{ messages }}")
"""A model with a template of its own, which the scripted engine renders in its own plain way."""


def program(home: Path, *, preset: str = "chatml", **options: object) -> Program:
    folders = folders_in(home)
    folders.config_file.write_text(f"preset: {preset}\n", encoding="utf-8")
    return program_in(folders, **options)  # type: ignore[arg-type]


async def said(stage: Stage, line: str) -> str:
    await stage.type(line)
    await stage.settled()
    return stage.below


async def test_a_length_is_chosen_by_key_and_by_command(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path, preset="limarp-llama2-7b-v3"), size=(120, 24)) as stage:
        assert "F6 medium" in stage.frame()
        await stage.pilot.press("f6")
        await stage.settled()
        assert stage.session.scene.settings.length == "long"
        assert "[long]" in stage.below
        assert "F6 long" in stage.frame()
        assert "[tiny]" in await said(stage, "/length Tiny")
        assert "medium" in await said(stage, "/length auto")
        assert stage.session.scene.settings.length == ""
        assert "gigantic" in await said(stage, "/length gigantic")
        assert stage.session.scene.settings.length == ""


async def test_a_format_without_lengths_says_so(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), size=(120, 24)) as stage:
        assert "F6" not in stage.frame()
        await stage.pilot.press("f6")
        await stage.settled()
        assert "has no lengths" in stage.below


async def test_a_note_is_set_shown_moved_and_taken_away(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path)) as stage:
        assert "there is no note" in await said(stage, "/note")
        assert "told again every 8 turns: It rains." in await said(stage, "/note It rains.")
        assert "with every turn" in await said(stage, "/note every 1")
        assert (stage.session.scene.settings.note, stage.session.scene.settings.note_every) == ("It rains.", 1)
        assert "It rains." in await said(stage, "/note")
        assert "taken away: It rains." in await said(stage, "/note off")
        assert stage.session.scene.settings.note == ""


async def test_a_note_stands_in_the_prompt(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path)) as stage:
        await said(stage, "/note It rains.")
        inspection = await stage.session.inspect("Hello.")
        assert b"".join(token.piece for token in inspection.tokens if token.origin == "note") == b"It rains."


async def test_a_preset_is_kept_with_the_scene_and_the_model_file(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path)) as stage:
        assert "chatml · set in the config" in await said(stage, "/preset")
        assert "alpaca · the scene's own" in await said(stage, "/preset Alpaca")
        assert stage.session.preset.name == "alpaca"
        assert stage.app.program.config.presets == {MODEL_FILE: "Alpaca"}
        scene = await stage.app.program.play(["mira-of-the-light"], new=True)
        assert (scene.preset.name, scene.preset_why) == ("alpaca", "chosen for this model")
        await said(stage, "/preset alpacca")
        assert "alpaca" in stage.below
        assert stage.session.preset.name == "alpaca"
        assert "chatml · set in the config" in await said(stage, "/preset auto")
        assert stage.session.scene.settings.preset == ""
        await said(stage, "/undo")
        assert (stage.session.preset.name, stage.below) == ("alpaca", "undone: the preset")
        await said(stage, "/undo")
        assert (stage.session.preset.name, stage.session.scene.settings.preset) == ("chatml", "chatml")
        await said(stage, "/redo")
        await said(stage, "/redo")
        assert stage.session.preset_why == "set in the config"
    again = program_in(folders_in(tmp_path))
    assert again.choices.preset(None)[0].name == "chatml"
    await again.close()


async def test_a_preset_is_found_in_the_palette(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), size=(100, 30)) as stage:
        await stage.pilot.press("ctrl+p")
        await stage.pilot.press(*"preset: vicuna")
        await stage.choose_found("Preset: vicuna")
        await stage.settled()
        assert stage.session.preset.name == "vicuna"


async def test_a_run_that_only_reads_chooses_nothing(tmp_path: Path) -> None:
    writing = program(tmp_path)
    await writing.play(["mira-of-the-light"])
    reading = program_in(folders_in(tmp_path), read_only=True)
    session = await reading.play(["mira-of-the-light"])
    with pytest.raises(Exception, match="no preset can be chosen"):
        await reading.models.choose_preset(session, "alpaca")
    assert reading.config.presets == {}
    await reading.close()
    await writing.close()


@pytest.mark.parametrize(
    ("model", "preset", "mark", "words"),
    [
        (MODEL, "chatml", "?", "unknown ?"),
        (TEMPLATE, "template", "✓", "verified ✓"),
        (TEMPLATE, "chatml", "≠", "differs ≠"),
    ],
)
async def test_the_badge_says_whose_the_format_is(
    tmp_path: Path, model: object, preset: str, mark: str, words: str
) -> None:
    async with on_stage(program(tmp_path, preset=preset, model=model), size=(120, 30)) as stage:
        assert f"Q4_K_M {mark}" in stage.frame().splitlines()[0]
        assert ("differs from the model's own" in stage.below) == (mark == "≠")
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        assert words in stage.frame()


async def test_the_badge_follows_the_preset(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path, preset="template", model=TEMPLATE), size=(120, 30)) as stage:
        await stage.type("/preset chatml")
        await stage.settled()
        assert "Q4_K_M ≠" in stage.frame().splitlines()[0]


async def test_that_a_format_differs_is_said_once(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path, model=TEMPLATE)) as stage:
        assert "differs" in stage.below
        await stage.pilot.press("ctrl+n")
        await stage.until(lambda: stage.app.screen.id == "home")
        await stage.settled()
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert "differs" not in stage.below


async def test_leaving_a_scene_does_not_interrupt_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is cancelled while it answers must load its model again."""
    made = program(tmp_path, model=TEMPLATE)
    asked, answer = asyncio.Event(), asyncio.Event()
    ended: list[str] = []
    tokenize: Callable[..., object] = made.engine.tokenize

    async def slow(segments: object) -> list[int]:
        asked.set()
        try:
            await answer.wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        ended.append("answered")
        return await tokenize(segments)  # type: ignore[misc,no-any-return]

    monkeypatch.setattr(made.engine, "tokenize", slow)
    async with on_stage(made, settle=False) as stage:
        await stage.until(asked.is_set)
        await stage.pilot.press("ctrl+n")
        await stage.until(lambda: stage.app.screen.id == "home")
        answer.set()
        await stage.settled()
    assert set(ended) == {"answered"}
