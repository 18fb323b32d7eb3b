"""What happens when the context is full: told with what it costs, and chosen while a scene is played."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import ModelInfo
from rpchat.engine.scripted import MODEL, Script, ScriptedEngine
from rpchat.program import Program
from rpchat.session.overflow import OverflowCost
from rpchat.store.config import load_config
from rpchat.store.folders import Folders
from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore
from rpchat.tui.overflow import overflow_line
from tests.models import smollm2_path
from tests.tui.helpers import Stage, folders_in, gated, on_stage, program_in, reached

SHIFTING = replace(MODEL, can_shift=True)
MEASURED = OverflowCost(tokens=1200, speed=40.0)
SIZE = (200, 24)


async def said(stage: Stage, line: str) -> str:
    await stage.type(line)
    await stage.settled()
    return stage.below


def kept_shift(program: Program) -> bool:
    """Return what the config file says."""
    return load_config(program.folders.config_file).engine.shift


async def test_it_is_told_and_chosen(tmp_path: Path) -> None:
    made = program_in(folders_in(tmp_path), model=SHIFTING)
    engine = made.engine
    assert isinstance(engine, ScriptedEngine)
    async with on_stage(made, size=SIZE) as stage:
        assert "keeps an echo of what went · /overflow reread: about" in await said(stage, "/overflow")
        await said(stage, "Good evening.")
        before = engine.model
        assert "tok/s) · /overflow shift:" in await said(stage, "/overflow Reread")
        assert not kept_shift(made)
        assert engine.model is not before
        loaded = engine.model
        await said(stage, "/overflow reread")
        assert engine.model is loaded
        assert "/overflow reread:" in await said(stage, "/overflow shift")
        assert kept_shift(made)
        assert "There are reread, shift" in await said(stage, "/overflow sideways")


async def test_a_model_that_cannot_shift_says_so(tmp_path: Path) -> None:
    made = program_in(folders_in(tmp_path))
    async with on_stage(made, size=SIZE) as stage:
        assert "this model, as it is loaded, cannot shift" in await said(stage, "/overflow")
        assert "/overflow shift" not in stage.below
        assert "this model, as it is loaded, cannot shift" in await said(stage, "/overflow shift")


async def test_choosing_stops_what_is_being_written_and_keeps_it(tmp_path: Path) -> None:
    script, gate = gated("The lamp turns.", at=8)
    made = program_in(folders_in(tmp_path), [script, Script.of("Yes.")], model=SHIFTING)
    async with on_stage(made, size=SIZE) as stage:
        await stage.type("Hello?")
        await reached(gate)
        assert "/overflow shift" in await said(stage, "/overflow reread")
        assert stage.session.scene.line()[-1].text == "The lamp"
        await said(stage, "Go on.")
        assert stage.session.scene.line()[-1].text == "Yes."


async def test_it_is_found_in_the_palette(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), model=SHIFTING), size=SIZE) as stage:
        await stage.pilot.press("ctrl+p")
        await stage.pilot.press(*"context is full")
        await stage.choose_found("Show what happens when the context is full")
        await stage.settled()
        assert "/overflow reread" in stage.below


@pytest.mark.parametrize(
    ("model", "shift", "ahead", "words"),
    [
        (SHIFTING, False, True, "about 1,200 tokens are read again while you read (30 s at 40 tok/s) · /overflow sh"),
        (SHIFTING, True, True, "an echo of what went · /overflow reread: about 1,200 tokens"),
        (
            MODEL,
            True,
            False,
            "about 1,200 tokens are read again before the next reply (30 s at 40 tok/s) · this model,",
        ),
        (replace(MODEL, server="host:1"), False, True, "while you read (30 s at 40 tok/s) · this server cannot shift"),
        (replace(MODEL, server="host:1", text_only=True), False, True, "before the next reply"),
    ],
)
def test_the_line(model: ModelInfo, shift: bool, ahead: bool, words: str) -> None:
    assert words in overflow_line(model, MEASURED, shift=shift, ahead=ahead)


def real_program(folders: Folders) -> Program:
    """A program that plays the demo model, in short replies."""
    config = f"model: {smollm2_path()}\npreset: short\nread_ahead: false\nengine: {{n_ctx: 512, n_threads: 1}}\n"
    folders.config_file.write_text(config, encoding="utf-8")
    (folders.presets / "short.yaml").write_text("name: Short\nadapter: chatml\nmax_tokens: 8\n", encoding="utf-8")
    lock = HomeLock(folders.lock_file)
    assert lock.acquire()
    return Program(
        folders=folders, config=load_config(folders.config_file), scenes=SceneStore.open(folders.database), lock=lock,
        engine=ChildEngine(log=folders.engine_log, machine=folders.machine_file),
    )  # fmt: skip


async def test_the_real_model_reads_again_what_might_have_an_echo(tmp_path: Path) -> None:
    made = real_program(folders_in(tmp_path, model=False))
    engine = made.engine
    assert isinstance(engine, ChildEngine)
    async with on_stage(made, size=SIZE) as stage:
        await said(stage, "Good evening. " * 20)
        assert "/overflow reread: about" in await said(stage, "/overflow")
        worker = engine.worker_pid
        assert "tok/s) · /overflow shift" in await said(stage, "/overflow reread")
        assert engine.worker_pid != worker
        assert not kept_shift(made)
        assert (await stage.session.inspect()).reused == 0
