from __future__ import annotations

from dataclasses import replace

import pytest

from rpchat.errors import StoreError
from rpchat.store.scenes import SceneStore
from rpchat.story.scene import NEVER, Member, Scene, SceneSettings
from rpchat.story.turn import ROOT, Turn
from tests.store.scenery import IRIS, SAKURA, YUTO, all_texts, begin, reply, say, texts


def turn(turn_id: int, parent: int, text: str, **more: object) -> Turn:
    return Turn(id=turn_id, parent=parent, side="user", speaker="悠人", text=text, **more)  # type: ignore[arg-type]


TALE = Scene(
    id=0,
    title="夜の\n庭",
    cast=(SAKURA, replace(IRIS, joined=3, left=4, muted=True), Member("voice", IRIS.card, left=NEVER)),
    persona=YUTO,
    settings=SceneSettings(note="n", first_kept=3, note_since=4),
    turns={
        1: turn(1, ROOT, "one", created=5.0),
        2: turn(2, ROOT, "uno", created=6.5, record={"carried": {"swipe": {"a": [1, None]}}}),
        3: turn(3, 2, "two", finish="eos"),
        4: turn(4, 2, "two and more", continues=3, edited=True),
        9: turn(9, 4, "three"),
    },
    chosen={ROOT: 2, 2: 4, 4: 9, 9: 0},
    hidden=frozenset({9}),
    carried={"tavern": {"header": {"chat_metadata": {"note_prompt": "x"}}}},
)


def test_a_whole_scene_gets_ids_of_its_own(store: SceneStore) -> None:
    say(store, begin(store), "elsewhere")
    stored = store.add_whole(TALE, now=100.0)
    assert store.load(stored.id) == stored
    assert (stored.title, texts(stored)) == ("夜の 庭", ["uno", "two and more"])
    first, second, third, fourth, fifth = sorted(stored.turns)
    assert first > 1
    assert dict(stored.chosen) == {ROOT: second, second: fourth, fourth: fifth}
    assert stored.hidden == {fifth}
    assert stored.turns[fourth].continues == third
    assert (stored.settings.first_kept, stored.settings.note_since) == (third, fourth)
    assert [(member.joined, member.left) for member in stored.cast] == [(0, 0), (third, fourth), (0, NEVER)]
    assert [one.created for one in stored.turns.values()] == [5.0, 6.5, 0.0, 0.0, 0.0]
    assert stored.turns[second].record == TALE.turns[2].record
    assert (stored.carried, stored.persona, stored.turns[fourth].edited) == (TALE.carried, YUTO, True)


def test_the_next_turn_comes_behind_a_whole_scene(store: SceneStore) -> None:
    scene = store.add_whole(TALE, now=100.0)
    scene, added = say(store, scene, "next")
    assert added.id > max(TALE.turns) - len(TALE.turns)
    assert scene.turns.keys() >= {added.id, added.parent}
    undone = store.undo(scene)
    assert undone is not None
    assert store.undo(undone[0]) is None
    assert store.check()


def test_lists_and_searches_find_a_whole_scene(store: SceneStore) -> None:
    stored = store.add_whole(TALE, now=100.0)
    (found,) = store.recent(limit=5, search="uno iris")
    assert (found.id, found.turns, found.last_text, found.updated) == (stored.id, 2, "two and more", 100.0)
    assert store.latest_of(["voice", "iris", "sakura"]) == stored.id


def test_what_a_terminal_obeys_is_not_stored(store: SceneStore) -> None:
    stored = store.add_whole(replace(TALE, title="a\x1bb", turns={1: turn(1, ROOT, "c\x9b\r\nd")}, chosen={0: 1},
                                     hidden=frozenset(), cast=(SAKURA,)), now=1.0)  # fmt: skip
    assert (stored.title, texts(stored)) == ("ab", ["c\nd"])
    assert store.load(stored.id) == stored


@pytest.mark.parametrize(
    "broken",
    [
        {"turns": {1: turn(1, 7, "a")}, "chosen": {}, "hidden": frozenset()},
        {"turns": {1: turn(1, 1, "a")}, "chosen": {}, "hidden": frozenset()},
        {"turns": {1: turn(1, NEVER, "a")}, "chosen": {}, "hidden": frozenset()},
        {"turns": {1: turn(1, ROOT, "a", continues=2), 2: turn(2, ROOT, "b")}, "chosen": {}, "hidden": frozenset()},
        {"turns": {1: turn(1, 2, "a"), 2: turn(2, 1, "b")}, "chosen": {1: 2, 2: 1}, "hidden": frozenset()},
        {"chosen": {ROOT: 9}},
        {"chosen": {ROOT: 77}},
        {"hidden": frozenset({77})},
        {"cast": (replace(SAKURA, joined=77),)},
    ],
)
def test_what_does_not_hang_together_is_refused_and_changes_nothing(
    store: SceneStore, broken: dict[str, object]
) -> None:
    with pytest.raises(StoreError):
        store.add_whole(replace(TALE, **broken), now=1.0)  # type: ignore[arg-type]
    assert store.recent(limit=5) == []
    assert store.check()


def test_a_copy_holds_everything_but_the_journal(store: SceneStore) -> None:
    scene, _ = say(store, store.add_whole(TALE, now=1.0), "more")
    scene, _ = reply(store, scene, "and more")
    copy = store.duplicate(scene, title="copy", now=2.0)
    assert store.load(copy.id) == copy
    assert (texts(copy), all_texts(store, copy.id)) == (texts(scene), all_texts(store, scene.id))
    assert (copy.carried, copy.title) == (scene.carried, "copy")
    assert copy.turns.keys().isdisjoint(scene.turns)
    assert store.undo(copy) is None
    assert store.load(scene.id) == scene
