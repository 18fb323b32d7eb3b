from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path

import pytest
from textual import events
from textual.selection import SELECT_ALL

from rpchat.engine.port import Loaded, Loading
from rpchat.engine.scripted import Script, ScriptedEngine
from rpchat.errors import EngineError
from rpchat.program import Program
from rpchat.program.models import Models
from rpchat.session import Session
from rpchat.tui.screens.home import HomeScreen
from rpchat.tui.widgets.help import HelpPanel
from rpchat.tui.widgets.transcript import WINDOW
from rpchat.tui.widgets.turn import TurnView
from rpchat.tui.widgets.waiting import reading_line
from tests.tui.helpers import Stage, folders_in, gated, on_stage, program_in, reached

GREETING = '"You are late," Mira says. *She lifts the lamp.*'


def of(*texts: str) -> list[Script]:
    return [Script.of(text) for text in texts]


async def test_a_line_is_sent_and_answered(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in."))) as stage:
        assert stage.texts == [GREETING]
        await stage.type("Good evening.")
        await stage.settled()
        assert stage.texts == [GREETING, "Good evening.", "Come in."]
        assert stage.scene.composer.is_empty


async def test_what_streams_is_seen_before_it_is_done(tmp_path: Path) -> None:
    script, gate = gated("Come in. Sit down.", at=8)
    async with on_stage(program_in(folders_in(tmp_path), [script])) as stage:
        await stage.type("Hello.")
        await reached(gate)
        await stage.until(lambda: stage.texts[-1] == "Come in.")
        assert "Come in.▍" in stage.frame()
        assert "Esc stop" in stage.frame()
        gate.opened.set()
        await stage.settled()
        assert stage.texts[-1] == "Come in. Sit down."
        assert "▍" not in stage.frame()


async def test_escape_stops_and_what_was_written_is_kept(tmp_path: Path) -> None:
    script, gate = gated("Come in. Sit down.", at=8)
    program = program_in(folders_in(tmp_path), [script])
    async with on_stage(program) as stage:
        await stage.type("Hello.")
        await reached(gate)
        await stage.until(lambda: stage.texts[-1] == "Come in.")
        await stage.pilot.press("escape")
        await stage.settled()
        assert stage.texts[-1] == "Come in."
        assert isinstance(program.engine, ScriptedEngine)
        assert program.engine.cancelled == 1
        kept = await program.open(stage.session.scene.id)
        assert kept.scene.line()[-1].text == "Come in."
        assert kept.scene.line()[-1].finish == "cancelled"


async def test_quitting_keeps_what_was_written(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    script, gate = gated("Come in. Sit down.", at=8)
    async with on_stage(program_in(folders, [script])) as stage:
        await stage.type("Hello.")
        await reached(gate)
        await stage.until(lambda: stage.texts[-1] == "Come in.")
        await stage.pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
    async with on_stage(program_in(folders, [])) as stage:
        assert stage.texts == [GREETING, "Hello.", "Come in."]


async def test_quitting_while_the_model_loads(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])

    async def load(session: Session | None = None) -> AsyncGenerator[Loading | Loaded, None]:
        yield Loading(430)
        await asyncio.Event().wait()

    program.models.load = load  # type: ignore[method-assign]
    async with on_stage(program, settle=False) as stage:
        await stage.until(lambda: "43%" in stage.frame().splitlines()[0])
        await stage.pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
    engine = program.engine
    assert isinstance(engine, ScriptedEngine)
    assert engine.closed


async def test_what_is_selected_is_copied_as_it_was_written(tmp_path: Path) -> None:
    long = "word " * 40 + "「" + "漢字" * 30 + "」。"
    async with on_stage(program_in(folders_in(tmp_path), of(long))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        stage.scene.selections = dict.fromkeys(stage.scene.query(TurnView), SELECT_ALL)
        await stage.pilot.pause()
        assert stage.scene.get_selected_text() == f"Mira\n{GREETING}\n\nRobin\nHello.\n\nMira\n{long}"


async def test_dragging_selects_over_the_wrapped_rows(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("one two three " * 12))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        view = stage.scene.query(TurnView).last()
        await stage.pilot.mouse_down(view, offset=(4, 1))
        await stage.pilot.hover(view, offset=(6, 2))
        await stage.pilot.mouse_up(view, offset=(6, 2))
        copied = stage.scene.get_selected_text()
        assert copied is not None
        assert copied.startswith("one two three one")
        assert "\n" not in copied


async def test_again_makes_a_version_and_the_arrows_go_through_them(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One.", "Two.", "Three."))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        await stage.pilot.press("ctrl+r")
        await stage.settled()
        assert stage.texts[-1] == "Two."
        assert "‹2/2›" in stage.frame()
        await stage.pilot.press("left")
        await stage.settled()
        assert stage.texts[-1] == "One."
        assert "‹1/2›" in stage.frame()
        await stage.pilot.press("left")
        await stage.settled()
        assert "no version" in stage.below
        await stage.pilot.press("right")
        await stage.settled()
        await stage.pilot.press("right")
        await stage.settled()
        assert stage.texts == [GREETING, "Hello.", "Three."]
        assert "‹3/3›" in stage.frame()


async def test_with_text_on_the_line_the_arrows_move_the_cursor(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One."))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        await stage.pilot.press("a", "b", "left", "c")
        assert stage.scene.composer.text == "acb"
        assert stage.texts[-1] == "One."


async def test_going_on_adds_to_the_last_reply(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in.", " Sit down."))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        await stage.pilot.press("ctrl+g")
        await stage.settled()
        assert stage.texts == [GREETING, "Hello.", "Come in. Sit down."]


async def test_enter_on_an_empty_line_lets_the_character_talk(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("And another thing."))) as stage:
        await stage.pilot.press("enter")
        await stage.settled()
        assert stage.texts == [GREETING, "And another thing."]


async def test_sending_while_a_reply_is_written_keeps_the_line(tmp_path: Path) -> None:
    script, gate = gated("Come in.", at=4)
    async with on_stage(program_in(folders_in(tmp_path), [script])) as stage:
        await stage.type("Hello.")
        await reached(gate)
        await stage.until(lambda: stage.texts[-1] == "Come")
        await stage.type("Wait.")
        await stage.until(lambda: "still writing" in stage.below)
        assert stage.scene.composer.text == "Wait."
        gate.opened.set()
        await stage.settled()
        assert stage.texts == [GREETING, "Hello.", "Come in."]


async def test_editing_leaves_the_old_text_as_a_version(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in."))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        await stage.pilot.press("up")
        await stage.settled()
        assert stage.scene.composer.text == "Come in."
        assert "keep the edit" in stage.frame()
        await stage.pilot.press(" ", "N", "o", "w", ".", "enter")
        await stage.settled()
        assert stage.texts[-1] == "Come in. Now."
        assert "✎ ‹2/2›" in stage.frame()
        assert stage.scene.composer.is_empty


async def test_escape_leaves_an_edit(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in."))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        await stage.pilot.press("ctrl+up")
        await stage.settled()
        assert stage.scene.composer.text == "Hello."
        await stage.pilot.press("x", "escape")
        await stage.settled()
        assert stage.texts == [GREETING, "Hello.", "Come in."]
        assert stage.scene.composer.is_empty


async def test_undo_and_redo_on_an_empty_line(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in."))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        await stage.pilot.press("ctrl+z")
        await stage.settled()
        assert stage.texts == [GREETING, "Hello."]
        assert "undone: the reply" in stage.below
        await stage.pilot.press("ctrl+y")
        await stage.settled()
        assert stage.texts == [GREETING, "Hello.", "Come in."]


async def test_deleting_can_be_undone(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in."))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        await stage.type("/delete")
        await stage.settled()
        assert stage.texts == [GREETING, "Hello."]
        await stage.type("/undo")
        await stage.settled()
        assert stage.texts == [GREETING, "Hello.", "Come in."]


async def test_an_unknown_command_is_refused_and_stays_on_the_line(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])
    async with on_stage(program) as stage:
        await stage.type("/regnerate")
        await stage.settled()
        assert "/regenerate" in stage.below
        assert stage.scene.composer.text == "/regnerate"
        assert stage.texts == [GREETING]


async def test_two_slashes_are_one_in_the_story(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Hm."))) as stage:
        await stage.type("//shrug")
        await stage.settled()
        assert stage.texts == [GREETING, "/shrug", "Hm."]


async def test_a_dead_engine_is_one_line_and_again_goes_on(tmp_path: Path) -> None:
    died = Script(
        pieces=tuple("Come in."),
        error=EngineError("the engine died: out of memory", "Ctrl+R tries again"),
        fail_after=4,
    )
    async with on_stage(program_in(folders_in(tmp_path), [died, *of("Welcome.")])) as stage:
        await stage.type("Hello.")
        await stage.settled()
        assert "out of memory" in stage.below
        assert stage.texts[-1] == "Come"
        await stage.pilot.press("ctrl+r")
        await stage.settled()
        assert stage.texts[-1] == "Welcome."
        assert stage.below == ""


async def test_a_mistake_of_ours_is_a_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage(program_in(folders_in(tmp_path), [])) as stage:

        async def broken() -> str | None:
            raise ZeroDivisionError("seven")

        monkeypatch.setattr(stage.session.turns, "undo", broken)
        await stage.pilot.press("ctrl+z")
        await stage.settled()
        assert "ZeroDivisionError" in stage.below
        assert stage.app.is_running


async def test_a_second_instance_reads_and_says_why_it_cannot_write(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    first = program_in(folders, of("Come in."))
    session = await first.play(["mira-of-the-light"])
    second = program_in(folders, [], read_only=True)
    async with on_stage(second) as stage:
        assert stage.session.scene.id == session.scene.id
        assert "read-only" in stage.frame().splitlines()[0]
        assert "another rpchat has these scenes open" in stage.frame()
        await stage.pilot.press("a")
        assert stage.scene.composer.is_empty
        await stage.pilot.press("ctrl+r")
        await stage.settled()
        assert "another rpchat" in stage.below
        assert stage.texts == [GREETING]
    await first.close()


async def test_pasted_text_is_cleaned(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), [])) as stage:
        stage.app.post_message(events.Paste("a\x1b[31mb\x07\r\nc\u202e"))
        await stage.settled()
        assert stage.scene.composer.field.text == "a[31mb\nc"


async def test_the_composer_grows_with_its_lines_up_to_a_third(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), size=(80, 30)) as stage:
        composer = stage.scene.composer
        assert composer.field.size.height == 1
        await stage.pilot.press("a", "ctrl+j", "b", "ctrl+j", "c")
        assert composer.text == "a\nb\nc"
        await stage.until(lambda: composer.field.size.height == 3)
        await stage.pilot.press(*["ctrl+j"] * 20)
        await stage.until(lambda: composer.region.height == 9)


async def test_a_draft_is_there_again_after_home(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), [])) as stage:
        await stage.pilot.press("h", "m", "ctrl+n")
        await stage.until(lambda: isinstance(stage.app.screen, HomeScreen))
        await stage.settled()
        await stage.pilot.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, HomeScreen))
        await stage.settled()
        assert stage.scene.composer.text == "hm"


async def test_compose_mode(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("Come in."))) as stage:
        await stage.pilot.press("f4", "h", "enter", "i")
        assert stage.scene.composer.text == "h\ni"
        assert "^S send" in stage.frame()
        await stage.pilot.press("ctrl+s")
        await stage.settled()
        assert stage.texts == [GREETING, "h\ni", "Come in."]
        await stage.pilot.press("f4", "h", "enter")
        assert stage.scene.composer.text != "h\n"


async def test_a_key_from_the_config_does_what_the_old_one_did(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    folders.config_file.write_text("keys:\n  scene.regenerate: f6\n", encoding="utf-8")
    async with on_stage(program_in(folders, of("One.", "Two."))) as stage:
        assert "F6 again" in stage.frame()
        await stage.type("Hello.")
        await stage.settled()
        await stage.pilot.press("ctrl+r")
        await stage.settled()
        assert stage.texts[-1] == "One."
        await stage.pilot.press("f6")
        await stage.settled()
        assert stage.texts[-1] == "Two."


async def test_help_beside_the_page_and_over_it_where_there_is_no_room(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), size=(120, 40)) as stage:
        await stage.pilot.press("f1")
        await stage.settled()
        assert stage.scene.query_one(HelpPanel).size.width <= 44
        assert stage.scene.page.display
        await stage.pilot.resize_terminal(80, 24)
        await stage.settled()
        assert not stage.scene.page.display
        assert stage.scene.query_one(HelpPanel).region.width == 80
        await stage.pilot.press("escape")
        await stage.settled()
        assert stage.scene.page.display
        assert not stage.scene.query(HelpPanel)


async def test_a_theme_by_command_is_remembered(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])
    async with on_stage(program) as stage:
        await stage.type("/theme yozakura")
        await stage.settled()
        assert stage.app.theme == "yozakura"
        assert program.config.theme == "yozakura"
        await stage.type("/theme plaid")
        await stage.settled()
        assert "plaid" in stage.below


async def test_the_marks_can_be_clicked(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), of("One.", "Two."))) as stage:
        await stage.type("Hello.")
        await stage.settled()
        await stage.pilot.press("ctrl+r")
        await stage.settled()
        view = stage.scene.query(TurnView).last()
        await stage.pilot.click(view, offset=(view.region.width - 6, 0))
        await stage.settled()
        assert stage.texts[-1] == "One."


async def long_scene(tmp_path: Path, turns: int, replies: Iterable[Script] | None = None) -> Program:
    program = program_in(folders_in(tmp_path), replies)
    session = await program.play(["mira-of-the-light"])
    for number in range(turns):
        await session.say(f"line {number}")
    return program


async def test_a_long_scene_is_a_window_that_grows_upwards_without_moving(tmp_path: Path) -> None:
    async with on_stage(await long_scene(tmp_path, 150)) as stage:
        assert len(stage.texts) == WINDOW
        assert stage.texts[-1] == "line 149"
        for _ in range(60):
            await stage.pilot.press("pageup")
            await stage.settled()
            if len(stage.texts) > WINDOW:
                break
        assert 90 <= first_number(stage.frame()) <= 92
        await stage.pilot.press("ctrl+home")
        await stage.until(lambda: GREETING[:14] in stage.frame())
        await stage.pilot.press("ctrl+end")
        await stage.until(lambda: "line 149" in stage.frame())


def page_rows(stage: Stage) -> list[str]:
    """The rows of the page that neither the scroll bar nor the badge touches."""
    return [row[:78] for row in stage.frame().splitlines()[2:19]]


def first_number(frame: str) -> int:
    """The number of the first `line n` that is on screen."""
    return int(frame.split("line ")[1].split()[0])


async def test_the_page_stays_put_while_a_reply_comes_in_below(tmp_path: Path) -> None:
    script, gate = gated("Come in.\n" * 10, at=4)
    program = await long_scene(tmp_path, 30, [script])
    async with on_stage(program) as stage:
        await stage.type("Hello.")
        await reached(gate)
        await stage.until(lambda: stage.texts[-1] == "Come")
        await stage.pilot.press("pageup")
        await stage.settled_but_writing()
        before = page_rows(stage)
        gate.opened.set()
        await stage.settled()
        assert page_rows(stage) == before
        assert "↓ new" in stage.frame()
        await stage.pilot.click("#badge")
        await stage.until(lambda: "↓ new" not in stage.frame())
        assert "Come in." in stage.frame()


async def test_resizing_keeps_the_end_in_view(tmp_path: Path) -> None:
    async with on_stage(await long_scene(tmp_path, 30), size=(120, 40)) as stage:
        for size in ((80, 24), (200, 60), (60, 20)):
            await stage.pilot.resize_terminal(*size)
            await stage.settled()
            assert "line 29" in stage.frame()
            assert "↓ new" not in stage.frame()


async def test_loading_the_model_is_said_to_who_waits_for_it(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), of("Come in."))
    gate = asyncio.Event()

    async def load(session: Session | None = None) -> AsyncGenerator[Loading | Loaded, None]:
        yield Loading(430)
        await gate.wait()
        async with aclosing(Models.load(program.models, session)) as events_:
            async for event in events_:
                yield event

    program.models.load = load  # type: ignore[method-assign]
    async with on_stage(program, settle=False) as stage:
        await stage.until(lambda: "43%" in stage.frame().splitlines()[0])
        await stage.type("Hello.")
        await stage.until(lambda: "loading the model" in stage.below)
        assert stage.texts == [GREETING, "Hello."]
        gate.set()
        await stage.settled()
        assert stage.texts[-1] == "Come in."
        assert stage.below == ""


def test_reading_gets_a_bar_when_it_takes_a_while() -> None:
    assert reading_line(1204, 3500, seconds=0.1).plain == "reading 1,204 of 3,500 "
    assert "██" in reading_line(1204, 3500, seconds=0.5).plain
