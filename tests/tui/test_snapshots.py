"""What the screen looks like, as SVG. Look at the report before accepting a change: `pytest --snapshot-update`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot

from rpchat.engine.scripted import Script
from rpchat.program import Program
from rpchat.tui.app import RpchatApp
from rpchat.tui.screens.scene import SceneScreen
from rpchat.tui.widgets.status import StatusLine
from tests.tui.helpers import GROUP, Stage, folders_in, group_in, program_in

Compare = Callable[..., bool]

HANA = """
name: 花
language: ja
summary: 灯台の娘。
first_message: 「おはようございます♪」(元気な声で返事をする。今日も朝から可愛い笑顔だ)
"""
REPLY = (
    '*She turns the lamp a quarter and looks at you over the brass.* "Nobody _climbs_ this stair for the view," she '
    "says. _He has been crying. Or it is the salt._\n\n> KEEP OFF THE ROCKS\n\n((ready?)) **Sit.**"
)
MORNING = "「朝食の用意はできておりますよ。今朝は、卵焼きと、お味噌汁でございます。」（喜んでくださるといいな……）"


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


def program(tmp_path: Path, *replies: str, theme: str = "ink") -> Program:
    folders = folders_in(tmp_path)
    (folders.cards / "hana.yaml").write_text(HANA, encoding="utf-8")
    folders.config_file.write_text(f"theme: {theme}\n", encoding="utf-8")
    return program_in(folders, [Script.of(reply) for reply in replies])


def playing_group(tmp_path: Path, *replies: str, theme: str) -> RpchatApp:
    folders = group_in(tmp_path)
    folders.config_file.write_text(f"theme: {theme}\n", encoding="utf-8")
    made = program_in(folders, [Script.of(reply) for reply in replies])
    return RpchatApp(made, asyncio.run(made.play(GROUP)))


def playing(tmp_path: Path, card: str, *replies: str, theme: str = "ink") -> RpchatApp:
    made = program(tmp_path, *replies, theme=theme)
    return RpchatApp(made, asyncio.run(made.play([card])))


def after(*steps: str) -> Callable[[Pilot[None]], object]:
    """Return what is done before the picture: lines are said, `<key>` is pressed, `?text` is typed into the search."""

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, RpchatApp)
        stage = Stage(app, pilot)
        await stage.settled()
        for step in steps:
            if step.startswith("<"):
                await pilot.press(step.strip("<>"))
            elif step.startswith("?"):
                await pilot.press(*step[1:])
            else:
                await stage.type(step)
            await stage.settled()
        if isinstance(app.screen, SceneScreen):
            line = stage.scene.query_one(StatusLine)
            line.show(replace(line.overview, tokens_per_second=31.2, context_used=2300, context=8192))
            await stage.settled()

    return run


def test_home(snap_compare: Compare, tmp_path: Path) -> None:
    made = program(tmp_path)
    asyncio.run(made.play(["hana"]))
    assert snap_compare(RpchatApp(made), terminal_size=(80, 24), run_before=after("?light"))


def test_home_without_a_hit(snap_compare: Compare, tmp_path: Path) -> None:
    app = RpchatApp(program(tmp_path, theme="paper"))
    assert snap_compare(app, terminal_size=(120, 40), run_before=after("?zzz"))


def test_scene_in_english_on_paper(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing(tmp_path, "mira-of-the-light", REPLY, REPLY, theme="paper")
    steps = after('"I came for the view."', "<ctrl+r>")
    assert snap_compare(app, terminal_size=(120, 40), run_before=steps)


def test_scene_in_japanese(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing(tmp_path, "hana", MORNING)
    assert snap_compare(app, terminal_size=(80, 24), run_before=after("「おはよう!」(台所をのぞきこむ)"))


def test_help_beside_a_wide_page(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing(tmp_path, "hana", MORNING, theme="yozakura")
    assert snap_compare(app, terminal_size=(200, 60), run_before=after("おはよう", "<f1>"))


def test_an_edit_and_a_refused_command(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing(tmp_path, "mira-of-the-light", REPLY)
    assert snap_compare(app, terminal_size=(80, 24), run_before=after("Hello.", "/regnerate"))


def test_the_prompt_laid_open(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing(tmp_path, "mira-of-the-light", REPLY)
    steps = after("/note The fog comes in.", "Hello.", "<ctrl+o>", "<slash>", "?lamp", "<enter>")
    assert snap_compare(app, terminal_size=(110, 34), run_before=steps)


def test_the_prompt_in_japanese_with_ids(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing(tmp_path, "hana", MORNING, theme="yozakura")
    steps = after("「おはよう!」(台所をのぞきこむ)", "<ctrl+o>", "<t>")
    assert snap_compare(app, terminal_size=(80, 24), run_before=steps)


def test_what_was_cut_off_a_marked_turn(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing(tmp_path, "mira-of-the-light", '"You may sit."\nRobin: *I sit.*')
    steps = after('"I came for the view."', "<escape>", "<x>")
    assert snap_compare(app, terminal_size=(100, 24), run_before=steps)


def test_a_cut_point_on_paper(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing(tmp_path, "hana", f"{MORNING}「冷めないうちに、どうぞ。」", theme="paper")
    steps = after("おはよう", "<escape>", "<left_square_bracket>")
    assert snap_compare(app, terminal_size=(80, 24), run_before=steps)


def test_the_cast_beside_the_page(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing_group(
        tmp_path, '"Eleven turns. Not mine." _Again_, he thought.', "Chen looked at the floor.", theme="ink"
    )
    steps = after(
        "/casting natural", "@Bram and who wound it?", "@Chen", "<f2>", "<j>", "<j>", "<m>", "<k>", "<w>", "<p>"
    )
    assert snap_compare(app, terminal_size=(110, 28), run_before=steps)


def test_the_cast_over_a_narrow_page_with_a_card_looked_for(snap_compare: Compare, tmp_path: Path) -> None:
    app = playing_group(tmp_path, theme="paper")
    assert snap_compare(app, terminal_size=(80, 26), run_before=after("<f2>", "<s>", "<a>", "?light"))


def with_library(tmp_path: Path, *, theme: str) -> RpchatApp:
    """Return the app over a library with a picture, a broken card, and Japanese ones."""
    made = program(tmp_path, theme=theme)
    folder = made.folders.library / "hana"
    folder.mkdir(parents=True)
    Image.linear_gradient("L").resize((40, 60)).save(folder / "avatar.png")
    (made.folders.cards / "broken.yaml").write_text("nme: X\n", encoding="utf-8")
    return RpchatApp(made)


def test_the_library(snap_compare: Compare, tmp_path: Path) -> None:
    app = with_library(tmp_path, theme="ink")
    steps = after("<ctrl+l>", "<slash>", "?hana", "<enter>", "<f>", "<escape>")
    assert snap_compare(app, terminal_size=(120, 32), run_before=steps)


def test_the_library_narrow_on_paper(snap_compare: Compare, tmp_path: Path) -> None:
    app = with_library(tmp_path, theme="paper")
    assert snap_compare(app, terminal_size=(80, 24), run_before=after("<ctrl+l>", "<space>", "<end>"))


def test_the_editor(snap_compare: Compare, tmp_path: Path) -> None:
    app = with_library(tmp_path, theme="yozakura")
    steps = after("<ctrl+l>", "<slash>", "?light", "<enter>", "<e>", "<ctrl+n>")
    assert snap_compare(app, terminal_size=(100, 40), run_before=steps)
