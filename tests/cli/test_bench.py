"""`rpchat bench`: played with the real model in a home of its own; and how its figures come from what was played."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

import pytest

from rpchat.cli.bench import Notes
from rpchat.cli.build import Options, build
from rpchat.cli.script import ACTIONS, Action, Script, scripts
from rpchat.cli.waits import ALLOWANCE, Played, Stage
from rpchat.cli.waits_table import fill, rows_of, table
from rpchat.engine.port import LoadEvent, Stepping
from rpchat.engine.scripted import ScriptedEngine
from rpchat.engine.settings import EngineSettings
from rpchat.program import Program
from rpchat.session import Session
from rpchat.store.config import Config
from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore
from rpchat.story.card import Card
from rpchat.story.scene import Member, Scene, SceneSettings
from tests.cli.helpers import Terminal
from tests.tui.helpers import folders_in

SCENE = Scene(id=1, title="Ann", cast=(Member("ann", Card(name="Ann")),))


def played(action: Action, *, typed: int, evaluated: int, prompt: int = 100, first_kept: int = 0) -> Played:
    scene = Scene(id=1, title="Ann", cast=SCENE.cast, settings=SceneSettings(first_kept=first_kept))
    return Played(
        title="alone",
        action=action,
        typed=typed,
        evaluated=evaluated,
        prompt=prompt,
        scene=scene,
        begun="",
        looked_at=None,
    )


def test_every_action_has_its_row() -> None:
    rows = rows_of(
        [
            played("swipe", typed=0, evaluated=1),
            played("send", typed=10, evaluated=10 + ALLOWANCE),
            played("send", typed=2, evaluated=3 + ALLOWANCE),
            played("send", typed=4, evaluated=7),
        ]
    )
    send, swipe = rows
    assert (send.action, send.count, send.typed, send.evaluated) == ("send", 3, 4, 3 + ALLOWANCE)
    assert (send.worst, send.excess, send.over) == (10 + ALLOWANCE, 1 + ALLOWANCE, 1)
    assert (swipe.action, swipe.count, swipe.worst, swipe.over) == ("swipe", 1, 1, 0)
    head, title, first, second = table(rows).splitlines()
    assert title == "alone:"
    assert str(ALLOWANCE) in head
    assert first.startswith("send")
    assert first.endswith("missed 1× (by up to 1)")
    assert second.endswith("met")


def test_the_fill_is_of_prompts_in_front_of_which_turns_were_dropped() -> None:
    early = played("send", typed=1, evaluated=1, prompt=50)
    late = [played("send", typed=1, evaluated=1, prompt=count, first_kept=7) for count in (150, 190)]
    assert fill([early], 200) is None
    assert fill([early, *late], 200) == 0.85


def test_the_scripts_do_everything() -> None:
    alone, company, own = scripts(60)
    assert (own.actions, own.sheets) == (company.actions, "own")
    assert set(alone.actions) | set(company.actions) == set(ACTIONS)
    assert len(alone.actions) == len(company.actions) == 60
    assert "next speaker" not in alone.actions
    assert (len(alone.cards), len(company.cards)) == (1, 3)


async def test_every_action_is_played_and_counted(playing: Terminal) -> None:
    actions: tuple[Action, ...] = (
        "send", "swipe", "send", "continue", "regenerate", "send", "edit", "next speaker", "note", "branch", "back",
        "reopen",
    )  # fmt: skip
    waits: list[Session] = []

    async def idle(session: Session) -> None:
        waits.append(session)

    stage = Stage(
        start=lambda: build(Options(home=playing.home)), script=Script("small", ("ann",), actions), longest=4, idle=idle
    )
    told = {one.action: one async for one in stage.play()}
    assert set(told) == set(actions) == set(ACTIONS)
    assert stage.given_up == 0
    # Behind the note, in both branches and in the new program people type again.
    assert len(waits) == len(actions) + 4
    assert told["swipe"].evaluated == 1
    assert told["continue"].evaluated <= 2
    for action in ("swipe", "continue", "edit", "next speaker"):
        assert not told[action].waited, action
    assert told["continue"].begun
    line = told["back"].scene.line()
    assert [turn.side for turn in line[-2:]] == ["user", "member"]
    assert told["branch"].scene.line()[-1].id not in [turn.id for turn in line]
    assert told["note"].scene.settings.note
    looked_at = told["note"].looked_at
    assert looked_at is not None
    assert told["note"].scene.settings.note in looked_at.preview.prompt.text


def test_the_users_own_scenes_are_left_alone(playing: Terminal) -> None:
    result = playing.run("bench", "--actions", "1", "--json")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert told["context"] == 2048
    assert told["reading"] is None or told["reading"] > 0
    assert [(row["action"], row["count"]) for row in told["actions"]] == [("send", 1)] * 3
    assert len({row["title"] for row in told["actions"]}) == 3
    assert playing.run("--scene", "1", "say", "Hi.").complaint.startswith("rpchat: there is no scene")


class Short(ScriptedEngine):
    """An engine whose memory does not hold what is asked for."""

    async def load(
        self, path: Path, settings: EngineSettings, *, controls: Iterable[str] = ()
    ) -> AsyncGenerator[LoadEvent, None]:
        yield Stepping("a context of 1,024 tokens")
        async for event in super().load(path, settings, controls=controls):
            yield event


async def test_what_memory_does_not_hold_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders, notes = folders_in(tmp_path), Notes()

    def start() -> Program:
        lock = HomeLock(folders.lock_file)
        assert lock.acquire()
        return Program(
            folders=folders, config=Config(), scenes=SceneStore.open(folders.database), lock=lock,
            engine=Short(loaded=False),
        )  # fmt: skip

    async def idle(_session: Session) -> None:
        return

    script = Script("small", ("mira-of-the-light",), ("send", "reopen"))
    stage = Stage(start=start, script=script, longest=4, idle=idle, tell=notes.tell)
    assert len([one async for one in stage.play()]) == 2
    assert stage.model is not None
    assert [line.strip() for line in capsys.readouterr().err.splitlines()] == ["rpchat: a context of 1,024 tokens"]


def test_without_a_model_it_says_so(terminal: Terminal) -> None:
    result = terminal.run("bench", "--model", "missing.gguf")
    assert result.code == 1
    assert "missing.gguf" in result.complaint
