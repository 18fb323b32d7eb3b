"""The head of the inspector says where reading begins in a reader's words."""

from __future__ import annotations

from rpchat.session.inspect import inspect
from rpchat.tui.widgets.prompt_head import Head, head_text
from tests.session.test_inspect import CHATML, having_read, reader, scene


async def test_it_names_the_note_and_the_turn() -> None:
    engine = await having_read(reader(), scene(5, note="It rains."))
    inspection = await inspect(scene(5, note="It snows."), CHATML, engine=engine)
    first, *_ = head_text(Head(inspection=inspection), 120).plain.split("\n")
    assert f"reuse {inspection.reused:,} · first change: note (turn 2)" in first


async def test_it_says_when_nothing_is_to_be_read() -> None:
    engine = await having_read(reader(), scene(5))
    inspection = await inspect(scene(5), CHATML, engine=engine)
    assert "nothing to read" in head_text(Head(inspection=inspection), 120).plain
