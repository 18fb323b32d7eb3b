"""The models screen: what is here, what is known of it, choosing one, fetching one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rpchat.engine.scripted import Script
from rpchat.fetch.events import Fetching
from rpchat.tui.screens.home import HomeScreen
from rpchat.tui.screens.models import ModelsScreen
from rpchat.tui.screens.scene import SceneScreen
from tests.fetch.helpers import WHOLE, at_hub, kept, visible
from tests.fetch.hub_server import HubServer, Repository, serving
from tests.model_makers import BILLION, write_model
from tests.tui.helpers import Stage, folders_in, on_stage, program_in

ANTLER = "Antler-7B-RP-v3.Q4_K_M.gguf"
JAPANESE = "日本語の小さな物語を書くモデル-7B.Q8_0.gguf"


@pytest.fixture(autouse=True)
def only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No models but those of the test: not those of whoever runs it."""
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))
    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS", "LLAMA_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("rpchat.store.models.find_demo", lambda: None)
    monkeypatch.setattr("rpchat.model_rows.find_demo", lambda: None)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A home's models folder with three models, one of them broken, and one of another program's."""
    folder = folders_in(tmp_path / "home", model=False).models
    write_model(folder / ANTLER, name="Antler", parameters=7 * BILLION, context=32768, layers=32)
    write_model(folder / JAPANESE, parameters=7 * BILLION, file_type=7)
    (folder / "broken.gguf").write_bytes(b"once upon a time")
    lm_studio = tmp_path / "somebody/.lmstudio/models/some/body"
    write_model(lm_studio / "Party-12B.Q4_K_M.gguf", name="MN-BackyardAI-Party-12B-v1", parameters=12 * BILLION)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that has the first model of the list, and one that is not in it."""
    repositories = {
        "Aratako/Antler-7B-RP-v3-GGUF": Repository({"Antler-7B-RP-v3.Q4_K_M.gguf": WHOLE}),
        "somebody/Other-GGUF": Repository({"Other-Q8_0.gguf": WHOLE}),
    }
    with serving(repositories) as server:
        at_hub(monkeypatch, server.url)
        yield server


@asynccontextmanager
async def at_models(home: Path, *, size: tuple[int, int] = (120, 32), in_scene: bool = False) -> AsyncIterator[Stage]:
    """The screen, opened by F6 from home or by /models from a scene."""
    program = program_in(folders_in(home, model=False), [Script.of('"Hello."')])
    async with on_stage(program, size=size, home=not in_scene) as stage:
        if in_scene:
            await stage.type("/models")
        else:
            await stage.pilot.press("f6")
        await stage.until(lambda: isinstance(stage.app.screen, ModelsScreen))
        await stage.settled()
        yield stage


def screen(stage: Stage) -> ModelsScreen:
    assert isinstance(stage.app.screen, ModelsScreen)
    return stage.app.screen


def marked(stage: Stage) -> str:
    """The row that carries the mark, of the list."""
    (row,) = [row for row in stage.frame().splitlines() if row.startswith("  ▸ ")]
    return row


async def test_every_model_is_listed_where_it_lies_with_what_is_known(models: Path, tmp_path: Path) -> None:
    async with at_models(tmp_path / "home") as stage:
        frame = stage.frame()
        for words in ("Models folder  2", "LM Studio  1", "Cannot be played with  1", "not a GGUF file"):
            assert words in frame
        assert "Party-12B" in frame
        assert "Q8_0" in frame
        await stage.pilot.press("home")
        await stage.settled()
        assert "Antler-7B-RP-v3" in marked(stage)
        assert "trained with 32,768 tokens" in stage.frame()
        assert ANTLER in stage.frame().replace("\n", "").replace(" ", "") or ANTLER[:20] in stage.frame()


@pytest.mark.parametrize("size", [(80, 24), (120, 32), (200, 60)])
async def test_no_row_is_broken_at_any_size(models: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    async with at_models(tmp_path / "home", size=size) as stage:
        for keys in (("home",), ("down",), ("end",), ("g",), ("q",)):
            await stage.pilot.press(*keys)
            await stage.settled()
            rows = screen(stage)._compositor.render_strips()
            assert {strip.cell_length for strip in rows} == {size[0]}
            assert "F1" in stage.frame().splitlines()[-1]
            assert marked(stage)


async def test_a_search_finds_by_name_place_and_preset(models: Path, tmp_path: Path) -> None:
    async with at_models(tmp_path / "home") as stage:
        await stage.pilot.press("slash", *"studio")
        await stage.settled()
        assert "Party-12B" in marked(stage)
        assert "Antler" not in stage.frame()
        await stage.pilot.press("escape")
        await stage.settled()
        await stage.pilot.press("slash", *"日本語", "enter")
        await stage.settled()
        assert "日本語" in marked(stage)
        assert screen(stage).table.has_focus
        await stage.pilot.press("slash", *"zzz")
        await stage.settled()
        assert "nothing is called that" in stage.frame()


async def test_enter_plays_every_scene_with_it(models: Path, tmp_path: Path) -> None:
    async with at_models(tmp_path / "home") as stage:
        await stage.pilot.press("home", "down")
        await stage.settled()
        assert "日本語" in marked(stage)
        await stage.pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, HomeScreen))
        await stage.settled()
        assert stage.app.program.config.model == str(models / JAPANESE)
        assert "日本語" in stage.frame().splitlines()[0]


async def test_from_a_scene_it_is_for_that_scene_alone(models: Path, tmp_path: Path) -> None:
    async with at_models(tmp_path / "home", in_scene=True) as stage:
        await stage.pilot.press("slash", *"party", "enter", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert stage.session.scene.settings.model.endswith("Party-12B.Q4_K_M.gguf")
        assert stage.app.program.config.model == ""
        assert stage.app.loader.choice is not None
        assert stage.app.loader.choice.name == "Party-12B.Q4_K_M"


async def test_d_in_a_scene_is_for_all(models: Path, tmp_path: Path) -> None:
    async with at_models(tmp_path / "home", in_scene=True) as stage:
        await stage.pilot.press("slash", *"party", "enter", "d")
        await stage.until(lambda: isinstance(stage.app.screen, SceneScreen))
        await stage.settled()
        assert stage.session.scene.settings.model == ""
        assert stage.app.program.config.model.endswith("Party-12B.Q4_K_M.gguf")


async def test_a_broken_one_says_why_and_stays(models: Path, tmp_path: Path) -> None:
    async with at_models(tmp_path / "home") as stage:
        await stage.pilot.press("end", "enter")
        await stage.settled()
        assert isinstance(stage.app.screen, ModelsScreen)
        assert "broken: broken.gguf is not a GGUF file" in stage.frame()


async def test_without_models_it_teaches(tmp_path: Path) -> None:
    async with at_models(tmp_path / "home") as stage:
        assert "There is no model yet" in stage.frame()
        await stage.pilot.press("escape")
        await stage.until(lambda: isinstance(stage.app.screen, HomeScreen))


async def test_a_model_is_fetched_and_marked(tmp_path: Path, hub: HubServer) -> None:
    hub.faults.hold_at = 1_500_000
    async with at_models(tmp_path / "home") as stage:
        fetching = stage.app.fetching
        await stage.pilot.press("g", "enter")
        await stage.until(lambda: isinstance(fetching.event, Fetching) and fetching.event.done > 500_000)
        await stage.until(lambda: "█" in stage.frame())
        hub.faults.hold_at = -1
        hub.faults.let_go.set()
        await stage.until(lambda: not fetching.is_running)
        await stage.until(lambda: "is there" in stage.frame())
        await stage.settled()
        assert "Antler-7B-RP-v3" in marked(stage)
        assert visible(tmp_path / "home/models") == {"Antler-7B-RP-v3.Q4_K_M.gguf": WHOLE}


async def test_escape_stops_and_the_next_time_it_goes_on(tmp_path: Path, hub: HubServer) -> None:
    hub.faults.hold_at = 1_500_000
    async with at_models(tmp_path / "home") as stage:
        fetching = stage.app.fetching
        await stage.pilot.press("g", "enter")
        await stage.until(lambda: isinstance(fetching.event, Fetching) and fetching.event.done > 500_000)
        await stage.pilot.press("escape")
        await stage.until(lambda: not fetching.is_running)
        await stage.settled()
        assert "what has arrived is kept" in stage.frame()
        (size,) = kept(tmp_path / "home/models")
        hub.faults.hold_at = -1
        await stage.pilot.press("enter")
        await stage.until(lambda: fetching.fetched is not None)
        assert hub.starts() == [0, size]


async def test_a_repository_is_fetched_while_the_reader_is_elsewhere(tmp_path: Path, hub: HubServer) -> None:
    async with at_models(tmp_path / "home") as stage:
        await stage.pilot.press("g", "slash", *"somebody/Other-GGUF")
        await stage.settled()
        assert "Enter fetches from that repository" in stage.frame()
        await stage.pilot.press("enter", "f6")
        await stage.until(lambda: isinstance(stage.app.screen, HomeScreen))
        await stage.until(lambda: stage.app.fetching.fetched is not None)
        assert visible(tmp_path / "home/models") == {"Other-Q8_0.gguf": WHOLE}


async def test_what_goes_wrong_is_one_line(tmp_path: Path, hub: HubServer) -> None:
    del hub.repositories["Aratako/Antler-7B-RP-v3-GGUF"]
    async with at_models(tmp_path / "home") as stage:
        await stage.pilot.press("g", "enter")
        await stage.until(lambda: "there is no Aratako/Antler-7B-RP-v3-GGUF on the hub" in stage.frame())
        await stage.pilot.press("slash", *"limarp", "enter", "enter")
        await stage.until(lambda: "cannot be fetched" in stage.frame())


async def test_another_quantisation_can_be_taken(tmp_path: Path) -> None:
    async with at_models(tmp_path / "home") as stage:
        await stage.pilot.press("g")
        await stage.settled()
        before = marked(stage)
        await stage.pilot.press("q")
        await stage.settled()
        assert marked(stage) != before
        await stage.pilot.press("q")
        await stage.settled()
        assert marked(stage) == before
