"""How likely a model finds one name or another at the end of a prompt: from its logits, without writing."""

from __future__ import annotations

from math import exp

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.prompt.segment import Segment, text
from tests.engine.helpers import ask, question, reply

pytestmark = pytest.mark.asyncio(loop_scope="session")


def asked(*ends: str) -> list[list[Segment]]:
    """Prompts that differ in their ends."""
    return [[*question("Who is a pirate? Answer with a name."), text(end)] for end in ends]


async def test_one_pass_tells_ends_apart_and_writes_nothing(engine: ChildEngine) -> None:
    prompts = asked("Jack:", "Mira:", "Zzyzx:")
    cold = await engine.score(prompts)
    first = await engine.score(prompts)
    assert await engine.score(prompts) == first == pytest.approx(cold, abs=0.3)
    assert all(log < 0 for log in first)
    assert 0 < sum(exp(log) for log in first) <= 1
    assert await engine.reusable(prompts[0]) >= len(await engine.tokenize(prompts[0])) - 2


async def test_ends_that_begin_alike_are_followed_until_they_part(engine: ChildEngine) -> None:
    apart = await engine.score(asked("Jack Brown:", "Jack Sparrow:"))
    together = await engine.score(asked("Jack Brown:", "Jack Sparrow:", "Mira:"))
    assert apart[0] - apart[1] == pytest.approx(together[0] - together[1], abs=0.05)
    assert together[0] < apart[0]


async def test_the_likeliest_token_is_the_one_that_is_written(engine: ChildEngine) -> None:
    prompt = question("Say only the word yes.")
    written = await reply(engine, ask(prompt, max_tokens=1))
    word = b"".join(await engine.pieces(written.ids)).decode()
    scores = await engine.score([[*prompt, text(end)] for end in (word, "Qqq", "zebra")])
    assert scores[0] == max(scores)


async def test_a_single_prompt_and_equal_ones_are_certain(engine: ChildEngine) -> None:
    assert await engine.score(asked("Jack:")) == [0.0]
    assert await engine.score(asked("Jack:", "Jack:")) == [0.0, 0.0]
