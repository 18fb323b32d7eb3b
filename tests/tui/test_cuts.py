"""What was cut off a reply or put away in it: marks, shown, put back; and lines drafted for the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpchat.engine.scripted import Script
from rpchat.program import Program
from rpchat.story.turn import Turn
from rpchat.tui.faces import marks
from rpchat.tui.glosses import Note, hidden_notes, story_note
from rpchat.tui.widgets.turn import TurnView
from rpchat.tui.widgets.waiting import thinking_line
from tests.tui.helpers import Stage, folders_in, gated, on_stage, program_in, reached

GREETING = '"You are late," Mira says. *She lifts the lamp.*'
SPEAKS_FOR_USER = '"Come in."\nRobin: "I come in."'
REASONING = """
name: thinker
adapter: chatml
reasoning: {}
"""


def of(*texts: str) -> list[Script]:
    return [Script.of(text) for text in texts]


def last(stage: Stage) -> TurnView:
    return stage.scene.query(TurnView).last()


async def said(stage: Stage, *lines: str) -> None:
    for line in lines:
        await stage.type(line)
        await stage.settled()


async def press(stage: Stage, *keys: str) -> None:
    for key in keys:
        await stage.pilot.press(key)
        await stage.settled()


def thinking_program(home: Path, *scripts: Script) -> Program:
    folders = folders_in(home)
    (folders.presets / "thinker.yaml").write_text(REASONING, encoding="utf-8")
    folders.config_file.write_text("preset: thinker\n", encoding="utf-8")
    return program_in(folders, scripts)


def turn(**record: object) -> Turn:
    return Turn(id=1, parent=0, side="member", speaker="Mira", text="Hm.", record=record)


def test_the_marks_say_what_there_is_to_unfold() -> None:
    thought = {"kind": "reasoning", "text": "So.", "at": 0}
    aside = {"kind": "ooc", "text": "((brb))", "at": 3}
    assert marks(turn(folded=[thought, aside], removed="\nRobin: No."), place=1, of=1) == "…thought …OOC ✂"
    assert marks(turn(attempts=2), place=2, of=3) == "↻2 ‹2/3›"


def test_notes_are_what_the_record_says_cleaned() -> None:
    record = {"folded": [{"kind": "reasoning", "text": "So\x1b[31m.\n", "at": 0}], "removed": "\nRobin: No."}
    assert hidden_notes(turn(**record)) == (Note("thought", "So[31m."), Note("cut off here", "Robin: No."))
    assert hidden_notes(turn()) == ()


@pytest.mark.parametrize(
    "record", [{}, {"folded": 3, "removed": 3, "attempts": "x", "causes": 1, "prompt_tokens": "1"}]
)
def test_a_turn_of_any_record_has_a_story(record: dict[str, object]) -> None:
    assert story_note(turn(**record)).text == ""


def test_the_story_of_a_reply() -> None:
    told = story_note(
        turn(
            preset="chatml", attempts=3, causes=["eos", "user_turn"], prompt_tokens=2340, prefilled_tokens=120,
            prefill_ms=812.0, reply_tokens=32, decode_ms=1000.0, removed="12345",
        )
    )  # fmt: skip
    assert told.text.split("\n") == [
        "try 3 · the model ended at once · it spoke only for you",
        "read 2,340 tokens, 120 of them new, in 0.8 s",
        "wrote 32 tokens in 1.0 s · 31.0 tok/s",
        "cut off: 5 characters",
    ]
    assert told.title.endswith("preset chatml")


async def test_the_line_below_a_cut_names_the_key_that_puts_it_back(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of(SPEAKS_FOR_USER))) as stage:
        await said(stage, "Hello.")
        assert stage.texts[-1] == '"Come in."'
        assert "✂" in last(stage).face.marks
        assert stage.below == "cut where it began to speak for Robin · /takeback or u puts it back"


async def test_what_was_cut_is_shown_and_folded_again(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of(SPEAKS_FOR_USER))) as stage:
        await said(stage, "Hello.")
        await press(stage, "escape", "x")
        assert "│ Robin:" in stage.frame()
        await press(stage, "x")
        assert "│ Robin:" not in stage.frame()
        await press(stage, "k", "x")
        assert stage.below == "nothing was cut off this turn or put away"
        await press(stage, "escape")
        await said(stage, "/cut")
        assert "│ Robin:" in stage.frame()


@pytest.mark.parametrize("command", [False, True])
async def test_what_was_cut_is_put_back_and_goes_on(tmp_path: Path, command: bool) -> None:
    replies = of(SPEAKS_FOR_USER, ' "I come in."')
    async with on_stage(program_in(folders_in(tmp_path), replies)) as stage:
        await said(stage, "Hello.")
        if command:
            await said(stage, "/takeback")
        else:
            await press(stage, "escape", "u")
        assert stage.texts[-1] == SPEAKS_FOR_USER
        await stage.pilot.press("ctrl+z")
        await stage.settled()
        assert stage.texts[-1] == '"Come in."'


async def test_nothing_cut_is_nothing_to_put_back(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in."))) as stage:
        await said(stage, "Hello.", "/takeback")
        assert stage.below == "nothing was cut off this turn"


async def test_thoughts_are_counted_folded_and_shown(tmp_path: Path) -> None:
    script, gate = gated("<think>He is late.</think>Come in.", at=14)
    async with on_stage(thinking_program(tmp_path, script)) as stage:
        await stage.type("Hello.")
        await reached(gate)
        await stage.until(lambda: stage.below.startswith("thinking … "))
        gate.opened.set()
        await stage.settled()
        assert stage.texts[-1] == "Come in."
        assert last(stage).face.marks == "…thought"
        assert "He is late" not in stage.frame()
        await press(stage, "escape", "x")
        assert "│ He is late." in stage.frame()


def test_thinking_says_how_long() -> None:
    assert thinking_line(1240).plain == "thinking … 1,240 characters"


async def test_what_is_unfolded_is_copied_with_the_turn(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of(SPEAKS_FOR_USER))) as stage:
        await said(stage, "Hello.")
        await said(stage, "/cut")
        view = last(stage)
        await stage.pilot.mouse_down(view, offset=(6, 3))
        await stage.pilot.hover(view, offset=(12, 3))
        await stage.pilot.mouse_up(view, offset=(12, 3))
        copied = stage.scene.get_selected_text()
        assert copied is not None
        assert copied.startswith("Robin")


@pytest.mark.parametrize(
    ("line", "setting", "told"),
    [
        ("/ooc fold", "fold", "[fold]"),
        ("/ooc Keep", "keep", "[keep]"),
        ("/ooc", "cut", "[cut] · keep · fold"),
        ("/ooc away", "cut", "There are cut, keep, fold"),
    ],
)
async def test_what_happens_outside_the_story(tmp_path: Path, line: str, setting: str, told: str) -> None:
    async with on_stage(program_in(folders_in(tmp_path), [])) as stage:
        await said(stage, line)
        assert stage.session.scene.settings.out_of_character == setting
        assert told in stage.below


async def test_impersonation_can_be_kept(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of(SPEAKS_FOR_USER))) as stage:
        await said(stage, "/impersonation keep")
        assert stage.below == "where a reply speaks for somebody else, it goes on: cut · [keep] · hand over"
        await said(stage, "Hello.")
        assert stage.texts[-1] == SPEAKS_FOR_USER


async def test_a_line_is_drafted_for_the_user(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("I know. I was held up."))) as stage:
        await press(stage, "alt+i")
        assert stage.scene.composer.text == "I know. I was held up."
        assert stage.texts == [GREETING]
        await press(stage, "!")
        assert stage.scene.composer.text.endswith("up.!")


async def test_a_draft_goes_on_behind_what_stands_there(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of(" I was held up."))) as stage:
        stage.scene.composer.fill("I know. ")
        await press(stage, "alt+i")
        assert stage.scene.composer.text == "I know. I was held up."


async def test_a_draft_that_is_stopped_leaves_what_there_is_and_what_was_typed(tmp_path: Path) -> None:
    script, gate = gated("I know. I was held up.", at=7)
    async with on_stage(program_in(folders_in(tmp_path), [script])) as stage:
        await stage.type("/imp")
        await reached(gate)
        await stage.until(lambda: stage.scene.composer.text == "I know.")
        await stage.pilot.press("home", "O", "h", ",", "space", "escape")
        await stage.settled()
        assert stage.scene.composer.text == "Oh, I know."
        assert "yours to change" in stage.below
        assert stage.texts == [GREETING]
