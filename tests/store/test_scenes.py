from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from rpchat.errors import StoreError
from rpchat.store.migrations import MIGRATIONS
from rpchat.store.scenes import SceneStore
from rpchat.story.scene import SceneSettings
from rpchat.story.turn import ROOT, Turn
from tests.store.scenery import IRIS, SAKURA, begin, reply, say, texts


def test_a_scene_loads_as_it_was_left(store: SceneStore) -> None:
    scene = begin(store, SAKURA, IRIS)
    scene, _ = say(store, scene, "おはよう")
    scene, _ = reply(store, scene, "おはようございます")
    assert store.load(scene.id) == scene


def test_turns_are_cleaned_and_dated(store: SceneStore) -> None:
    scene, turn = say(store, begin(store), "a\x1b[31m\r\nb\ud800")
    assert turn.text == "a[31m\nb"
    assert turn.created == 1001.5
    assert store.load(scene.id).turns[turn.id] == turn


def test_a_checkpoint_changes_text_finish_and_record_only(store: SceneStore) -> None:
    scene, turn = reply(store, begin(store), "お", finish="open")
    scene = store.update_turn(scene, replace(turn, text="おはよ", finish="eos", record={"n": 1}, speaker="x", parent=7))
    assert scene.turns[turn.id] == replace(turn, text="おはよ", finish="eos", record={"n": 1})
    assert store.load(scene.id) == scene


def test_undo_and_redo_outlive_the_process(database: Path) -> None:
    store = SceneStore.open(database)
    scene, _ = say(store, begin(store), "one")
    scene, _ = reply(store, scene, "two")
    store.close()
    store = SceneStore.open(database)
    undone = store.undo(store.load(scene.id))
    assert undone is not None
    assert undone[1] == "reply"
    assert texts(undone[0]) == ["one"]
    store.close()
    store = SceneStore.open(database)
    redone = store.redo(store.load(scene.id))
    assert redone is not None
    assert redone[0] == scene
    assert store.redo(redone[0]) is None
    store.close()


def test_a_new_action_ends_what_could_be_redone_and_destroys_nothing(store: SceneStore) -> None:
    scene, _ = say(store, begin(store), "one")
    undone = store.undo(scene)
    assert undone is not None
    scene, _ = say(store, undone[0], "other")
    assert store.redo(scene) is None
    assert {turn.text for turn in store.load(scene.id).turns.values()} == {"one", "other"}


def test_an_action_without_changes_is_not_journaled(store: SceneStore) -> None:
    scene, turn = say(store, begin(store), "one")
    assert store.commit(scene, scene.choosing(turn.id), action="swipe", now=5.0) == scene
    undone = store.undo(scene)
    assert undone is not None
    assert undone[1] == "say"


def test_recent_begins_with_the_scene_played_last_even_when_the_clock_goes_back(store: SceneStore) -> None:
    first = begin(store, title="first", now=9000.0)
    begin(store, IRIS, title="second", now=50.0)
    assert [found.title for found in store.recent(limit=9)] == ["second", "first"]
    scene, _ = say(store, first, "again")
    found = store.recent(limit=1)[0]
    assert (found.title, found.cast, found.card_ids) == ("first", ("桜",), ("sakura",))
    assert (found.last_speaker, found.last_text, found.turns, found.updated) == ("悠人", "again", 1, 1001.5)
    assert store.latest_of(["sakura"]) == scene.id


@pytest.mark.parametrize("search", ["庭", "夜の", "桜", "ございま", "ＨＥＬＬＯ", "hello 桜", "  "])
def test_search_finds_title_cast_and_parts_of_turns(store: SceneStore, search: str) -> None:
    scene, _ = say(store, begin(store), "Hello, 100% _x_")
    reply(store, scene, "おはようございます")
    begin(store, IRIS, title="elsewhere", now=1.0)
    assert scene.id in [found.id for found in store.recent(limit=9, search=search)]


@pytest.mark.parametrize("search", ["missing", "hello nobody", "100_"])
def test_search_finds_nothing_else(store: SceneStore, search: str) -> None:
    say(store, begin(store), "Hello, 100% _x_")
    assert store.recent(limit=9, search=search) == []


def test_search_does_not_show_what_is_hidden(store: SceneStore) -> None:
    scene, turn = say(store, begin(store), "secret")
    assert store.recent(limit=9, search="secret")
    store.commit(scene, scene.hiding(turn.id), action="delete", now=2.0)
    assert store.recent(limit=9, search="secret") == []


def test_the_latest_of_a_cast_is_of_exactly_that_cast(store: SceneStore) -> None:
    both = begin(store, SAKURA, IRIS)
    alone = begin(store, SAKURA)
    assert store.latest_of(["iris", "sakura"]) == both.id
    assert store.latest_of(["sakura"]) == alone.id
    assert store.latest_of(["iris"]) is None


def test_settings_and_title_are_saved(store: SceneStore) -> None:
    scene = store.save_settings(begin(store), SceneSettings(preset="p", first_kept=3))
    before = scene.title
    scene = store.commit(scene, scene.retitling("新しい\n題"), action="rename", now=2.0)
    assert scene.title == "新しい 題"
    assert store.load(scene.id) == scene
    assert store.recent(limit=1, search="題")
    undone = store.undo(scene)
    assert undone is not None
    assert undone[0].title == store.load(scene.id).title == before
    assert not store.recent(limit=1, search="題")


def test_an_interrupted_reply_stays_and_an_empty_one_never_was(store: SceneStore) -> None:
    kept, _ = say(store, begin(store), "one")
    kept, _ = reply(store, kept, "おは", finish="open")
    empty, _ = say(store, begin(store), "one")
    before, _ = reply(store, empty, "first")
    nothing = Turn(id=0, parent=before.line()[0].id, side="member", speaker="桜", finish="open")
    empty, _ = store.add_turn(before, nothing, now=3.0, action="regenerate")
    assert store.settle() == 2
    assert store.settle() == 0
    told = store.load(kept.id).line()[-1]
    assert (told.text, told.finish) == ("おは", "interrupted")
    settled = store.load(empty.id)
    assert texts(settled) == ["one", "first"]
    undone = store.undo(settled)
    assert undone is not None
    assert undone[1] == "reply"


def test_an_empty_reply_behind_which_the_scene_went_on_is_deleted_as_an_action(store: SceneStore) -> None:
    scene, _ = reply(store, begin(store), "", finish="open")
    scene, _ = say(store, scene, "hello?")
    assert store.settle(scene.id) == 1
    settled = store.load(scene.id)
    assert texts(settled) == ["hello?"]
    undone = store.undo(settled)
    assert undone is not None
    assert texts(undone[0]) == ["", "hello?"]


def test_what_is_not_there_is_said(store: SceneStore) -> None:
    scene = begin(store)
    with pytest.raises(StoreError, match="no scene 77"):
        store.load(77)
    with pytest.raises(StoreError, match="no turn 5"):
        say(store, scene, "x", parent=5)
    assert store.load(scene.id) == scene


def test_a_reader_sees_what_the_writer_committed_and_writes_nothing(store: SceneStore, database: Path) -> None:
    scene, _ = say(store, begin(store), "one")
    reader = SceneStore.open(database, read_only=True)
    assert reader.load(scene.id) == scene
    with pytest.raises(StoreError, match="cannot be written"):
        say(reader, scene, "two")
    scene, _ = say(store, scene, "two")
    assert reader.load(scene.id) == scene
    reader.close()


def test_a_second_writer_is_told_so(store: SceneStore, database: Path) -> None:
    scene = begin(store)
    other = apsw.Connection(str(database))
    other.execute("BEGIN IMMEDIATE")
    store._connection.set_busy_timeout(1)
    with pytest.raises(StoreError, match="Another rpchat"):
        say(store, scene, "x")
    other.execute("ROLLBACK")
    other.close()
    say(store, scene, "x")


def test_a_newer_database_is_left_alone(database: Path) -> None:
    SceneStore.open(database).close()
    connection = apsw.Connection(str(database))
    connection.pragma("user_version", len(MIGRATIONS) + 1)
    connection.close()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="newer rpchat"):
            SceneStore.open(database, read_only=read_only)


def test_another_programs_database_is_left_alone(database: Path) -> None:
    connection = apsw.Connection(str(database))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = database.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        SceneStore.open(database)
    assert database.read_bytes()[100:] == before[100:]


@pytest.mark.parametrize("content", [b"no database at all, " * 200, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_left_alone(database: Path, content: bytes) -> None:
    database.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        SceneStore.open(database)
    assert database.read_bytes() == content


def test_a_folder_in_the_way_and_a_missing_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        SceneStore.open(tmp_path)
    with pytest.raises(StoreError, match="no scenes"):
        SceneStore.open(tmp_path / "none.db", read_only=True)


def test_check_sees_damage(database: Path) -> None:
    store = SceneStore.open(database)
    assert store.check()
    scene = begin(store)
    for number in range(200):
        scene, _ = say(store, scene, f"{number} " + "word " * 50)
    store.close()
    pages = bytearray(database.read_bytes())
    for start in range(4096 * 15, len(pages), 4096):
        pages[start : start + 64] = b"\xee" * 64
    database.write_bytes(pages)
    store = SceneStore.open(database)
    with pytest.raises(StoreError, match="damaged"):
        store.load(scene.id)
    assert not store.check()
    store.close()


def test_a_pointer_that_leads_astray_is_noticed(store: SceneStore) -> None:
    scene, turn = say(store, begin(store), "one")
    store._connection.execute("UPDATE chosen SET child = 99 WHERE parent = ?", (ROOT,))
    with pytest.raises(StoreError, match="does not follow"):
        store.load(scene.id)
    assert turn.id != 99


def test_bundled_actions_are_undone_and_redone_at_once(store: SceneStore) -> None:
    scene = begin(store)
    scene, _ = say(store, scene, "one")
    since = store.journal_end(scene)
    for text in ("two", "three"):
        scene, _ = say(store, scene, text)
    store.bundle(scene, since=since, action="round")
    whole = scene
    scene, _ = say(store, scene, "four")
    names = []
    while (undone := store.undo(scene)) is not None:
        scene, name = undone
        names.append((name, len(scene.line())))
    assert names == [("say", 3), ("round", 1), ("say", 0)]
    for count in (1, 3):
        redone = store.redo(scene)
        assert redone is not None
        scene = redone[0]
        assert len(scene.line()) == count
    assert texts(scene) == texts(whole) == ["one", "two", "three"]
