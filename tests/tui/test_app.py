from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from textual import events

from rpchat.engine.scripted import Script
from rpchat.tui.screens.scene import SceneScreen
from rpchat.tui.themes import OWN
from tests.tui.helpers import folders_in, on_stage, program_in

HEAVY = ["pydantic", "llama_cpp", "jinja2", "markdown_it", "textual.widgets._markdown", "textual.widgets._data_table"]


def test_opening_imports_nothing_heavy() -> None:
    look = f"import sys, rpchat.tui.app; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


async def test_every_theme_can_be_shown(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), [])) as stage:
        for name in stage.app.available_themes:
            stage.app.theme = name
            await stage.settled()
            assert "You are late" in stage.frame()


async def test_a_theme_that_is_not_there_is_the_usual_one(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    folders.config_file.write_text("theme: plaid\n", encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True) as stage:
        assert stage.app.theme == OWN[0].name


async def test_a_key_for_an_action_that_is_not_there_is_said(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    folders.config_file.write_text("keys:\n  scene.regnerate: f6\n", encoding="utf-8")
    async with on_stage(program_in(folders, [])) as stage:
        assert "scene.regnerate" in stage.below
        assert "scene.regenerate" in stage.below


async def test_a_scene_screen_can_hear_of_the_model_before_it_stands(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])
    async with on_stage(program, home=True) as stage:
        screen = SceneScreen(await program.play(["mira-of-the-light"]), stage.app)
        screen.show_loading()
        await stage.app.switch_screen(screen)
        await stage.settled()
        assert "You are late" in stage.frame()


async def test_help_keys_do_nothing_in_the_palette(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), [])) as stage:
        await stage.pilot.press("ctrl+p")
        await stage.pilot.pause()
        await stage.pilot.press("f1", "ctrl+r", "escape")
        await stage.settled()
        assert stage.app.is_running
        assert len(stage.texts) == 1


async def test_an_action_of_the_palette_is_done(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), [])) as stage:
        await stage.session.say("Hello.")
        await stage.pilot.press("ctrl+p", *"take back")
        await stage.choose_found("Take back the last thing")
        await stage.until(lambda: "undone" in stage.below if isinstance(stage.app.screen, SceneScreen) else False)


async def test_keys_that_come_all_at_once_keep_their_order(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), [Script.of("One."), Script.of("Two.")])) as stage:
        for line in ("Hello there.", "And again."):
            for letter in line:
                stage.app.post_message(events.Key(letter, letter))
            stage.app.post_message(events.Key("enter", "\r"))
        await stage.until(lambda: [turn.text for turn in stage.session.scene.line() if turn.side == "user"][-1:])
        assert next(turn.text for turn in stage.session.scene.line() if turn.side == "user") == "Hello there."
        await stage.settled()
        said = [turn.text for turn in stage.session.scene.line() if turn.side == "user"]
        # If the first was still being answered, the second waits in the field: no letter is lost.
        assert [*said[1:], stage.scene.composer.text] in (["And again.", ""], ["And again."])
