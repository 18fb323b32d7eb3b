from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

import rpchat.store.models
from rpchat.engine.scripted import Script
from rpchat.tui.rows import age_of
from rpchat.tui.screens.scene import SceneScreen
from rpchat.tui.widgets.model_help import ModelHelp
from rpchat.tui.widgets.row_list import RowList
from rpchat.tui.widgets.search_field import SearchField
from tests.tui.helpers import MODEL_FILE, Stage, folders_in, on_stage, program_in


def chosen(stage: Stage) -> str:
    """The row that carries the mark."""
    rows = [row for row in stage.frame().splitlines() if "▸" in row]
    assert len(rows) == 1, stage.frame()
    return rows[0]


async def type_search(stage: Stage, text: str) -> None:
    await stage.pilot.press(*text)
    await stage.settled()


async def test_cards_are_listed_and_a_new_reader_is_told_what_to_do(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), home=True) as stage:
        assert "press Enter" in stage.frame()
        assert "Keeps the lighthouse." in stage.frame()
        assert "桜" in stage.frame()
        assert "Continue" not in stage.frame()


async def test_enter_on_a_card_begins_its_scene_and_home_shows_it_then(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), home=True) as stage:
        await type_search(stage, "lighthouse")
        assert "Mira" in chosen(stage)
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert '"You are late,"' in stage.texts[0]
        await stage.pilot.press("ctrl+n")
        await stage.until(lambda: not isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert "Continue" in stage.frame()
        assert "You are late" in chosen(stage)


async def test_a_scene_is_found_by_what_was_said_in_it(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])
    session = await program.play(["mira-of-the-light"])
    await session.say("Where is the marmalade?")
    await program.play(["sakura"])
    async with on_stage(program, home=True) as stage:
        assert "marmalade" not in chosen(stage)
        await type_search(stage, "marmalade")
        assert "marmalade" in chosen(stage)
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert stage.session.scene.id == session.scene.id


async def test_no_hit_says_so_and_escape_empties_the_search(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), home=True) as stage:
        await type_search(stage, "zzzz")
        assert "nothing has “zzzz” in it" in stage.frame()
        await stage.pilot.press("enter", "escape")
        await stage.settled()
        assert "Keeps the lighthouse." in stage.frame()


async def test_a_new_scene_with_the_cast_of_an_old_one(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])
    session = await program.play(["mira-of-the-light"])
    async with on_stage(program, home=True) as stage:
        await stage.pilot.press("ctrl+n")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert stage.session.scene.id != session.scene.id
        assert stage.session.scene.cast == session.scene.cast


async def test_the_bar_goes_over_headings(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])
    await program.play(["mira-of-the-light"])
    async with on_stage(program, home=True) as stage:
        assert "You are late" in chosen(stage)
        await stage.pilot.press("down")
        await stage.settled()
        assert "You are late" not in chosen(stage)
        await stage.pilot.press("up")
        await stage.settled()
        assert "You are late" in chosen(stage)


async def test_a_broken_card_is_listed_with_its_error(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    (folders.cards / "aaa-broken.yaml").write_text("nme: X\n", encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True, size=(160, 40)) as stage:
        row = next(row for row in stage.frame().splitlines() if "aaa-broken" in row)
        assert "nme" in row
        await type_search(stage, "aaa")
        await stage.pilot.press("enter")
        await stage.settled()
        assert not isinstance(stage.app.screen, SceneScreen)
        assert stage.home.said.has_class("-error")


async def test_a_row_can_be_clicked(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])
    async with on_stage(program, home=True) as stage:
        rows = stage.home.query_one(RowList)
        await stage.pilot.click(rows, offset=(6, 1))
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))


async def test_rows_fit_every_width(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path), [])
    await program.play(["sakura"])
    async with on_stage(program, home=True) as stage:
        for width in (60, 80, 120, 200):
            await stage.pilot.resize_terminal(width, 30)
            await stage.settled()
            ends = [row.split()[-1] for row in stage.frame().splitlines() if row.strip()]
            assert ends.count("now") == 1


async def test_a_real_model_is_named_without_a_warning(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), home=True) as stage:
        assert "Antler-7B-RP-v3.Q4_K_M · CPU" in stage.frame()
        assert not stage.home.query_one(ModelHelp).display


async def test_a_demo_is_called_a_demo(tmp_path: Path) -> None:
    program = program_in(folders_in(tmp_path, model=False), [Script.of("Hm.")])
    async with on_stage(program, home=True) as stage:
        assert "demo model" in stage.frame().splitlines()[0]
        assert "--model" in stage.frame()
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert "demo model" in stage.below


async def test_without_a_model_there_are_three_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpchat.store.models, "find_demo", lambda: None)
    folders = folders_in(tmp_path, model=False)
    elsewhere = tmp_path / "elsewhere" / MODEL_FILE
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"GGUF, but no more")
    async with on_stage(program_in(folders, []), home=True, size=(120, 30)) as stage:
        assert "There is no model yet" in stage.frame()
        assert "rpchat[demo]" in stage.frame()
        assert str(folders.models)[:30] in stage.frame()
        await stage.pilot.press("tab", *"nowhere.gguf", "enter")
        await stage.settled()
        assert stage.home.said.has_class("-error")
        stage.home.query_one(ModelHelp).field.value = str(elsewhere)
        await stage.pilot.press("enter")
        await stage.settled()
        assert stage.home.said.has_class("-error")
        stage.home.query_one("#search").focus()
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        await stage.type("Hello.")
        await stage.settled()
        assert "no model" in stage.below
        assert stage.texts[-1] == "Hello."


PLAN = """
name: Two at the door
summary: Rain, and a light above.
cast: [mira-of-the-light, sakura]
opening: "{{char}} opens."
"""


async def test_a_scene_to_begin_is_found_begun_and_then_gone_on_with(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    (folders.scenes / "door.yaml").write_text(PLAN, encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True) as stage:
        await type_search(stage, "two door mira")
        assert "Mira, 桜" in chosen(stage)
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert stage.texts == ["Mira opens."]
        first = stage.session.scene.id
        await stage.pilot.press("ctrl+n")
        await stage.until(lambda: not isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert [row for row in stage.frame().splitlines() if "Two at the door" in row] == [chosen(stage)]
        await stage.pilot.press("down", "escape")
        await type_search(stage, "rain")
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert stage.session.scene.id == first


async def test_a_plan_that_was_begun_is_begun_anew_with_the_key_for_it(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    (folders.scenes / "door.yaml").write_text(PLAN, encoding="utf-8")
    program = program_in(folders, [])
    begun = await program.play_scene("door")
    async with on_stage(program, home=True) as stage:
        await type_search(stage, "rain")
        await stage.pilot.press("ctrl+n")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert stage.texts == ["Mira opens."]
        assert stage.session.scene.id != begun.scene.id


async def test_the_bar_is_on_a_card_at_first_and_few_scenes_to_begin_are_shown(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    for number in range(5):
        text = f"name: Evening {number}\nsummary: The {number}th lamp.\ncast: [sakura]\n"
        (folders.scenes / f"evening-{number}.yaml").write_text(text, encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True, size=(80, 30)) as stage:
        assert "Scenes to begin  3 of 7" in stage.frame()
        assert "Evening" not in chosen(stage)
        await type_search(stage, "lamp")
        assert "Scenes to begin  5" in stage.frame()


async def test_a_broken_scene_file_is_listed_with_its_error_and_e_says_where_it_lies(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    (folders.scenes / "aaa-broken.yaml").write_text("name: X\n", encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True, size=(160, 40)) as stage:
        assert "`cast` is missing" in next(row for row in stage.frame().splitlines() if "aaa-broken" in row)
        await type_search(stage, "aaa")
        await stage.pilot.press("enter")
        await stage.settled()
        assert stage.home.said.has_class("-error")
        await stage.pilot.press("tab", "e")
        await stage.settled()
        assert "aaa-broken.yaml" in str(stage.home.said.render())
        assert not stage.home.said.has_class("-error")


async def test_a_letter_right_behind_tab_is_a_key_of_the_rows(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), home=True) as stage:
        for key, character in (("tab", "\t"), ("l", "l")):
            stage.app.post_message(events.Key(key, character))
        await stage.until(lambda: stage.app.screen.id == "library")
        await stage.settled()


async def test_behind_the_keys_one_is_where_one_was(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), home=True) as stage:
        rows = stage.home.query_one(RowList)
        await stage.pilot.press("tab", "f1")
        await stage.until(lambda: "F1 or Esc closes" in stage.frame())
        await stage.settled()
        await stage.pilot.press("escape")
        await stage.until(lambda: stage.app.focused is rows)


async def test_tab_goes_round(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), home=True) as stage:
        rows, search = stage.home.query_one(RowList), stage.home.query_one("#search")
        for key, there in (("tab", rows), ("tab", search), ("shift+tab", rows), ("escape", search)):
            await stage.pilot.press(key)
            assert stage.app.focused is there


async def test_text_pasted_into_the_search_is_cleaned(tmp_path: Path) -> None:
    async with on_stage(program_in(folders_in(tmp_path), []), home=True) as stage:
        search = stage.home.query_one("#search", SearchField)
        search.post_message(events.Paste("a\x1b[31m\r\nb\u202e"))
        await stage.until(lambda: search.value)
        assert search.value == "a[31m b"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "now"), (125, "2 min"), (7300, "2 h"), (100_000, "yesterday"), (400_000, "4 days"), (-50, "now")],
)
def test_ages(seconds: float, words: str) -> None:
    assert age_of(1_000_000 - seconds, 1_000_000) == words
