"""Scenes that are begun from a file: the shipped ones, and one of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpchat.errors import FileError, StoreError
from rpchat.session import Session
from rpchat.store.folders import shipped
from rpchat.store.shelf import Shelf
from rpchat.story.card import Card
from rpchat.story.plan import ScenePlan
from tests.test_program import Home, home

__all__ = ["home"]

SHIPPED = sorted(path.stem for path in shipped("scenes").glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_ones_have_a_cast_that_is_there(name: str, tmp_path: Path) -> None:
    plan = Shelf(ScenePlan, tmp_path, shipped("scenes")).find(name)[1]
    cards = Shelf(Card, tmp_path, shipped("cards"))
    cast = [cards.find(card)[1] for card in plan.cast]
    assert len(cast) == 3
    assert {card.language for card in cast} == {plan.language}
    assert plan.opened_by in plan.cast


def test_there_is_one_in_english_and_one_in_japanese(tmp_path: Path) -> None:
    shelf = Shelf(ScenePlan, tmp_path, shipped("scenes"))
    assert {shelf.find(name)[1].language for name in SHIPPED} == {"en", "ja"}


PLAN = """
name: Two at the door
cast: [ann, bob]
scenario: A door, {{user}} in front of it.
opening: "{{char}} opens."
opened_by: bob
casting: pooled
"""


async def test_it_is_begun_once_and_gone_on_with(home: Home) -> None:
    async with home.program() as program:
        (program.folders.scenes / "door.yaml").write_text(PLAN, "utf-8")
        begun = await program.play_scene("door")
        assert told(begun) == [("Bob", "Bob opens.")]
        assert begun.scene.title == "Two at the door"
        assert (begun.scene.settings.casting, begun.scene.settings.scenario) == (
            "pooled", "A door, {{user}} in front of it.",
        )  # fmt: skip
        await begun.say("Hello.")
        again = await program.play_scene("door")
        assert again.scene == begun.scene
        assert (await program.play_scene("two at the door")).scene == begun.scene
        assert (await program.play_scene("door", new=True)).scene.id != begun.scene.id


async def test_a_look_at_one_that_was_not_begun_stores_nothing(home: Home) -> None:
    async with home.program() as program:
        (program.folders.scenes / "door.yaml").write_text(PLAN, "utf-8")
        for name in ("door", "TWO at the door", str(program.folders.scenes / "door.yaml")):
            draft = await program.scene_at(name)
            assert (draft.id, draft.title) == (0, "Two at the door")
            assert [(turn.speaker, turn.text) for turn in draft.line()] == [("Bob", "Bob opens.")]
        assert await program.recent() == []
        begun = await program.play_scene("door")
        await begun.say("Hello.")
        assert (await program.scene_at("door")).id == begun.scene.id
        assert (await program.scene_at("door", new=True)).id == 0


async def test_a_title_that_is_a_number_is_no_id(home: Home) -> None:
    async with home.program() as program:
        other = await program.play(["ann"])
        plan = PLAN.replace("Two at the door", f'"{other.scene.id}"')
        (program.folders.scenes / "door.yaml").write_text(plan, "utf-8")
        assert (await program.play_scene("door")).scene.id != other.scene.id


async def test_they_are_listed_with_the_names_of_their_cast(home: Home) -> None:
    async with home.program() as program:
        (program.folders.scenes / "door.yaml").write_text(PLAN, "utf-8")
        (program.folders.scenes / "broken.yaml").write_text("name: X\n", "utf-8")
        listed = {entry.id: entry for entry in await program.plans.entries()}
        assert listed.keys() == {"broken", "door", *SHIPPED}
        assert (listed["door"].name, listed["door"].cast) == ("Two at the door", ("Ann", "Bob"))
        assert "cast" in listed["broken"].error
        assert [entry.id for entry in await program.plans.entries("bob DOOR")] == ["door"]
    async with home.program() as program:
        assert {entry.id: entry for entry in await program.plans.entries()} == listed


async def test_what_is_not_there_is_told(home: Home) -> None:
    async with home.program() as program:
        (program.folders.scenes / "door.yaml").write_text(PLAN.replace("bob]", "zed]"), "utf-8")
        with pytest.raises((FileError, StoreError), match="zed"):
            await program.play_scene("door")
        with pytest.raises((FileError, StoreError), match="nowhere"):
            await program.play_scene("nowhere")


async def test_a_copy_goes_its_own_way(home: Home) -> None:
    async with home.program() as program:
        first = await program.play(["ann", "bob"])
        await first.say("Hello.")
        copy = await program.duplicate(first)
        assert told(copy) == told(first)
        await copy.say("Again.")
        assert told(copy)[:-1] == told(first)
        await program.rename(copy, "Another day")
        assert (await program.open(copy.scene.id)).scene.title == "Another day"


def told(session: Session) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in session.scene.line()]
