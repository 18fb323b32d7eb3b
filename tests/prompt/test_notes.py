"""Where the author's note is told, and that it stays there while the story goes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpchat.prompt.notes import note_changed_behind, note_places
from rpchat.story.card import Card
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.turn import Turn


def scene(sides: str, *, since: int, every: int = 8) -> Scene:
    """A scene of one line, `u` the user and `m` the member, with a note set when there were `since` turns."""
    settings = SceneSettings(note="rain", note_every=every, note_since=since)
    one = Scene(id=1, title="", cast=(Member("bo", Card(name="Bo")),), settings=settings)
    for number, side in enumerate(sides, start=1):
        turn = Turn(id=number, parent=number - 1, side="user" if side == "u" else "member", speaker="")
        one = one.with_turn(turn).apply(one.adding(turn))
    return one


@pytest.mark.parametrize(
    ("sides", "since", "places"),
    [
        ("mumu", 3, {3}),  # set in front of what the user says next
        ("mumum", 3, {3}),
        ("mumumum", 3, {3}),
        ("mumu", 4, {3}),  # set while the user's line waits for its answer
        ("mumum", 4, {3}),
        ("mumm", 4, {4}),  # nobody says anything in between: whoever is next reads it last
        ("mummm", 4, {4}),
        ("", 0, {0}),
        ("u", 0, {0}),
        ("mumumumumumu", 1, {1, 9}),
    ],
)
def test_it_is_told_where_it_was_set_and_again(sides: str, since: int, places: set[int]) -> None:
    one = scene(sides, since=since)
    assert note_places(one, one.line()) == places


def test_without_a_note_there_is_none() -> None:
    one = Scene(id=1, title="", cast=())
    assert note_places(one, ()) == frozenset()


def test_an_answer_written_again_hears_it() -> None:
    one = scene("mum", since=3)
    assert note_places(one, one.line()[:2]) == {1}


def test_dropped_turns_take_theirs_along_but_never_the_only_one() -> None:
    one = scene("mumumumumumu", since=1)
    assert note_places(one, one.line()[5:]) == {4}
    assert note_places(one, one.line()[10:]) == {0}


@pytest.mark.parametrize(
    ("sides", "since", "last"),
    [
        ("mumu", 3, 3),
        ("mumu", 4, 4),
        ("mumum", 3, 0),  # somebody answered
        ("mumuu", 3, 3),
        ("mumu", 0, 0),  # never set
        ("u", 0, 0),
        ("", 0, 0),
    ],
)
def test_what_it_was_changed_behind_is_known_until_somebody_answers(sides: str, since: int, last: int) -> None:
    one = scene(sides, since=since)
    assert note_changed_behind(one, one.line()) == last
    assert note_changed_behind(one, one.line()[3:]) == (last if last > 3 else 0)


@given(sides=st.text("um", min_size=2, max_size=40), since=st.integers(0, 40), every=st.integers(1, 9), data=st.data())
def test_it_never_moves_and_is_never_far(sides: str, since: int, every: int, data: st.DataObject) -> None:
    one = scene(sides, since=min(since, len(sides)), every=every)
    line = one.line()
    now = data.draw(st.integers(min(len(line), one.settings.note_since + 2), len(line)))
    before, after = note_places(one, line[:now]), note_places(one, line)
    assert {place for place in after if place < now} >= {place for place in before if place < now}
    assert len(line) - max(after) <= every
    assert not after - set(range(len(line) + 1))
