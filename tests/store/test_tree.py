"""The scene on disk and the scene in memory, walked together through every action there is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rpchat.store.scenes import SceneStore
from rpchat.story.scene import Scene
from tests.store.scenery import begin, say

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
picks = st.integers(0, 10_000)


class TreeMachine(RuleBasedStateMachine):
    """`timeline` is what undo and redo must walk through: the scene after each action, and where we stand."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "rpchat.db"
        self.store = SceneStore.open(self.path)
        self.scene = begin(self.store)
        self.timeline: list[Scene] = [self.scene]
        self.place = 0
        self.ever: dict[int, str] = {}

    def _went_on(self, scene: Scene) -> None:
        self.scene = scene
        self.timeline = [*self.timeline[: self.place + 1], scene]
        self.place += 1

    @rule(text=words)
    def say(self, text: str) -> None:
        scene, turn = say(self.store, self.scene, text)
        self.ever[turn.id] = turn.text
        self._went_on(scene)

    @precondition(lambda self: self.scene.turns)
    @rule(text=words, pick=picks)
    def swipe(self, text: str, pick: int) -> None:
        turns = list(self.scene.turns.values())
        scene, turn = say(self.store, self.scene, text, parent=turns[pick % len(turns)].parent)
        self.ever[turn.id] = turn.text
        self._went_on(scene)

    @precondition(lambda self: self.scene.line())
    @rule(text=words, pick=picks)
    def edit(self, text: str, pick: int) -> None:
        line = self.scene.line()
        old = line[pick % len(line)]
        behind = [turn.id for turn in self.scene.path() if turn.id > old.id and turn.parent >= old.id]
        scene, turn = say(self.store, self.scene, text, parent=old.parent, instead_of=old.id)
        self.ever[turn.id] = turn.text
        assert [turn.id for turn in scene.path()][-len(behind) :] == behind or not behind
        self._went_on(scene)

    @precondition(lambda self: self.scene.turns)
    @rule(pick=picks)
    def choose(self, pick: int) -> None:
        turns = list(self.scene.turns)
        changes = self.scene.choosing(turns[pick % len(turns)])
        if changes:
            self._went_on(self.store.commit(self.scene, changes, action="swipe", now=1.0))

    @precondition(lambda self: self.scene.line())
    @rule(pick=picks)
    def hide(self, pick: int) -> None:
        turns = self.scene.line()
        changes = self.scene.hiding(turns[pick % len(turns)].id)
        self._went_on(self.store.commit(self.scene, changes, action="delete", now=1.0))

    @rule()
    def undo(self) -> None:
        moved = self.store.undo(self.scene)
        assert (moved is None) == (self.place == 0)
        if moved is not None:
            self.scene, _ = moved
            self.place -= 1

    @rule()
    def redo(self) -> None:
        moved = self.store.redo(self.scene)
        assert (moved is None) == (self.place == len(self.timeline) - 1)
        if moved is not None:
            self.scene, _ = moved
            self.place += 1

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = SceneStore.open(self.path)

    @invariant()
    def disk_is_memory(self) -> None:
        assert self.store.load(self.scene.id) == self.scene

    @invariant()
    def the_line_is_the_one_of_its_place(self) -> None:
        assert self.scene.line() == self.timeline[self.place].line()
        versions = [turn.id for turn in self.scene.path()]
        assert [turn.id for turn in self.timeline[self.place].path()] == versions

    @invariant()
    def nothing_is_destroyed(self) -> None:
        assert {turn.id: turn.text for turn in self.store.load(self.scene.id).turns.values()} == self.ever

    @invariant()
    def the_list_tells_the_same(self) -> None:
        (summary,) = self.store.recent(limit=5)
        assert summary.turns == len(self.scene.line())

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


TestTree = TreeMachine.TestCase
TestTree.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
