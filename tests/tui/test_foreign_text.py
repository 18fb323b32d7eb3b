"""Nothing a stranger writes is markup or a terminal command on any screen."""

from __future__ import annotations

import json
from pathlib import Path

from rpchat.engine.scripted import Script
from rpchat.errors import EngineError
from rpchat.store.folders import Folders
from tests.tui.helpers import Stage, folders_in, on_stage, program_in

EVIL = "[/x] [@click=app.quit]run[/] [red]r[/red] \x1b]0;title\x07\x1b[31m\x9b31m\u202eback $speech"
SEEN = "[/x] [@click=app.quit]run[/]"


def evil_home(tmp_path: Path) -> Folders:
    folders = folders_in(tmp_path)
    card = {"name": EVIL, "summary": EVIL, "language": "en", "tags": [EVIL], "first_message": EVIL}
    (folders.cards / "evil.yaml").write_text(json.dumps(card), encoding="utf-8")
    return folders


def assert_harmless(stage: Stage) -> None:
    written = stage.frame()
    assert "\x1b" not in written
    assert "\x9b" not in written
    assert "\u202e" not in written
    assert SEEN in written
    assert stage.app.is_running


async def test_on_the_home_screen(tmp_path: Path) -> None:
    program = program_in(evil_home(tmp_path), [])
    await program.play(["evil"])
    async with on_stage(program, home=True, size=(200, 50)) as stage:
        assert_harmless(stage)
        await stage.pilot.press(*"[/x]")
        await stage.settled()
        assert_harmless(stage)


async def test_in_a_scene(tmp_path: Path) -> None:
    program = program_in(evil_home(tmp_path), [Script.of(EVIL)])
    async with on_stage(program, cards=["evil"], size=(140, 40)) as stage:
        await stage.type(EVIL)
        await stage.settled()
        assert_harmless(stage)
        assert stage.texts[1].startswith(SEEN)
        for view in stage.scene.page.query("TurnView"):
            await stage.pilot.click(view, offset=(12, 1))
        await stage.settled()
        assert_harmless(stage)


async def test_in_an_error(tmp_path: Path) -> None:
    failing = Script(pieces=("a",), error=EngineError(EVIL), fail_after=1)
    async with on_stage(program_in(folders_in(tmp_path), [failing]), size=(140, 40)) as stage:
        await stage.type("Hello.")
        await stage.settled()
        assert SEEN in stage.below
        assert_harmless(stage)


async def test_in_the_palette(tmp_path: Path) -> None:
    program = program_in(evil_home(tmp_path), [])
    await program.play(["evil"])
    async with on_stage(program, home=True, size=(140, 40)) as stage:
        await stage.pilot.press("ctrl+p")
        await stage.settled()
        await stage.pilot.press(*"click")
        await stage.until(lambda: SEEN in stage.frame())
        assert stage.app.is_running


async def test_in_the_composer_and_an_edit(tmp_path: Path) -> None:
    async with on_stage(program_in(evil_home(tmp_path), []), cards=["evil"], size=(140, 40)) as stage:
        await stage.pilot.press("up")
        await stage.settled()
        assert_harmless(stage)
