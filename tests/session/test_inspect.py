"""The prompt laid open: where reading begins, in a reader's words, and why turns were left out."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

import pytest

from rpchat.engine.port import MemoryKind, Request
from rpchat.engine.scripted import MODEL, ScriptedEngine
from rpchat.errors import PromptError
from rpchat.session.inspect import Inspection, inspect
from rpchat.session.preview import preview
from rpchat.story.card import Card
from rpchat.story.persona import Persona
from rpchat.story.preset import Preset, Sampling
from rpchat.story.scene import Member, Scene, SceneSettings
from rpchat.story.turn import Turn

CHATML = Preset(name="chatml", adapter="chatml", max_tokens=100)
FORMATS = ["mistral", "vicuna", "party", "chatml", "alpaca", "blockml"]


def scene(said: int, *, note: str = "", first_kept: int = 0) -> Scene:
    """A scene of turns 1 to `said`, the user's first, with a note that was set behind the third."""
    one = Scene(
        id=1,
        title="",
        cast=(Member("bo", Card(name="Bo", description="Keeps the light.")),),
        persona=Persona(name="Ann"),
        settings=SceneSettings(note=note, note_since=3, first_kept=first_kept),
    )
    for number in range(1, said + 1):
        side, speaker = ("user", "Ann") if number % 2 else ("member", "Bo")
        turn = Turn(
            id=number, parent=number - 1, side="user" if side == "user" else "member", speaker=speaker,
            member="" if side == "user" else "bo", text=f"This is what was said as number {number}.",
        )  # fmt: skip
        one = one.with_turn(turn).apply(one.adding(turn))
    return one


def reader(n_ctx: int = 8192) -> ScriptedEngine:
    """An engine that has read nothing."""
    return ScriptedEngine(model=replace(MODEL, n_ctx=n_ctx, controls=MODEL.controls | {"<|im_start|>", "<|im_end|>"}))


async def having_read(engine: ScriptedEngine, one: Scene, preset: Preset = CHATML) -> ScriptedEngine:
    """The engine with the next prompt of `one` in its cache."""
    shown = await preview(one, preset, "", engine=engine)
    request = Request(segments=shown.prompt.segments, sampling=Sampling(), seed=1, max_tokens=1)
    async with aclosing(engine.stream(request)) as events:
        async for _ in events:
            pass
    return engine


async def change(one: Scene, engine: ScriptedEngine, text: str = "", preset: Preset = CHATML) -> str:
    found = (await inspect(one, preset, engine=engine, text=text)).first_change
    return "nothing" if found is None else str(found)


async def test_nothing_is_read_yet() -> None:
    assert await change(scene(3), reader()) == "setup"


async def test_all_is_read() -> None:
    assert await change(scene(3), await having_read(reader(), scene(3))) == "nothing"


@pytest.mark.parametrize("adapter", FORMATS)
async def test_the_reply_is_what_is_new(adapter: str) -> None:
    preset = replace(CHATML, adapter=adapter)
    engine = await having_read(reader(), scene(3), preset)
    assert await change(scene(4), engine, "And now?", preset) == "history (turn 4)"


@pytest.mark.parametrize("adapter", FORMATS)
async def test_a_word_that_was_changed_names_its_turn(adapter: str) -> None:
    preset = replace(CHATML, adapter=adapter)
    engine = await having_read(reader(), scene(5), preset)
    edited = scene(5)
    edited = edited.with_turn(replace(edited.turns[3], text="Something else was said."))
    assert await change(edited, engine, preset=preset) == "history (turn 3)"


async def test_a_note_names_the_turn_behind_which_it_stands() -> None:
    engine = await having_read(reader(), scene(5))
    assert await change(scene(5, note="It rains."), engine) == "note (turn 2)"
    engine = await having_read(reader(), scene(5, note="It rains."))
    assert await change(scene(5, note="It snows."), engine) == "note (turn 2)"


async def test_what_is_hidden_is_not_counted() -> None:
    one = scene(5)
    one = one.apply(one.hiding(1))
    engine = await having_read(reader(), one)
    edited = one.with_turn(replace(one.turns[3], text="Something else was said."))
    assert await change(edited, engine) == "history (turn 2)"


async def test_only_the_marks_in_front_of_the_reply_are_left() -> None:
    engine = reader()
    shown = await preview(scene(3), CHATML, "", engine=engine)
    *front, _, _ = shown.prompt.segments
    request = Request(segments=tuple(front), sampling=Sampling(), seed=1, max_tokens=1)
    async with aclosing(engine.stream(request)) as events:
        async for _ in events:
            pass
    assert await change(scene(3), engine) == "cue"


async def test_everything_told_is_spent_once() -> None:
    inspection = await inspect(scene(5, note="It rains."), CHATML, engine=reader())
    assert sum(inspection.spent.values()) == len(inspection.tokens)
    assert {"setup", "history", "note", "format", "control"} == set(inspection.spent)
    assert inspection.reserve == 100
    assert inspection.room == 8092


async def cramped(n_ctx: int, one: Scene) -> Inspection:
    return await inspect(one, CHATML, engine=reader(n_ctx))


async def test_nothing_dropped_needs_no_reason() -> None:
    inspection = await cramped(8192, scene(9))
    assert (inspection.dropped, inspection.why_dropped) == ((), "")


async def test_why_turns_were_left_out() -> None:
    one = scene(21)
    everything = len((await cramped(8192, one)).tokens)
    inspection = await cramped(1200, one)
    count = len(inspection.dropped)
    assert count > 1
    assert inspection.dropped == one.line()[:count]
    over = everything - 1100
    assert inspection.why_dropped == f"the {count} oldest turns: all told, {over:,} tokens over the room of 1,100"
    assert len(inspection.tokens) <= 1100


async def test_what_was_left_out_before_says_so() -> None:
    inspection = await cramped(8192, scene(9, first_kept=2))
    assert [turn.id for turn in inspection.dropped] == [1]
    assert inspection.why_dropped.startswith("the oldest turn: left out when there was less room")


async def test_a_template_that_cannot_hold_it_all_leaves_the_figure_out() -> None:
    class Small(ScriptedEngine):
        async def render_template(self, messages: object) -> str:
            assert isinstance(messages, list)
            if len(messages) > 12:
                raise PromptError("the template takes too long")
            return await super().render_template(messages)

    engine = Small(model=MODEL)
    one = scene(21, first_kept=15)
    inspection = await inspect(one, replace(CHATML, adapter="template"), engine=engine)
    assert len(inspection.dropped) == 14
    assert inspection.why_dropped == "the 14 oldest turns: no room in 8,092 tokens"


async def test_without_a_model_there_is_a_prompt_but_no_tokens() -> None:
    engine = ScriptedEngine(loaded=False)
    shown = await preview(scene(3), CHATML, "Hello?", engine=engine)
    assert (shown.token_ids, shown.whole) == (None, None)
    assert [turn.text for turn in shown.line][-1] == "Hello?"
    with pytest.raises(PromptError, match="no model is loaded"):
        await inspect(scene(3), CHATML, engine=engine)


async def test_where_a_secret_on_a_sheet_is_known_to_all_it_says_so() -> None:
    bo, cy = Member("bo", Card(name="Bo")), Member("cy", Card(name="Cy", description="Took the ring."))
    one = replace(scene(3), cast=(bo, cy), settings=SceneSettings(presence=True))
    (caution,) = (await inspect(one, CHATML, engine=reader())).cautions
    assert "not sheets: Cy reads those of Bo" in caution
    for settings in (SceneSettings(), SceneSettings(presence=True, sheets="own")):
        assert not (await inspect(replace(one, settings=settings), CHATML, engine=reader())).cautions


@pytest.mark.parametrize(("memory", "word"), [("window", "sliding window"), ("recurrent", "recurrent")])
async def test_a_model_that_cannot_go_back_is_told(memory: MemoryKind, word: str) -> None:
    (caution,) = (await inspect(scene(3), CHATML, engine=ScriptedEngine(model=replace(MODEL, memory=memory)))).cautions
    assert word in caution
