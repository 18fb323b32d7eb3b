"""Scenes for the tests of the store."""

from __future__ import annotations

from rpchat.store.scenes import SceneStore
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.turn import ROOT, Turn

SAKURA = Member(
    "sakura",
    Card(
        name="桜",
        sheet={"年齢": "24", "好み": ("茶", "花")},
        tags=("maid",),
        extensions={"depth_prompt": {"depth": 4, "list": [1, None, 0.5]}},
    ),
)
IRIS = Member("iris", Card(name="Iris"))
YUTO = Persona(name="悠人", sheet={"身分": "貴族"})


def begin(store: SceneStore, *cast: Member, title: str = "夜の庭", now: float = 1000.0) -> Scene:
    return store.create(
        title=title, cast=cast or (SAKURA,), persona=YUTO, settings=SceneSettings(model="m.gguf"), now=now
    )


def say(
    store: SceneStore, scene: Scene, text: str, *, parent: int | None = None, instead_of: int = 0
) -> tuple[Scene, Turn]:
    under = scene.tip() if parent is None else parent
    turn = Turn(id=0, parent=under, side="user", speaker="悠人", text=text)
    return store.add_turn(scene, turn, now=1001.5, action="say", instead_of=instead_of)


def reply(store: SceneStore, scene: Scene, text: str, *, finish: str = "eos") -> tuple[Scene, Turn]:
    turn = Turn(
        id=0, parent=scene.tip(), side="member", speaker="桜", member="sakura", text=text, finish=finish,
        record={"attempts": [{"tokens": 3, "ms": 1.5}]},
    )  # fmt: skip
    return store.add_turn(scene, turn, now=1002.0, action="reply")


def texts(scene: Scene) -> list[str]:
    return [turn.text for turn in scene.line()]


def all_texts(store: SceneStore, scene_id: int) -> set[str]:
    return {turn.text for turn in store.load(scene_id).turns.values()}


__all__ = ["IRIS", "ROOT", "SAKURA", "YUTO", "all_texts", "begin", "reply", "say", "texts"]
