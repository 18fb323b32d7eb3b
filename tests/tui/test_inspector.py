"""The prompt laid open: with keys, up to date, and as quick with a long prompt as with a short one."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

import rpchat.store.models
from rpchat.choices import Wishes
from rpchat.engine.child import ChildEngine
from rpchat.engine.scripted import MODEL, Script
from rpchat.engine.settings import EngineSettings
from rpchat.program import Program
from rpchat.session.preview import preview
from rpchat.store.config import Config
from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore
from rpchat.tui.prompt_rows import Row
from rpchat.tui.widgets.inspector import Inspector
from rpchat.tui.widgets.prompt_head import Head, head_text
from rpchat.tui.widgets.prompt_view import PromptView
from tests.models import smollm2_path
from tests.tui.helpers import Stage, folders_in, gated, on_stage, program_in, reached

REPLY = '*She nods.* "Yes."'


def panel(stage: Stage) -> Inspector:
    found = stage.scene.inspecting.panel
    assert found is not None
    return found


def prompt(stage: Stage) -> str:
    """The rows as they could be read by scrolling through all of them."""
    return "\n".join(map(row_text, panel(stage).rows.rows.rows))


def row_text(row: Row) -> str:
    return "".join(piece.text for piece in row.pieces)


@pytest.mark.parametrize("key", ["ctrl+o", "f5"])
async def test_it_opens_and_closes_with_its_keys(tmp_path: Path, key: str) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        await stage.pilot.press(key)
        await stage.settled()
        assert "⟨<|im_start|>⟩assistant" in prompt(stage)
        assert not stage.scene.page.display
        await stage.pilot.press("escape")
        await stage.settled()
        assert stage.scene.inspecting.panel is None
        assert stage.scene.page.display
        assert stage.app.focused is stage.scene.composer.field
        await stage.pilot.press(key, key)
        await stage.settled()
        assert stage.scene.inspecting.panel is None


async def test_the_draft_is_taken_as_said_and_nothing_is_stored(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        stage.scene.composer.fill("Is anyone there?")
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        assert "Is anyone there?⟨<|im_end|>⟩" in prompt(stage)
        stage.scene.composer.field.focus()
        await stage.pilot.press("!")
        await stage.settled()
        assert "Is anyone there?!⟨<|im_end|>⟩" in prompt(stage)
        assert len(stage.session.scene.turns) == 1


@pytest.mark.parametrize(("draft", "said"), [("/note hush", ""), ("//hush", "/hush⟨")])
async def test_a_command_is_not_said(tmp_path: Path, draft: str, said: str) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        stage.scene.composer.fill(draft)
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        assert ("hush" in prompt(stage)) == bool(said)
        assert said in prompt(stage)


async def test_ids_are_shown_and_hidden(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        before = prompt(stage)
        await stage.pilot.press("t")
        await stage.settled()
        assert "M‹77›i‹105›r‹114›a‹97›" in prompt(stage)
        await stage.pilot.press("t")
        await stage.settled()
        assert prompt(stage) == before


async def test_search_goes_to_its_hits(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path)), size=(60, 14)) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        assert "lamp" not in stage.frame()
        await stage.pilot.press("slash", *"LAMP", "enter")
        await stage.settled()
        assert "lamp" in stage.frame()
        await stage.pilot.press("slash", *(["backspace"] * 4), *"assistant", "enter")
        await stage.settled()
        assert panel(stage).head.line.startswith("hit 1 of 2")
        await stage.pilot.press("n")
        await stage.settled()
        assert panel(stage).head.line.startswith("hit 2 of 2")
        await stage.pilot.press("n")
        await stage.settled()
        assert panel(stage).head.line.startswith("hit 1 of 2")
        await stage.pilot.press("N")
        await stage.settled()
        assert panel(stage).head.line.startswith("hit 2 of 2")


async def test_escape_leaves_the_search_before_the_prompt(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        await stage.pilot.press("slash", "t", "d", "s")
        await stage.settled()
        assert "‹" not in prompt(stage)
        await stage.pilot.press("escape")
        await stage.settled()
        assert stage.app.focused is panel(stage).rows
        await stage.pilot.press("escape")
        await stage.settled()
        assert stage.scene.inspecting.panel is None


async def test_stops_and_back(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        before = prompt(stage)
        await stage.pilot.press("s")
        await stage.settled()
        assert "  ⟨<|im_end|>?⟩" in prompt(stage)
        assert panel(stage).head.line
        await stage.pilot.press("s")
        await stage.settled()
        assert prompt(stage) == before


async def test_what_was_dropped_is_told(tmp_path: Path) -> None:
    small = replace(MODEL, n_ctx=1100, n_ctx_train=1100)
    async with on_stage(program_in(folders_in(tmp_path), [Script.of(REPLY)] * 3, model=small)) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        await stage.pilot.press("d")
        await stage.settled()
        assert "every turn fits" in panel(stage).head.line
        await stage.pilot.press("escape")
        await stage.type("The first of many words, said again and again. " * 8)
        await stage.settled()
        await stage.type("And the last. " * 8)
        await stage.settled()
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        assert "The first of many words" not in prompt(stage)
        await stage.pilot.press("d")
        await stage.settled()
        assert "The first of many words" in prompt(stage).replace("\n", " ")


async def test_it_follows_the_scene(tmp_path: Path) -> None:
    slow, gate = gated("The tide is out.", 5)
    async with on_stage(program_in(folders_in(tmp_path), [slow, Script.of(REPLY)])) as stage:
        await stage.type("Tell me.")
        await reached(gate)
        await stage.pilot.press("ctrl+o")
        await stage.settled_but_writing()
        assert "is being written" in panel(stage).head.line
        gate.opened.set()
        await stage.settled()
        assert "The tide is out.⟨<|im_end|>⟩" in prompt(stage)
        await stage.pilot.press("ctrl+r")
        await stage.settled()
        assert f"{REPLY}⟨<|im_end|>⟩" in prompt(stage)
        assert "The tide is out." not in prompt(stage)


async def test_without_a_model_it_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpchat.store.models, "find_demo", lambda: None)
    async with on_stage(program_in(folders_in(tmp_path, model=False))) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        assert panel(stage).head.error
        assert "no model is loaded" in stage.frame()


async def test_a_prompt_of_8000_tokens_is_a_handful_of_widgets(tmp_path: Path) -> None:
    large = replace(MODEL, n_ctx=16384, n_ctx_train=16384)
    async with on_stage(program_in(folders_in(tmp_path), model=large), size=(120, 40)) as stage:
        stage.scene.composer.fill("灯台の光が海をわたる。 The lamp turns.\n" * 300)
        begun = time.monotonic()
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: panel(stage).head.inspection is not None)
        inspection = panel(stage).head.inspection
        assert inspection is not None
        assert len(inspection.tokens) > 8000
        assert len(panel(stage).query("*")) < 8
        await stage.pilot.press("t", "end")
        await stage.settled()
        assert "⟨<|im_start|>⟩" in stage.frame()
        assert time.monotonic() - begun < 10


async def test_help_tells_its_keys(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path)), size=(160, 60)) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        await stage.pilot.press("f1")
        await stage.settled()
        assert "In the prompt" in stage.frame()
        await stage.pilot.press("escape")
        await stage.settled()
        assert "In the prompt" not in stage.frame()


async def test_the_page_can_be_left_and_entered_while_it_is_open(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        await stage.pilot.press("ctrl+o", "ctrl+n")
        await stage.settled()
        assert stage.app.screen.id == "home"


@pytest.mark.parametrize("width", [10, 40, 60, 80, 120, 200])
async def test_the_head_keeps_to_its_width(tmp_path: Path, width: int) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        inspection = await stage.session.inspect("Hello.")
    head = Head(inspection=inspection, adapter="chatml")
    assert all(line.cell_length <= width for line in head_text(head, width).split("\n", allow_blank=True))


async def test_without_colour_the_parts_still_differ(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path))) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.settled()
        view = stage.scene.query_one(PromptView)
        looks = {
            (style.bold, style.dim, style.italic, style.underline)
            for name in ("control", "format", "history", "lore", "note", "cue")
            if (style := view.get_component_rich_style(f"prompt--{name}"))
        }
        assert len(looks) == 6


async def test_with_a_real_model_its_own_tokens_are_told(tmp_path: Path) -> None:
    """llama.cpp and the demo model: the ChatML adapter is checked against the template in the file."""
    folders = folders_in(tmp_path, model=False)
    program = Program(
        folders=folders,
        config=Config(engine=EngineSettings(n_ctx=2048)),
        scenes=SceneStore.open(folders.database),
        lock=HomeLock(folders.lock_file),
        engine=ChildEngine(log=folders.engine_log, machine=folders.machine_file),
        wishes=Wishes(model=str(smollm2_path())),
    )
    async with on_stage(program, size=(110, 30), settle=False) as stage:
        await stage.until(lambda: " ✓" in stage.frame().splitlines()[0])
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: panel(stage).head.inspection, seconds=60)
        await stage.until(lambda: "chatml adapter: verified ✓" in stage.frame())
        told = prompt(stage)
        assert told.startswith("⟨<|im_start|>⟩system↵")
        assert told.endswith("⟨<|im_start|>⟩assistant↵\n")
        inspection = panel(stage).head.inspection
        assert inspection is not None
        shown = await preview(stage.session.scene, stage.session.preset, "", engine=program.engine)
        assert tuple(token.id for token in inspection.tokens) == shown.token_ids
        assert inspection.reused == 0
