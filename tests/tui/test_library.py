from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest
from PIL import Image
from textual import events
from textual.widgets import Input

from rpchat.engine.scripted import Script
from rpchat.library import ImportStep
from rpchat.program import Program
from rpchat.store.config import load_config
from rpchat.tui.pictures import Way
from rpchat.tui.screens.editor import EditorScreen
from rpchat.tui.screens.home import HomeScreen
from rpchat.tui.screens.importing import ImportScreen
from rpchat.tui.screens.library import LibraryScreen
from rpchat.tui.screens.scene import SceneScreen
from tests.tui.helpers import Stage, folders_in, group_in, on_stage, program_in

WIDE = (120, 30)


def card_file(path: Path, name: str, **fields: object) -> Path:
    data = {"name": name, "description": f"{name} keeps to the point.", "first_mes": "Hm.", **fields}
    path.write_text(json.dumps({"spec": "chara_card_v2", "spec_version": "2.0", "data": data}), encoding="utf-8")
    return path


async def to_library(stage: Stage) -> LibraryScreen:
    await stage.pilot.press("ctrl+l")
    await stage.until(lambda: isinstance(stage.app.screen, LibraryScreen))
    await stage.settled()
    screen = stage.app.screen
    assert isinstance(screen, LibraryScreen)
    return screen


async def press(stage: Stage, *keys: str) -> None:
    await stage.pilot.press(*keys)
    await stage.settled()


def marked(screen: LibraryScreen) -> str:
    assert screen.shelf.row is not None
    return screen.shelf.row.name


def paste(stage: Stage, text: str) -> None:
    assert stage.app.focused is not None
    stage.app.focused.post_message(events.Paste(text))


def program(tmp_path: Path, *replies: str) -> Program:
    return program_in(folders_in(tmp_path), [Script.of(reply) for reply in replies])


async def test_cards_stand_with_summary_tags_and_texts(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        await press(stage, "slash", *"lighthouse", "enter")
        assert marked(screen) == "Mira"
        assert "Keeps the lighthouse." in stage.frame()
        assert '"You are late," Mira says.' in stage.frame()


async def test_searching_finds_as_it_is_typed_in_kana_of_any_kind(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    (folders.cards / "x.yaml").write_text("name: ミオ\nsummary: 灯台の娘。\ntags: [日常]\n", encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        await stage.pilot.press("slash")
        screen.query_one("#search", Input).value = "みお"
        await stage.settled()
        assert [row.name for row in screen.shelf.rows] == ["ミオ"]
        screen.query_one("#search", Input).value = "#日"
        await stage.settled()
        assert "ミオ" in [row.name for row in screen.shelf.rows]
        await press(stage, *"zzz")
        assert "nothing here has that in it" in stage.frame()
        await press(stage, "escape")
        assert len(screen.shelf.rows) > 5
        assert screen.shelf.has_focus


async def test_enter_plays_and_the_rows_come_back_with_control_n_and_l(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        await to_library(stage)
        await press(stage, "slash", *"lighthouse", "enter")
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert '"You are late,"' in stage.texts[0]
        await stage.pilot.press("ctrl+n")
        await stage.until(lambda: isinstance(stage.app.screen, HomeScreen))
        assert len(stage.app.screen_stack) == 2


async def test_picked_cards_play_as_a_group(tmp_path: Path) -> None:
    async with on_stage(program_in(group_in(tmp_path), []), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        for name in ("bram", "chen"):
            screen.shelf.mark(name)
            await press(stage, "space")
        assert screen.shelving.picked == ["bram", "chen"]
        assert "group of 2" in stage.frame()
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert [member.card_id for member in stage.session.scene.cast] == ["bram", "chen"]


async def test_a_favourite_keeps_its_star_and_sorts_first(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        screen.shelf.mark("mira-of-the-light")
        await press(stage, "f")
        row = screen.shelf.row
        assert row is not None
        assert row.favourite
        assert "Mira ★" in stage.frame()
        await press(stage, "o", "o", "o")
        assert screen.shelf.rows[0].id == "mira-of-the-light"


async def test_tags_narrow_and_the_users_own_are_among_them(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        screen.shelf.mark("mira-of-the-light")
        await press(stage, "T", *"sea, storm", "enter")
        assert "sea · storm" in stage.frame()
        for _ in range(40):
            await press(stage, "t")
            if screen.shelving.tag == "storm":
                break
        assert [row.id for row in screen.shelf.rows] == ["mira-of-the-light"]
        await press(stage, "escape")
        assert len(screen.shelf.rows) > 5


async def test_what_is_deleted_lies_in_the_trash_and_comes_back(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        screen.shelf.mark("mira-of-the-light")
        await press(stage, "delete")
        assert "Mira is in the trash" in stage.frame()
        assert "mira-of-the-light" not in [row.id for row in screen.shelf.rows]
        await press(stage, "u")
        assert marked(screen) == "Mira"
        await press(stage, "d", "tab", "tab")
        assert [row.name for row in screen.shelf.rows] == ["Mira"]
        await press(stage, "enter")
        assert "Mira is back" in stage.frame()
        assert not screen.shelf.rows
        await press(stage, "tab")
        assert "mira-of-the-light" in [row.id for row in screen.shelf.rows]


async def test_a_shipped_card_is_not_deleted(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        screen.shelf.mark("sakura")
        await press(stage, "d")
        assert screen.said.has_class("-error")
        assert "sakura" in [row.id for row in screen.shelf.rows]


async def test_a_persona_becomes_the_default(tmp_path: Path) -> None:
    made = program(tmp_path)
    async with on_stage(made, home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        await press(stage, "tab")
        screen.shelf.mark("robin")
        await press(stage, "enter")
        assert load_config(made.folders.config_file).persona == "robin"
        assert "● you" in stage.frame()
        await press(stage, "enter")
        assert load_config(made.folders.config_file).persona == ""


async def test_a_card_is_exported_in_the_format_of_its_ending(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        screen.shelf.mark("mira-of-the-light")
        await press(stage, "x")
        field = screen.query_one("AskLine Input", Input)
        assert field.value.endswith("mira-of-the-light.png")
        await press(stage, "tab")
        assert field.value.endswith(".json")
        field.value = str(tmp_path / "out" / "mira.json")
        (tmp_path / "out").mkdir()
        await press(stage, "enter")
        assert json.loads((tmp_path / "out" / "mira.json").read_text())["data"]["name"] == "Mira"
        assert "written:" in stage.frame()
        await press(stage, "x", "escape")
        assert screen.shelf.has_focus


async def test_a_picture_is_drawn_and_can_be_turned_off(tmp_path: Path) -> None:
    made = program(tmp_path)
    source = tmp_path / "Rosa.png"
    Image.new("RGB", (400, 600), (210, 30, 60)).save(source)
    card_file(tmp_path / "Rosa.json", "Rosa")
    async with on_stage(made, home=True, size=WIDE) as stage:
        card = (await anext_card(made, tmp_path / "Rosa.json"))[0]
        folder = made.folders.library / card
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "avatar.png").write_bytes(source.read_bytes())
        screen = await to_library(stage)
        screen.shelf.mark(card)
        await stage.settled()
        row = screen.shelf.row
        assert row is not None
        assert row.avatar is not None
        assert "▀▀▀▀" in stage.frame()
        await press(stage, "p")
        assert "▀▀▀▀" not in stage.frame()
        assert load_config(made.folders.config_file).pictures == "off"
        await press(stage, "p")
        assert "▀▀▀▀" in stage.frame()


@pytest.mark.parametrize(("way", "drawn_by"), [("kitty", "TGPImage"), ("sixel", "Image")])
async def test_a_terminal_with_pixels_is_given_pixels(tmp_path: Path, way: Way, drawn_by: str) -> None:
    folders = folders_in(tmp_path)
    folder = folders.library / "mira-of-the-light"
    folder.mkdir(parents=True)
    Image.new("RGB", (400, 600), (210, 30, 60)).save(folder / "avatar.png")
    folders.config_file.write_text(f"pictures: {way}\n", encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True, size=WIDE) as stage:
        stage.app.gallery.way = way  # a test has no cells whose size could be asked for
        screen = await to_library(stage)
        screen.shelf.mark("mira-of-the-light")
        await stage.settled()
        shown = [widget for widget in screen.query(f"Portrait {drawn_by}") if widget.display]
        assert len(shown) == 2  # one in its row, one beside the rows
        assert "▀" not in stage.frame()


async def anext_card(made: Program, path: Path) -> list[str]:
    """Take a file in; return the ids of what was taken."""
    return [step.id async for step in made.library.import_files([path]) if hasattr(step, "id")]


async def test_a_thousand_cards_are_a_screenful_of_widgets(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    for number in range(1_000):
        (folders.cards / f"card-{number:04}.yaml").write_text(f"name: Number {number:04}\n", encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True) as stage:
        screen = await to_library(stage)
        assert len(screen.shelf.rows) > 1_000
        assert len(screen.shelf.children) < 15
        await press(stage, "end")
        await press(stage, "pageup", "k", "g", "pagedown", "j")
        screen.shelf.mark("card-0999")
        await stage.settled()
        assert "Number 0999" in stage.frame()
        await press(stage, "slash", *"0500")
        assert [row.id for row in screen.shelf.rows] == ["card-0500"]


async def test_rows_fit_every_size(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True) as stage:
        screen = await to_library(stage)
        for size in ((60, 12), (80, 24), (120, 40), (200, 60), (40, 8)):
            await stage.pilot.resize_terminal(*size)
            await stage.settled()
            assert marked(screen) in stage.frame()


async def test_the_mouse_marks_and_plays(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        await stage.pilot.click(screen.shelf, offset=(12, 2))
        await stage.settled()
        assert screen.shelf.row is screen.shelf.rows[1]
        await stage.pilot.click(screen.shelf, offset=(12, 2))
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))


async def test_names_from_strangers_are_no_markup(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    text = "name: '[/x] [@click=app.quit]go[/]'\nsummary: '[red]x'\ntags: ['[/y]']\ndescription: '[/z]'\n"
    (folders.cards / "0.yaml").write_text(text, encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        screen.shelf.mark("0")
        await stage.settled()
        assert "[/x] [@click=app.quit]go[/]" in stage.frame()
        await press(stage, "e")
        assert "[/x]" in stage.frame()


async def test_a_broken_card_says_why(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    (folders.cards / "broken.yaml").write_text("nme: X\n", encoding="utf-8")
    async with on_stage(program_in(folders, []), home=True, size=(160, 30)) as stage:
        screen = await to_library(stage)
        screen.shelf.mark("broken")
        await press(stage, "enter")
        assert screen.said.has_class("-error")
        assert "nme" in stage.frame()


async def test_a_second_rpchat_looks_and_changes_nothing(tmp_path: Path) -> None:
    folders = folders_in(tmp_path)
    async with on_stage(program_in(folders, [], read_only=True), home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        screen.shelf.mark("mira-of-the-light")
        await press(stage, "d")
        assert screen.said.has_class("-error")
        assert (folders.cards / "mira-of-the-light.yaml").exists()


async def test_files_come_in_with_a_summary(tmp_path: Path) -> None:
    files = tmp_path / "two words"
    files.mkdir()
    card_file(files / "a.json", "Anna")
    card_file(files / "b.json", "Anna", personality="Another one.")
    (files / "c.json").write_text("{", encoding="utf-8")
    made = program(tmp_path)
    async with on_stage(made, home=True, size=WIDE) as stage:
        screen = await to_library(stage)
        await press(stage, "i")
        paste(stage, f"'{files}'")
        await press(stage, "enter")
        importing = stage.app.screen
        assert isinstance(importing, ImportScreen)
        assert "2 taken in · 1 refused" in stage.frame()
        assert "✗ c.json" in stage.frame()
        await press(stage, "ctrl+y")
        assert "✗ c.json" in stage.app.clipboard
        await press(stage, "escape")
        assert [row.name for row in screen.shelf.rows].count("Anna") == 2
        await press(stage, "i")
        paste(stage, str(files / "a.json"))
        await press(stage, "enter")
        assert "there already" in stage.frame()


async def test_escape_stops_between_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [card_file(tmp_path / f"{number}.json", f"Card {number}") for number in range(9)]
    made = program(tmp_path)
    async with on_stage(made, home=True, size=WIDE) as stage:
        whole = made.library.import_files

        async def escaped(paths: Sequence[Path]) -> AsyncGenerator[ImportStep, None]:
            """Import, with Esc pressed behind the second file."""
            async with aclosing(whole(paths)) as steps:
                async for step in steps:
                    yield step
                    screen = stage.app.screen
                    if isinstance(screen, ImportScreen) and len(screen.outcomes) == 2:
                        screen.action_leave()

        monkeypatch.setattr(made.library, "import_files", escaped)
        stage.app.import_files(files)
        await stage.until(lambda: "stopped between two files" in stage.frame())
        await stage.settled()
        assert isinstance(stage.app.screen, ImportScreen)
        kept = [card.name for card in await made.library.entries() if card.name.startswith("Card ")]
        assert len(kept) == len(stage.app.screen.outcomes) == 2


async def test_a_path_that_is_not_there_is_said_and_stays(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        stage.app.import_files()
        await stage.settled()
        await press(stage, *"/nowhere/x.png", "enter")
        assert "there is no file /nowhere/x.png" in stage.frame()
        assert "/nowhere/x.png" in str(stage.app.screen.query_one("#path", Input).value)


async def test_a_path_is_completed_with_tab(tmp_path: Path) -> None:
    path = card_file(tmp_path / "anna-of-the-mill.json", "Anna")
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        stage.app.import_files()
        await stage.settled()
        field = stage.app.screen.query_one("#path", Input)
        field.value = f"{tmp_path}/anna"
        await press(stage, "tab")
        assert field.value == str(path)


async def test_a_file_dropped_on_the_home_screen_comes_in(tmp_path: Path) -> None:
    path = card_file(tmp_path / "anna the miller.json", "Anna")
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        paste(stage, f"file://{str(path).replace(' ', '%20')}\n")
        await stage.until(lambda: isinstance(stage.app.screen, ImportScreen))
        await stage.settled()
        assert "1 taken in" in stage.frame()
        await press(stage, "escape")
        assert "Anna" in stage.frame()
        paste(stage, "/anna\nthe miller")
        await stage.settled()
        assert stage.home.query_one("#search", Input).value == "/anna the miller"


async def test_letters_on_the_rows_of_home(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        await press(stage, "tab")
        assert "n new card" in stage.frame()
        await press(stage, "e")
        assert isinstance(stage.app.screen, EditorScreen)
        await press(stage, "escape", "i")
        assert isinstance(stage.app.screen, ImportScreen)
        await press(stage, "escape", "n")
        assert isinstance(stage.app.screen, EditorScreen)
        await press(stage, "escape", "l")
        assert isinstance(stage.app.screen, LibraryScreen)


@pytest.mark.parametrize("key", ["f1"])
async def test_help_tells_the_keys_of_the_library(tmp_path: Path, key: str) -> None:
    async with on_stage(program(tmp_path), home=True, size=WIDE) as stage:
        await to_library(stage)
        await press(stage, key)
        assert "In the library" in stage.frame()
        await press(stage, "escape")
        assert "In the library" not in stage.frame()
