"""The page walked through: the mark, and every key that is about the marked turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpchat.engine.scripted import Script
from rpchat.story.turn import Turn
from rpchat.tui.walking import Mark, found_again, moved_cut
from rpchat.tui.widgets.transcript import WINDOW
from rpchat.tui.widgets.turn import TurnView
from tests.tui.helpers import Stage, folders_in, gated, on_stage, program_in, reached

GREETING = '"You are late," Mira says. *She lifts the lamp.*'


def of(*texts: str) -> list[Script]:
    return [Script.of(text) for text in texts]


def marked(stage: Stage) -> list[str]:
    """What the marked turns say."""
    return [view.face.text for view in stage.scene.query(TurnView) if view.has_class("-marked")]


async def press(stage: Stage, *keys: str) -> None:
    for key in keys:
        await stage.pilot.press(key)
        await stage.settled()


async def said(stage: Stage, *lines: str) -> None:
    for line in lines:
        await stage.type(line)
        await stage.settled()


def keys_line(stage: Stage) -> str:
    return stage.frame().splitlines()[-1]


def turn(number: int, *, parent: int = 0, text: str = "") -> Turn:
    return Turn(id=number, parent=parent, side="member", speaker="Mira", text=text)


def test_a_mark_stays_with_its_turn_its_versions_or_its_place() -> None:
    line = [turn(1), turn(2, parent=1), turn(3, parent=2)]
    mark = Mark(line[1], 1, cut=4)
    assert found_again(mark, line) == mark
    assert found_again(mark, [line[0], turn(7, parent=1)]) == Mark(turn(7, parent=1), 1)
    assert found_again(mark, [line[0], line[2]]) == Mark(line[2], 1)
    assert found_again(mark, [line[0]]) == Mark(line[0], 0)
    assert found_again(mark, []) is None


@pytest.mark.parametrize(
    ("cut", "step", "there"),
    [(None, -1, 9), (9, -1, 4), (4, -1, 4), (4, 1, 9), (9, 1, None), (None, 1, None)],
)
def test_the_cut_point_goes_by_sentences(cut: int | None, step: int, there: int | None) -> None:
    assert moved_cut("One. Two. Six.", cut, step) == there


async def test_escape_marks_a_turn_and_escape_goes_back(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in."))) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape")
        assert marked(stage) == ["Come in."]
        assert "▌ Mira" in stage.frame()
        assert "jk move" in keys_line(stage)
        await press(stage, "escape")
        assert marked(stage) == []
        assert "Enter send" in keys_line(stage)
        await press(stage, "h", "m")
        assert stage.scene.composer.text == "hm"
        await press(stage, "shift+tab")
        assert marked(stage) == ["Come in."]
        await press(stage, "o", "!")
        assert stage.scene.composer.text == "hm!"


async def test_the_mark_moves_by_letters_and_arrows(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One.", "Two."))) as stage:
        await said(stage, "Hello.", "And?")
        await press(stage, "escape", "k")
        assert marked(stage) == ["And?"]
        await press(stage, "up", "k")
        assert marked(stage) == ["Hello."]
        await press(stage, "j")
        assert marked(stage) == ["One."]
        await press(stage, "g", "k")
        assert marked(stage) == [GREETING]
        await press(stage, "G", "down")
        assert marked(stage) == ["Two."]
        await stage.pilot.press("g", "j", "j")
        await stage.settled()
        assert marked(stage) == ["One."]


async def test_a_click_marks_a_turn_and_dragging_only_selects(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in, come in."))) as stage:
        await said(stage, "Hello.")
        view = stage.scene.query(TurnView).first()
        await stage.pilot.mouse_down(view, offset=(4, 1))
        await stage.pilot.hover(view, offset=(9, 1))
        await stage.pilot.mouse_up(view, offset=(9, 1))
        await stage.settled()
        assert marked(stage) == []
        await stage.pilot.click(view, offset=(4, 1))
        await stage.settled()
        assert marked(stage) == [GREETING]
        await stage.pilot.click(stage.scene.composer.field)
        await stage.settled()
        assert marked(stage) == []


async def test_any_turn_is_swiped_and_written_again(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One.", "Two.", "Three."))) as stage:
        await said(stage, "Hello.", "And?")
        await press(stage, "escape", "k", "k", "r")
        assert stage.texts == [GREETING, "Hello.", "Three."]
        assert marked(stage) == ["Three."]
        await press(stage, "h")
        assert stage.texts == [GREETING, "Hello.", "One.", "And?", "Two."]
        assert marked(stage) == ["One."]
        await press(stage, "left")
        assert "no version" in stage.below
        await stage.pilot.press("l", "h", "l")
        await stage.settled()
        assert marked(stage) == ["Three."]


async def test_behind_the_last_version_of_a_turn_in_the_middle_nothing_is_written(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One.", "Two."))) as stage:
        await said(stage, "Hello.", "And?")
        await press(stage, "escape", "k", "k", "l")
        assert stage.below == "there is no version that way · r writes one"
        assert stage.texts[-1] == "Two."
        await press(stage, "k", "r")
        assert stage.below == "you wrote this · e edits it"


async def test_while_a_turn_is_written_again_what_was_told_behind_it_makes_room(tmp_path: Path) -> None:
    script, gate = gated("Three.", at=0)
    async with on_stage(program_in(folders_in(tmp_path), [*of("One.", "Two."), script])) as stage:
        await said(stage, "Hello.", "And?")
        await stage.pilot.press("escape", "k", "k", "r")
        await reached(gate)
        await stage.settled_but_writing()
        assert stage.texts == [GREETING, "Hello.", "One."]
        await stage.pilot.press("escape")
        await stage.settled()
        assert stage.texts == [GREETING, "Hello.", "One.", "And?", "Two."]
        assert marked(stage) == ["One."]


async def test_going_on_is_a_version_that_can_be_swiped_alone(tmp_path: Path) -> None:
    replies = of("Come in.", " Sit.", " Stand.")
    async with on_stage(program_in(folders_in(tmp_path), replies)) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "c")
        assert marked(stage) == ["Come in. Sit."]
        assert stage.scene.query(TurnView).last().face.marks == "+"
        await press(stage, "l")
        assert marked(stage) == ["Come in. Stand."]
        assert stage.scene.query(TurnView).last().face.marks == "+‹2/2›"
        await press(stage, "h", "h")
        assert marked(stage) == ["Come in."]


async def test_any_turn_is_edited(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One."))) as stage:
        await said(stage, "Hello.")
        stage.scene.composer.fill("half a line")
        await press(stage, "escape", "k", "e")
        assert stage.scene.composer.text == "Hello."
        await press(stage, "!", "enter")
        assert stage.texts == [GREETING, "Hello.!", "One."]
        assert stage.scene.composer.text == "half a line"


async def test_any_turn_is_deleted_and_comes_back(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One."))) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "k", "d")
        assert stage.texts == [GREETING, "One."]
        assert marked(stage) == ["One."]
        await press(stage, "ctrl+z")
        assert stage.texts == [GREETING, "Hello.", "One."]
        await press(stage, "ctrl+y")
        assert stage.texts == [GREETING, "One."]


async def test_a_turn_is_copied(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("「はい。」"))) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "y")
        assert stage.app.clipboard == "「はい。」"
        assert "copied" in stage.below


async def test_sentences_are_trimmed_one_by_one(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One. Two. Six."))) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "t")
        assert marked(stage) == ["One. Two."]
        await press(stage, "t")
        assert marked(stage) == ["One."]
        await press(stage, "t")
        assert stage.below == "there is nothing left to cut"
        await press(stage, "ctrl+z")
        assert marked(stage) == ["One. Two."]


async def test_a_turn_is_cut_at_a_point(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One. Two. Six.", "Then."))) as stage:
        await said(stage, "Hello.", "And?")
        await press(stage, "escape", "k", "k", "left_square_bracket", "left_square_bracket")
        assert stage.scene.query(TurnView)[2].gloss.cut == 4
        assert "[] cut point · t cut there · R write on from there" in keys_line(stage)
        await press(stage, "right_square_bracket")
        assert stage.scene.query(TurnView)[2].gloss.cut == 9
        await press(stage, "escape")
        assert stage.scene.query(TurnView)[2].gloss.cut is None
        await press(stage, "left_square_bracket", "left_square_bracket", "t")
        assert stage.texts == [GREETING, "Hello.", "One.", "And?", "Then."]
        assert stage.scene.query(TurnView)[2].gloss.cut is None


async def test_a_turn_is_written_on_from_a_point(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One. Two. Six.", " Nine.", " Ten."))) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "R")
        assert stage.below == "[ and ] choose where it is written on from"
        await press(stage, "left_square_bracket", "R")
        assert marked(stage) == ["One. Two. Nine."]
        await press(stage, "left_square_bracket", "left_square_bracket", "r")
        assert marked(stage) == ["One. Ten."]


async def test_commands_are_about_the_last_turn(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One. Two."))) as stage:
        await said(stage, "Hello.", "/trim")
        assert stage.texts[-1] == "One."
        await said(stage, "/copy", "/info")
        assert stage.app.clipboard == "One."
        assert "edited" in stage.frame()
        assert marked(stage) == []


async def test_the_story_of_a_turn(tmp_path: Path) -> None:
    empty = Script(pieces=())
    async with on_stage(program_in(folders_in(tmp_path), [empty, *of("Come in.")]), size=(100, 30)) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "i")
        for part in ("try 2 · the model ended at once", "wrote 8 tokens", "ended by itself", "preset"):
            assert part in stage.frame()
        await press(stage, "i")
        assert "wrote 8 tokens" not in stage.frame()


async def test_a_second_line_cannot_be_written_where_only_reading_is_allowed(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    first = program_in(folders, of("Come in."))
    await first.play(["mira-of-the-light"])
    async with on_stage(program_in(folders, [], read_only=True)) as stage:
        await press(stage, "escape", "d")
        assert "another rpchat" in stage.below
        assert marked(stage) == [GREETING]
        assert stage.texts == [GREETING]
    await first.close()


async def test_the_mark_walks_through_a_scene_longer_than_the_window(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), None)
    session = await program.play(["mira-of-the-light"])
    for number in range(150):
        await session.say(f"line {number}")
    async with on_stage(program) as stage:
        await stage.pilot.press("escape", *["k"] * (WINDOW + 10))
        await stage.settled()
        assert marked(stage) == [f"line {149 - WINDOW - 10}"]
        assert f"line {149 - WINDOW - 10}" in stage.frame()
        await press(stage, "g")
        assert marked(stage) == [GREETING]
        await stage.until(lambda: "▌ Mira" in stage.frame())
        await press(stage, "j", "j")
        await stage.until(lambda: "line 1" in stage.frame())
        await press(stage, "G")
        assert marked(stage) == ["line 149"]
        assert "line 149" in stage.frame()


async def test_what_is_said_is_seen_in_the_middle_of_the_page_too(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), None)
    session = await program.play(["mira-of-the-light"])
    for number in range(40):
        await session.say(f"line {number}")
    async with on_stage(program) as stage:
        await press(stage, "escape", "g", "y")
        assert "copied" in stage.frame()
        assert GREETING[:14] in stage.frame()
        await press(stage, "G")
        await stage.until(lambda: "line 39" in stage.frame())


async def test_leaving_the_middle_of_the_page_moves_nothing(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), None)
    session = await program.play(["mira-of-the-light"])
    for number in range(40):
        await session.say(f"line {number}")
    async with on_stage(program) as stage:
        await press(stage, "pageup", "pageup", "escape")
        (text,) = marked(stage)
        assert text in stage.frame()
        before = [row[4:78] for row in stage.frame().splitlines()[2:18]]
        await press(stage, "escape")
        assert [row[4:78] for row in stage.frame().splitlines()[2:18]] == before


async def test_the_top_of_one_long_turn_is_reached(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    greeting = "top\\n" + "line\\n" * 40 + "end"
    (folders.cards / "long.yaml").write_text(f'name: Long\nfirst_message: "{greeting}"\n', encoding="utf-8")
    async with on_stage(program_in(folders, []), cards=["long"]) as stage:
        assert "top" not in stage.frame()
        await press(stage, "ctrl+home")
        await stage.until(lambda: "top" in stage.frame())


async def test_keys_of_the_marked_turn_are_on_f1_and_in_the_palette(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One. Two.")), size=(120, 60)) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "f1")
        assert "With a turn marked" in stage.frame()
        await press(stage, "escape")
        await stage.pilot.press("ctrl+p", *"cut this turn at")
        await stage.choose_found("Cut this turn at the cut point")
        await stage.settled()
        assert stage.texts[-1] == "One."
