"""The sampler chain: what takes part, in which order, and that every sampler does its work on the real model."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.worker.samplers import plan
from rpchat.errors import PromptError
from rpchat.prompt.segment import text
from rpchat.story.preset import DEFAULT_ORDER, Sampling
from tests.engine.helpers import GREEDY, ask, question, reply

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERYTHING = Sampling(
    temperature=0.8,
    top_k=40,
    top_p=0.9,
    min_p=0.05,
    typical_p=0.95,
    top_n_sigma=2.0,
    xtc_probability=0.5,
    dry_multiplier=0.8,
    repeat_penalty=1.1,
)
ONE_AT_A_TIME = {
    "dynamic temperature": Sampling(dynamic_range=0.5, dynamic_exponent=1.2),
    "top_k": Sampling(top_k=5),
    "top_p": Sampling(top_p=0.5),
    "min_p": Sampling(min_p=0.2),
    "typical_p": Sampling(typical_p=0.5),
    "top_n_sigma": Sampling(top_n_sigma=1.0),
    "xtc": Sampling(xtc_probability=1.0, xtc_threshold=0.05),
    "dry": Sampling(dry_multiplier=2.0),
    "dry without breakers": Sampling(dry_multiplier=2.0, dry_breakers=()),
    "repeat": Sampling(repeat_penalty=1.3, penalty_last_n=-1),
    "frequency": Sampling(frequency_penalty=0.7),
    "presence": Sampling(presence_penalty=0.7),
    "mirostat 1": Sampling(mirostat=1),
    "mirostat 2": Sampling(mirostat=2, temperature=0.9),
    "hot": Sampling(temperature=10.0),
    "all": EVERYTHING,
}


async def test_neutral_samplers_take_no_part() -> None:
    assert plan(Sampling()) == ("dist",)
    assert plan(Sampling(temperature=0)) == ("greedy",)


async def test_the_presets_order_is_the_chains() -> None:
    assert plan(EVERYTHING) == (*DEFAULT_ORDER, "dist")
    turned = tuple(reversed(DEFAULT_ORDER))
    assert plan(replace(EVERYTHING, order=turned)) == (*turned, "dist")


async def test_what_the_order_does_not_name_takes_no_part() -> None:
    assert plan(replace(EVERYTHING, order=("min_p", "temperature"))) == ("min_p", "temperature", "dist")
    assert plan(Sampling(temperature=0, order=("top_k",))) == ("dist",)


async def test_mirostat_has_a_chain_of_its_own() -> None:
    assert plan(replace(EVERYTHING, mirostat=2)) == ("penalties", "dry", "temperature", "mirostat_v2")
    assert plan(Sampling(mirostat=1)) == ("mirostat",)


async def test_bias_and_grammar_come_first() -> None:
    sampling = Sampling(logit_bias={"x": 1.0}, grammar='root ::= "a"', top_k=3)
    assert plan(sampling) == ("logit_bias", "grammar", "top_k", "dist")


@pytest.mark.parametrize("name", ONE_AT_A_TIME)
async def test_every_sampler_writes_and_repeats_itself(engine: ChildEngine, name: str) -> None:
    request = ask(question("Tell a joke."), sampling=ONE_AT_A_TIME[name], seed=3, max_tokens=6, forbid_end=6)
    await reply(engine, replace(request, max_tokens=1))
    first, again = await reply(engine, request), await reply(engine, request)
    assert first.end.reply_tokens == 6
    assert first.ids == again.ids


async def test_the_order_changes_what_is_drawn(engine: ChildEngine) -> None:
    """At a high temperature a cut before it keeps the likely tokens; a cut behind it hardly cuts."""
    hot = Sampling(temperature=8.0, min_p=0.1, order=("min_p", "temperature"))
    late = replace(hot, order=("temperature", "min_p"))
    segments = question("What is the capital of France?")
    drawn = [
        {(await reply(engine, ask(segments, sampling=sampling, seed=seed, max_tokens=1))).ids for seed in range(12)}
        for sampling in (hot, late)
    ]
    assert len(drawn[0]) < len(drawn[1])


async def test_penalties_see_the_prompt(engine: ChildEngine) -> None:
    segments = (text("one two three one two three one two three one two"),)
    plain = await reply(engine, ask(segments, max_tokens=1))
    punished = await reply(
        engine, ask(segments, sampling=Sampling(temperature=0, presence_penalty=100.0), max_tokens=1)
    )
    assert plain.ids != punished.ids
    assert punished.ids[0] not in await engine.tokenize(segments)


async def test_dry_sees_the_prompt(engine: ChildEngine) -> None:
    fox = "the quick brown fox jumps over the lazy dog."
    segments = (text(f"{fox} {fox} {fox[:30]}"),)
    dry = Sampling(temperature=0, dry_multiplier=50.0, dry_breakers=())
    plain = await reply(engine, ask(segments, max_tokens=1))
    assert plain.data == b" the"
    assert (await reply(engine, ask(segments, sampling=dry, max_tokens=1))).ids != plain.ids


async def test_a_grammar_binds_every_byte_and_ends_the_reply(engine: ChildEngine) -> None:
    grammar = Sampling(temperature=1.0, grammar='root ::= ("yes" | "no") ", " [0-9] [0-9] "!"')
    result = await reply(engine, ask(question("Well?"), sampling=grammar, max_tokens=30, forbid_end=20))
    word, _, number = result.data.decode().partition(", ")
    assert word in ("yes", "no")
    assert len(number) == 3
    assert result.end.reason == "eos"


@pytest.mark.parametrize("grammar", ["root ::= (", 'start ::= "a"', "root ::= missing"])
async def test_a_broken_grammar_is_one_line(engine: ChildEngine, grammar: str) -> None:
    with pytest.raises(PromptError, match="grammar cannot be read"):
        await reply(engine, ask(question("Well?"), sampling=Sampling(grammar=grammar)))
    assert (await reply(engine, ask(question("Well?"), max_tokens=1))).end.reply_tokens == 1


async def test_logit_bias_forbids_and_forces(engine: ChildEngine) -> None:
    segments = question("What is the capital of France?")
    first = (await reply(engine, ask(segments, max_tokens=1))).data.decode()
    without = await reply(engine, ask(segments, sampling=replace(GREEDY, logit_bias={first: -inf}), max_tokens=1))
    forced = await reply(engine, ask(segments, sampling=replace(GREEDY, logit_bias={" sea": 100.0}), max_tokens=3))
    assert without.data.decode() != first
    assert forced.data == b" sea sea sea"


async def test_a_request_leaves_nothing_behind_for_the_next(engine: ChildEngine) -> None:
    request = ask(question("Name three birds."), sampling=GREEDY, max_tokens=8)
    await reply(engine, replace(request, max_tokens=1))
    before = await reply(engine, request)
    await reply(engine, replace(request, sampling=replace(EVERYTHING, logit_bias={" sea": 50.0}), forbid_end=3))
    assert (await reply(engine, request)).ids == before.ids
