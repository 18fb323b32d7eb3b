from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from textual import events

from rpchat.program import Program
from rpchat.store.config import load_config
from rpchat.tui.elsewhere import written_elsewhere
from rpchat.tui.screens.editor import EditorScreen
from rpchat.tui.screens.home import HomeScreen
from rpchat.tui.widgets.field_box import FieldBox
from tests.tui.helpers import Stage, folders_in, on_stage, program_in

SIZE = (120, 40)


async def edit(stage: Stage, card_id: str = "mira-of-the-light", kind: str = "cards") -> EditorScreen:
    stage.app.edit("personas" if kind == "personas" else "cards", card_id)
    await stage.until(lambda: isinstance(stage.app.screen, EditorScreen))
    screen = stage.app.screen
    assert isinstance(screen, EditorScreen)
    await stage.until(lambda: screen.form.boxes)
    await stage.settled()
    return screen


def box(screen: EditorScreen, name: str) -> FieldBox:
    return next(box for box in screen.form.boxes if box.field.name == name)


async def press(stage: Stage, *keys: str) -> None:
    await stage.pilot.press(*keys)
    await stage.settled()


def program(tmp_path: Path) -> Program:
    return program_in(folders_in(tmp_path), [])


async def test_a_card_is_edited_and_saved_in_its_file(tmp_path: Path) -> None:
    made = program(tmp_path)
    path = made.folders.cards / "mira-of-the-light.yaml"
    path.write_text(f"# by hand\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    async with on_stage(made, home=True, size=SIZE) as stage:
        screen = await edit(stage)
        screen.form.go_to("summary")
        await press(stage, "end", *" Alone.", "ctrl+s")
        assert "saved" in stage.frame()
        assert screen.is_saved
        text = path.read_text(encoding="utf-8")
        assert "Keeps the lighthouse. Alone." in text
        assert text.startswith("\n# by hand") or "# by hand" in text
        await stage.pilot.press("escape")
        await stage.until(lambda: isinstance(stage.app.screen, HomeScreen))
        await stage.settled()
        assert "Keeps the lighthouse. Alone." in stage.frame()


async def test_a_new_card_needs_only_a_name(tmp_path: Path) -> None:
    made = program(tmp_path)
    async with on_stage(made, home=True, size=SIZE) as stage:
        screen = await edit(stage, "")
        await press(stage, "ctrl+s")
        assert "a name is needed" in stage.frame()
        assert box(screen, "name").has_class("-bad")
        await press(stage, *"Ilse", "ctrl+s")
        assert (made.folders.cards / "ilse.yaml").exists()
        assert screen.editing.id == "ilse"


async def test_a_shipped_card_is_copied(tmp_path: Path) -> None:
    made = program(tmp_path)
    async with on_stage(made, home=True, size=SIZE) as stage:
        screen = await edit(stage, "sakura")
        box(screen, "personality").area.take("静か。")
        await press(stage, "ctrl+s")
        assert (made.folders.cards / "sakura.yaml").exists()
        card = await made.library.card("sakura")
        assert card.personality == "静か。"
        assert card.sheet["年齢"] == "23歳"


async def test_what_is_not_saved_is_a_draft_also_tomorrow(tmp_path: Path) -> None:
    made = program(tmp_path)
    async with on_stage(made, home=True, size=SIZE) as stage:
        screen = await edit(stage)
        box(screen, "scenario").area.take("A storm.")
        await press(stage, "escape")
    async with on_stage(program(tmp_path), home=True, size=SIZE) as stage:
        screen = await edit(stage)
        assert box(screen, "scenario").text == "A storm."
        assert "this is your draft" in stage.frame()
        await press(stage, "f8")
        assert box(screen, "scenario").text == ""
        await press(stage, "escape")
        screen = await edit(stage)
        assert "this is your draft" not in stage.frame()


async def test_quitting_keeps_the_draft(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=SIZE) as stage:
        screen = await edit(stage)
        box(screen, "scenario").area.take("A storm.")
        await stage.pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running or stage.app._exit)
    async with on_stage(program(tmp_path), home=True, size=SIZE) as stage:
        screen = await edit(stage)
        assert box(screen, "scenario").text == "A storm."


async def test_greetings_are_added_moved_removed_and_put_back(tmp_path: Path) -> None:
    made = program(tmp_path)
    async with on_stage(made, home=True, size=SIZE) as stage:
        screen = await edit(stage)
        await press(stage, "ctrl+n")
        await press(stage, *"One")
        await press(stage, "ctrl+n")
        await press(stage, *"Two")
        assert screen.form.written.greetings == ("One", "Two")
        await press(stage, "alt+up")
        assert screen.form.written.greetings == ("Two", "One")
        await press(stage, "ctrl+r")
        assert screen.form.written.greetings == ("One",)
        await press(stage, "ctrl+g")
        assert screen.form.written.greetings == ("One", "Two")
        await press(stage, "ctrl+s")
        assert (await made.library.card("mira-of-the-light")).alternate_greetings == ("One", "Two")


async def test_tokens_are_counted_by_the_model(tmp_path: Path) -> None:
    made = program(tmp_path)
    async with on_stage(made, home=True, size=SIZE) as stage:
        screen = await edit(stage)
        await stage.until(lambda: stage.app.loader.is_ready)
        await stage.settled()
        exact = await screen.editing.count(box(screen, "description").text)
        assert exact.exact
        assert f"Description  {exact} tokens" in stage.frame()


async def test_without_a_model_they_are_estimated_and_the_prompt_is_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpchat.store.models.find_demo", lambda: None)
    made = program_in(folders_in(tmp_path, model=False), [])
    async with on_stage(made, home=True, size=SIZE) as stage:
        screen = await edit(stage)
        await stage.until(lambda: "~" in stage.frame())
        await press(stage, "ctrl+o")
        assert "no model is loaded" in stage.frame()
        assert "Mira keeps the lighthouse." in stage.frame()
        await press(stage, "escape")
        assert not screen.panel.is_open


async def test_the_prompt_is_of_what_is_written_now(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=SIZE) as stage:
        screen = await edit(stage)
        await stage.until(lambda: stage.app.loader.is_ready)
        box(screen, "description").area.take("Mira paints boats.")
        await press(stage, "ctrl+o")
        assert "Mira paints boats." in stage.frame()
        assert "Prompt ·" in stage.frame()
        await press(stage, "slash", *"boats", "enter")
        assert "hit 1 of" in stage.frame()
        await press(stage, "ctrl+o")
        assert not screen.panel.is_open


async def test_a_bad_field_is_named_and_the_text_stays(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=SIZE) as stage:
        screen = await edit(stage)
        box(screen, "sheet").area.take("no label here")
        await press(stage, "ctrl+s")
        assert screen.said.has_class("-error")
        assert box(screen, "sheet").has_class("-bad")
        assert box(screen, "sheet").text == "no label here"


async def test_undo_and_paste_in_a_field(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=SIZE) as stage:
        screen = await edit(stage)
        area = box(screen, "name").area
        area.focus()
        await stage.settled()
        area.post_message(events.Paste("\x1b]0;title\x07a\nb"))
        await stage.settled()
        assert "\n" not in area.text
        assert "\x1b" not in area.text
        assert "]0;titlea b" in area.text
        await press(stage, "ctrl+z")
        assert area.text == "Mira"


async def test_a_persona_is_edited(tmp_path: Path) -> None:
    made = program(tmp_path)
    async with on_stage(made, home=True, size=SIZE) as stage:
        screen = await edit(stage, "", kind="personas")
        await press(stage, *"Noor", "ctrl+s")
        assert (made.folders.personas / "noor.yaml").exists()
        await press(stage, "ctrl+n", "ctrl+o")
        assert not screen.panel.is_open
        assert load_config(made.folders.config_file).persona == ""


async def test_an_editor_of_ones_own_is_said_to_be_missing_or_impossible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    async with on_stage(program(tmp_path), home=True, size=SIZE) as stage:
        screen = await edit(stage)
        screen.form.go_to("description")
        await press(stage, "ctrl+t")
        assert "no editor is set" in stage.frame()
        monkeypatch.setenv("EDITOR", "true")
        await press(stage, "ctrl+t")
        assert "cannot be shown in this terminal" in stage.frame()


class Suspending:
    """Stands in for an app in a terminal that can step aside."""

    def suspend(self) -> Suspending:
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        return None


def test_what_the_editor_leaves_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys,pathlib;p=pathlib.Path(sys.argv[1]);p.write_text(p.read_text()+' more\\x1b\\n')"
    monkeypatch.setenv("VISUAL", shlex.join([sys.executable, "-c", script]))
    assert written_elsewhere(Suspending(), "桜") == "桜 more"  # type: ignore[arg-type]


async def test_fields_are_as_high_as_their_texts_at_every_width(tmp_path: Path) -> None:
    async with on_stage(program(tmp_path), home=True, size=(80, 24)) as stage:
        screen = await edit(stage, "sakura")
        for size in ((80, 24), (60, 60), (200, 60)):
            await stage.pilot.resize_terminal(*size)
            await stage.settled()
            for one in screen.form.boxes:
                assert one.area.content_size.height >= min(one.area.wrapped_document.height, size[1] // 2), size
