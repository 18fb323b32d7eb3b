from __future__ import annotations

from dataclasses import replace

import pytest

from rpchat.story.card import Card
from rpchat.story.change import Change
from rpchat.story.scene import Member, Scene
from rpchat.story.turn import Turn

EMPTY = Scene(id=1, title="", cast=(Member("sakura", Card(name="桜")),))


def said(scene: Scene, turn_id: int, *, parent: int) -> Scene:
    turn = Turn(id=turn_id, parent=parent, side="user", speaker="You", text=str(turn_id))
    return scene.with_turn(turn).apply(scene.adding(turn))


def ids(scene: Scene) -> list[int]:
    return [turn.id for turn in scene.line()]


def back(changes: tuple[Change, ...]) -> list[Change]:
    return [change.reversed() for change in reversed(changes)]


@pytest.fixture
def told() -> Scene:
    """1 - 2 - (3, 4, 5 told) - and nothing behind."""
    scene = said(said(EMPTY, 1, parent=0), 2, parent=1)
    for swipe in (3, 4, 5):
        scene = said(scene, swipe, parent=2)
    return scene


def test_an_empty_scene() -> None:
    assert EMPTY.line() == ()
    assert EMPTY.tip() == 0


def test_a_swipe_is_a_sibling_and_is_told(told: Scene) -> None:
    assert ids(told) == [1, 2, 5]
    assert [turn.id for turn in told.swipes(4)] == [3, 4, 5]
    assert told.tip() == 5


def test_choosing_tells_another_version_and_what_came_behind_it(told: Scene) -> None:
    longer = said(told, 6, parent=5)
    earlier = longer.apply(longer.choosing(3))
    assert ids(earlier) == [1, 2, 3]
    assert ids(earlier.apply(earlier.choosing(5))) == [1, 2, 5, 6]


def test_choosing_what_is_told_changes_nothing(told: Scene) -> None:
    assert told.choosing(5) == ()


def test_hiding_the_end_tells_the_version_before_it(told: Scene) -> None:
    assert ids(told.apply(told.hiding(5))) == [1, 2, 4]
    first = told.apply(told.choosing(3))
    assert ids(first.apply(first.hiding(3))) == [1, 2, 4]


def test_hiding_in_the_middle_keeps_what_follows(told: Scene) -> None:
    assert ids(told.apply(told.hiding(2))) == [1, 5]


def test_hiding_a_version_that_is_not_told_leaves_the_told_one(told: Scene) -> None:
    first = told.apply(told.choosing(3))
    assert ids(first.apply(first.hiding(5))) == [1, 2, 3]


def test_hiding_twice_is_hiding_once(told: Scene) -> None:
    hidden = told.apply(told.hiding(5))
    assert hidden.hiding(5) == ()


def test_hiding_the_only_turn_leaves_an_empty_line() -> None:
    scene = said(EMPTY, 1, parent=0)
    hidden = scene.apply(scene.hiding(1))
    assert hidden.line() == ()
    assert hidden.tip() == 1


@pytest.mark.parametrize("turn_id", [1, 2, 3, 4, 5])
def test_hiding_reversed_is_nothing(told: Scene, turn_id: int) -> None:
    changes = told.hiding(turn_id)
    assert told.apply(changes).apply(back(changes)) == told


def test_adding_reversed_hides_the_turn_and_tells_what_was_told(told: Scene) -> None:
    turn = Turn(id=9, parent=2, side="user", speaker="You")
    changes = told.adding(turn)
    undone = told.with_turn(turn).apply(changes).apply(back(changes))
    assert ids(undone) == [1, 2, 5]
    assert undone.hidden == {9}


def test_a_member_is_found_by_its_card() -> None:
    assert EMPTY.member("sakura").card.name == "桜"
    with pytest.raises(KeyError):
        EMPTY.member("nobody")


def test_a_turn_is_replaced_by_id(told: Scene) -> None:
    longer = told.with_turn(replace(told.turns[5], text="more"))
    assert longer.line()[-1].text == "more"
    assert len(longer.turns) == len(told.turns)
