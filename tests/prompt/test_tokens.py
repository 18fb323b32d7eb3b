"""Every token knows what it is there for and which turn it tells, whatever the format makes of the lines."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rpchat.engine.scripted import ScriptedEngine
from rpchat.prompt.conversation import Character, Conversation, Line, converse
from rpchat.prompt.formats import ADAPTERS
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.formats.sequences import SequencesAdapter
from rpchat.prompt.segment import Segment, Vocabulary, joined, text
from rpchat.prompt.tokens import Token, attribute, spent
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.preset import Preset
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.sequences import Sequences
from rpchat.story.turn import Turn

FORMATS: list[Adapter] = [
    *(adapter for name, adapter in ADAPTERS.items() if name != "template"),
    SequencesAdapter(Sequences(user_prefix="U ", char_prefix="C ", system_in_first_user=True, alternate=True)),
]
TOLD = Conversation(
    user=Character(name="Ann"),
    chars=(Character(name="Bo"), Character(name="Cy")),
    speaker="Bo",
    system="SETUP",
    lines=(
        Line(side="char", by="Bo", text="「one」", turn=11),
        Line(side="char", by="Cy", text="two, ありがとう", turn=12),
        Line(side="user", by="Ann", text="three", turn=13),
        Line(side="note", text="rain", turn=13),
        Line(side="lore", text="an old tower", turn=13),
        Line(side="user", by="Ann", text="four", turn=14),
    ),
)


async def tokens_of(segments: Iterable[Segment]) -> list[Token]:
    segments = list(segments)
    engine = ScriptedEngine()
    ids = await engine.tokenize(segments)
    return attribute(segments, ids, await engine.pieces(ids))


def told(tokens: list[Token], turn: int, origin: str) -> str:
    pieces = (token.piece for token in tokens if (token.turn, token.origin) == (turn, origin))
    return b"".join(pieces).decode()


@pytest.mark.parametrize("adapter", FORMATS, ids=[one.name for one in FORMATS])
async def test_every_line_stands_behind_its_turn(adapter: Adapter) -> None:
    tokens = await tokens_of(adapter.render(TOLD, Vocabulary(bos="<s>", controls=frozenset(adapter.controls))))
    lines = {11: "「one」", 12: "two, ありがとう", 13: "three", 14: "four"}
    for turn, said in lines.items():
        line = told(tokens, turn, "history")
        assert said in line
        assert not any(other in line for other in lines.values() if other != said)
    assert "rain" in told(tokens, 13, "note")
    assert "an old tower" in told(tokens, 13, "lore")
    assert told(tokens, 0, "setup").strip() == "SETUP"
    assert {token.turn for token in tokens if token.origin in ("control", "format", "cue")} == {0}
    assert sum(spent(tokens).values()) == len(tokens)


def test_cutting_a_text_changes_no_run() -> None:
    whole = [text("a「b」\nc", "history", turn=3), text(" [/INST]")]
    cut = [text("a「b」", "history", turn=3), text("\n"), text("c", "history", turn=4), text(" [/INST]")]
    assert joined(whole) == joined(cut)


def scene(note_every: int, *, sides: str = "mumu", post_history: str = "") -> tuple[Scene, tuple[Turn, ...]]:
    turns = tuple(
        Turn(
            id=number, parent=number - 1, side="user" if side == "u" else "member",
            speaker="Ann" if side == "u" else "Bo", text=f"line {number}",
        )
        for number, side in enumerate(sides, start=1)
    )  # fmt: skip
    settings = SceneSettings(note="rain", note_every=note_every)
    cast = (Member("bo", Card(name="Bo", post_history=post_history)),)
    return Scene(id=1, title="", cast=cast, persona=Persona(name="Ann"), settings=settings), turns


PRESET = Preset(name="any", adapter="chatml")


@pytest.mark.parametrize(("every", "behind"), [(1, [0, 1, 2, 3]), (2, [0, 2]), (3, [0, 3]), (4, [0]), (9, [0])])
def test_a_note_knows_behind_which_turn_it_stands(every: int, behind: list[int]) -> None:
    one, turns = scene(every)
    lines = converse(one, PRESET, turns, speaker="Bo").lines
    assert [line.turn for line in lines if line.side == "note"] == behind
    assert [line.turn for line in lines if line.side != "note"] == [1, 2, 3, 4]


def test_what_an_author_wants_told_last_does_too() -> None:
    one, turns = scene(9, post_history="be brief")
    lines = converse(one, PRESET, turns, speaker="Bo").lines
    assert [(line.text, line.turn) for line in lines[-2:]] == [("be brief", 3), ("line 4", 4)]
