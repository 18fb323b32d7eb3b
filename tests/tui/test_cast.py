"""Scenes of several members on the screen: who is called on, the cast panel, auto mode, the commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rpchat.engine.scripted import Script
from rpchat.tui.widgets.cast_panel import CastPanel
from tests.tui.helpers import GROUP, Stage, gated, group_in, on_stage, program_in, reached


def of(*texts: str) -> list[Script]:
    return [Script.of(text) for text in texts]


@asynccontextmanager
async def group(
    home: Path, replies: Iterable[Script] = (), *, size: tuple[int, int] = (120, 30)
) -> AsyncIterator[Stage]:
    """Run a scene of Bram, Chen and 花 in which whoever is named or likes to talk speaks."""
    async with on_stage(program_in(group_in(home), replies), cards=GROUP, size=size) as stage:
        await stage.session.cast.set_casting("list")
        stage.scene.settled()
        await stage.settled()
        yield stage


async def press(stage: Stage, *keys: str) -> None:
    for key in keys:
        await stage.pilot.press(key)
        await stage.settled()


async def said(stage: Stage, *lines: str) -> None:
    for line in lines:
        await stage.type(line)
        await stage.settled()


def speakers(stage: Stage) -> list[str]:
    return [turn.speaker for turn in stage.session.scene.line()]


def panel(stage: Stage) -> CastPanel:
    return stage.scene.query_one(CastPanel)


def members(stage: Stage) -> list[str]:
    return [member.card_id for member in stage.session.cast.members]


async def test_a_line_with_a_name_is_answered_by_that_member(tmp_path: Path) -> None:
    async with group(tmp_path, of("I did.", "はい。")) as stage:
        await said(stage, "@Chen who wound it?", "@花おはよう")
        assert stage.texts == ["who wound it?", "I did.", "おはよう", "はい。"]
        assert speakers(stage) == ["You", "Chen", "You", "花"]


async def test_a_name_nobody_has_is_given_back(tmp_path: Path) -> None:
    async with group(tmp_path) as stage:
        await said(stage, "@Chne hello")
        assert "the nearest is Chen" in stage.below
        assert stage.scene.composer.text == "@Chne hello"
        assert stage.texts == []


async def test_a_doubled_at_sign_is_one(tmp_path: Path) -> None:
    async with group(tmp_path, of("What is that?")) as stage:
        await said(stage, "@@home")
        assert stage.texts == ["@home", "What is that?"]


async def test_tab_completes_a_name_and_then_the_next(tmp_path: Path) -> None:
    async with group(tmp_path) as stage:
        stage.scene.composer.fill("@c")
        await press(stage, "tab")
        assert stage.scene.composer.text == "@Chen "
        await press(stage, "tab")
        assert stage.scene.composer.text == "@花 "
        assert stage.scene.composer.field.has_focus


async def test_an_empty_line_lets_the_next_in_line_speak(tmp_path: Path) -> None:
    async with group(tmp_path, of("One.", "Two.")) as stage:
        await press(stage, "enter", "enter")
        assert speakers(stage) == ["Bram", "Chen"]


async def test_where_nobody_speaks_by_himself_it_is_said_how(tmp_path: Path) -> None:
    async with group(tmp_path) as stage:
        await said(stage, "/casting manual")
        assert "[manual]" in stage.below
        await press(stage, "enter")
        assert "@Name" in stage.below
        assert stage.texts == []


async def test_numbers_on_the_page_let_a_member_speak(tmp_path: Path) -> None:
    async with group(tmp_path, of("One.", "Two.", "Three.")) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "3", "0")
        assert speakers(stage) == ["You", "Bram", "花", "Bram"]
        await press(stage, "7")
        assert "no member 7" in stage.below


async def test_the_panel_shows_who_is_next_and_lets_members_speak(tmp_path: Path) -> None:
    async with group(tmp_path, of("One.", "Two.", "Three.")) as stage:
        await press(stage, "f2")
        assert "next: Bram (in order)" in stage.frame()
        assert "▸1 ● Bram" in stage.frame()
        assert "Enter speaks" in stage.frame().splitlines()[-1]
        await press(stage, "j", "enter")
        assert speakers(stage) == ["Chen"]
        assert "3 ● 花" in stage.frame()
        await press(stage, "0", "1")
        assert speakers(stage) == ["Chen", "花", "Bram"]
        await press(stage, "escape")
        assert not stage.scene.query(CastPanel)
        assert stage.scene.composer.field.has_focus


async def test_a_click_marks_and_a_double_click_speaks(tmp_path: Path) -> None:
    async with group(tmp_path, of("One.")) as stage:
        await press(stage, "f2")
        text = panel(stage).query_one("_CastText")
        await stage.pilot.click(text, offset=(5, 3))
        await stage.settled()
        assert "▸2 ○ Chen" in stage.frame()
        assert speakers(stage) == []
        await stage.pilot.click(text, offset=(5, 4), times=2)
        await stage.settled()
        assert speakers(stage) == ["花"]


async def test_members_are_muted_sent_away_and_made_talk(tmp_path: Path) -> None:
    async with group(tmp_path) as stage:
        await press(stage, "f2", "m", "down", "w", "down", "plus", "plus", "minus")
        bram, chen, hana = stage.session.cast.members
        assert (bram.muted, chen.away, hana.talkativeness) == (True, True, 0.3)
        rows = stage.frame()
        assert "muted" in rows
        assert "away" in rows
        await press(stage, "ctrl+z", "ctrl+z", "ctrl+z", "ctrl+z")
        assert not stage.session.cast.members[1].away
        assert "undone: the coming or going" in stage.below
        await press(stage, "up", "up", "m")
        assert not stage.session.cast.members[0].muted


async def test_how_it_is_decided_is_changed_in_the_panel(tmp_path: Path) -> None:
    async with group(tmp_path) as stage:
        await press(stage, "f2", "s", "o", "o", "p")
        settings = stage.session.scene.settings
        assert (settings.casting, settings.sheets, settings.presence) == ("pooled", "own", True)
        assert "pooled: everyone once" in stage.frame()


async def test_a_card_is_looked_for_and_added_and_one_removed(tmp_path: Path) -> None:
    async with group(tmp_path) as stage:
        await press(stage, "f2", "a")
        await press(stage, *"light", "enter")
        assert members(stage) == [*GROUP, "mira-of-the-light"]
        assert panel(stage).has_focus
        await press(stage, "x")
        assert members(stage) == ["chen", "hana", "mira-of-the-light"]
        assert "leaves" in stage.below
        await press(stage, "a", "escape")
        assert panel(stage).has_focus
        assert members(stage) == ["chen", "hana", "mira-of-the-light"]


async def test_on_a_narrow_screen_the_panel_covers_the_page_until_somebody_speaks(tmp_path: Path) -> None:
    async with group(tmp_path, of("One."), size=(80, 24)) as stage:
        await press(stage, "f2")
        assert not stage.scene.page.display
        assert "1 ● Bram" in stage.frame()
        await press(stage, "pagedown", "enter")
        assert stage.scene.page.display
        assert speakers(stage) == ["Bram"]


async def test_the_panels_take_turns(tmp_path: Path) -> None:
    async with group(tmp_path) as stage:
        await press(stage, "f2", "f5")
        assert not stage.scene.query(CastPanel)
        assert stage.scene.inspecting.panel is not None
        await press(stage, "f2")
        assert panel(stage).has_focus
        assert stage.scene.inspecting.panel is None
        stage.scene.composer.field.focus()
        await press(stage, "f2")
        assert panel(stage).has_focus
        await press(stage, "f1")
        assert "In the cast" in stage.frame()
        await press(stage, "escape", "escape")
        assert not stage.scene.query(CastPanel)


async def test_members_talk_on_for_some_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rpchat.tui.calling.PAUSE", 0.0)
    script, gate = gated("Three.", at=2)
    async with group(tmp_path, [*of("One.", "Two."), script]) as stage:
        await stage.type("/auto 3")
        await reached(gate)
        await stage.until(lambda: "auto · 3 of 3 · Esc stops" in stage.below)
        assert stage.texts[:2] == ["One.", "Two."]
        gate.opened.set()
        await stage.settled()
        assert speakers(stage) == ["Bram", "Chen", "花"]
        assert stage.below == ""


async def test_escape_stops_them_and_keeps_what_was_written(tmp_path: Path) -> None:
    script, gate = gated("One. And two.", at=4)
    async with group(tmp_path, [script]) as stage:
        await press(stage, "f2")
        await stage.pilot.press("g")
        await reached(gate)
        await stage.until(lambda: "auto       1 of 20" in stage.frame())
        await stage.until(lambda: "Bram speaks" in stage.frame())
        await press(stage, "escape")
        assert stage.texts == ["One."]
        assert "stopped behind 0 of 20 turns" in stage.below
        assert panel(stage).has_focus


async def test_typing_lets_the_turn_end_and_no_other_begin(tmp_path: Path) -> None:
    script, gate = gated("One. And two.", at=4)
    async with group(tmp_path, [script]) as stage:
        await stage.type("/auto")
        await reached(gate)
        await stage.pilot.press("h")
        await stage.until(lambda: "stops behind this turn" in stage.below)
        gate.opened.set()
        await stage.settled()
        assert stage.texts == ["One. And two."]
        assert stage.scene.composer.text == "h"


async def test_typing_in_the_pause_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rpchat.tui.calling.PAUSE", 600.0)
    async with group(tmp_path, of("One.")) as stage:
        await stage.type("/auto 6")
        await stage.until(lambda: "auto · 2 of 6" in stage.below)
        await press(stage, "h")
        assert "stopped behind 1 of 6 turns" in stage.below
        assert stage.texts == ["One."]


async def test_a_round_is_written_again(tmp_path: Path) -> None:
    async with group(tmp_path, of("One.", "Two.", "Uno.", "Due.")) as stage:
        await said(stage, "Hello.")
        await press(stage, "enter", "escape", "A")
        assert stage.texts == ["Hello.", "Uno.", "Due."]
        assert speakers(stage) == ["You", "Bram", "Chen"]
        await press(stage, "ctrl+z")
        assert "undone: the round" in stage.below
        assert stage.texts == ["Hello.", "One.", "Two."]
        await press(stage, "ctrl+y")
        assert stage.texts == ["Hello.", "Uno.", "Due."]


async def test_commands_about_members(tmp_path: Path) -> None:
    async with group(tmp_path, of("Yes?")) as stage:
        await said(stage, "/trigger 花", "/sendas Chen It stopped.", "/mute 1", "/away Chen")
        assert speakers(stage) == ["花", "Chen"]
        assert stage.texts[-1] == "It stopped."
        assert [member.muted for member in stage.session.cast.members] == [True, False, False]
        assert stage.session.cast.members[1].away
        await said(stage, "/member-unmute Bram", "/back Chen", "/member-remove 花", "/member-add mira-of-the-light")
        assert members(stage) == ["bram", "chen", "mira-of-the-light"]
        assert not any(member.muted or member.away for member in stage.session.cast.members)


async def test_commands_about_the_scene(tmp_path: Path) -> None:
    async with group(tmp_path) as stage:
        first = stage.session.scene.id
        await said(stage, "/sheets own", "/presence on", "/scenario The clock has stopped.", "/impersonation hand over")
        settings = stage.session.scene.settings
        assert (settings.sheets, settings.presence, settings.impersonation) == ("own", True, "hand over")
        await said(stage, "/scenario")
        assert stage.below == "scenario: The clock has stopped."
        await said(stage, "/rename The stopped clock")
        assert "The stopped clock" in stage.frame().splitlines()[0]
        await said(stage, "/duplicate")
        await stage.until(lambda: stage.session.scene.id != first)
        assert stage.session.scene.settings.scenario == "The clock has stopped."


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("/mute Chne", "the nearest is Chen"), ("/casting nobody", "no such way"), ("/auto six", "how many turns"),
        ("/auto 0", "1 to 20"), ("/sendas Chen", "nothing for Chen"), ("/membr-add x", "/member-add"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_refused(tmp_path: Path, line: str, part: str) -> None:
    async with group(tmp_path) as stage:
        await said(stage, line)
        assert part in stage.below
        assert stage.scene.composer.text == line
