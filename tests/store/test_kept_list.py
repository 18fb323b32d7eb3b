"""What lists show of files: read once, read again when they change, and never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpchat.store.card_list import CardEntry, CardList
from rpchat.store.plan_list import PlanEntry, PlanList
from rpchat.store.shelf import Shelf
from rpchat.story.card import Card
from rpchat.story.plan import ScenePlan


def cards(folder: Path, *, read_only: bool = False) -> CardList:
    return CardList(Shelf(Card, folder / "cards", folder / "none"), folder / "kept.json", read_only=read_only)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "ann.yaml").write_text("name: Ann Lee\nnickname: Ann\ntags: [sea, light]\n")
    return tmp_path


ANN = {"id": "ann", "name": "Ann Lee", "spoken_name": "Ann", "tags": ("sea", "light")}


def told(entry: CardEntry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in ANN}


def test_a_file_is_read_once_and_again_when_it_has_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "cards" / "ann.yaml"
    assert [told(entry) for entry in cards(folder).entries()] == [ANN]
    with monkeypatch.context() as unread:
        unread.setattr("rpchat.store.shelf._read", lambda *_: pytest.fail("the file was read again"))
        assert [told(entry) for entry in cards(folder).entries()] == [ANN]
    path.write_text("name: Ann Lee, of the light\n")
    (entry,) = cards(folder).entries()
    assert (entry.name, entry.tags) == ("Ann Lee, of the light", ())
    path.unlink()
    assert cards(folder).entries() == []


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", '{"version": 2, "cards": {}}', '{"version": 3}', '{"version": 3, "entries": {"x": {"odd": 1}}}'],
)
def test_what_was_kept_and_is_damaged_is_made_anew(folder: Path, damaged: str) -> None:
    (folder / "kept.json").write_text(damaged)
    assert [told(entry) for entry in cards(folder).entries()] == [ANN]
    assert (folder / "kept.json").read_text() != damaged


def test_who_only_reads_writes_nothing(folder: Path) -> None:
    assert [told(entry) for entry in cards(folder, read_only=True).entries()] == [ANN]
    assert not (folder / "kept.json").exists()


def test_scenes_to_begin_are_kept_alike(folder: Path) -> None:
    (folder / "scenes").mkdir()
    (folder / "scenes" / "door.yaml").write_text("name: A door\ncast: [ann]\nscenario: Rain.\n")
    (folder / "scenes" / "odd.yaml").write_text("name: A door\n")
    shelf = Shelf(ScenePlan, folder / "scenes", folder / "none")
    first = PlanList(shelf, folder / "plans.json").entries()
    door, odd = first
    assert door == PlanEntry(
        id="door", name="A door", summary="Rain.", cast=("ann",), path=str(folder / "scenes" / "door.yaml")
    )
    assert (odd.name, "cast" in odd.error) == ("odd", True)
    assert PlanList(shelf, folder / "plans.json").entries() == first
