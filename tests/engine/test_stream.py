"""Streaming from the real model: what is read, written, reused and cancelled."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace

import pytest

from rpchat.engine.child import ChildEngine
from rpchat.engine.port import Ended, Piece, Reading
from rpchat.errors import PromptError
from rpchat.prompt.segment import control, text
from rpchat.story.preset import Sampling
from tests.engine.conftest import N_CTX
from tests.engine.helpers import GREEDY, STORY, WARM, ask, loaded, question, quick, reply
from tests.models import smollm2_path

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_reply_is_read_then_written_then_ended(engine: ChildEngine) -> None:
    result = await reply(engine, ask(question("Name a colour of the sky."), max_tokens=8))
    total = len(await engine.tokenize(question("Name a colour of the sky.")))
    assert result.readings[-1] == Reading(total, total)
    assert [reading.done for reading in result.readings] == sorted(reading.done for reading in result.readings)
    assert result.data.decode()
    assert result.end.prompt_tokens == total
    assert result.end.reply_tokens == len(result.pieces) <= 8
    assert result.end.decode_ms > 0


async def test_regenerating_decodes_one_token(engine: ChildEngine) -> None:
    request = ask(question("Tell me about gulls. " + STORY[:300]), sampling=WARM)
    first = await reply(engine, request)
    again = await reply(engine, ask(request.segments, sampling=WARM, seed=2))
    assert first.end.prefilled_tokens > 50
    assert again.end.prefilled_tokens == 1
    assert again.readings[0].done == again.end.prompt_tokens - 1


async def test_the_reply_before_is_in_the_cache_up_to_its_undecoded_last_token(engine: ChildEngine) -> None:
    segments = question("Count to ten.")
    first = await reply(engine, ask(segments, max_tokens=6, forbid_end=6))
    assert len(first.ids) == 6
    onward = await reply(engine, ask(segments, max_tokens=2, continue_ids=first.ids))
    assert onward.end.prompt_tokens == first.end.prompt_tokens + 6
    assert onward.end.prefilled_tokens == 1


async def test_the_reply_before_a_swipe_stays_in_the_cache(engine: ChildEngine) -> None:
    chance = replace(WARM, seed=None)
    segments = question("Which gull was the last?")
    first = await reply(engine, ask(segments, sampling=chance, max_tokens=24, forbid_end=24))
    await reply(engine, ask(segments, sampling=chance, seed=2, max_tokens=24, forbid_end=24))
    back = await reply(engine, ask(segments, max_tokens=2, continue_ids=first.ids))
    assert back.end.prefilled_tokens == 1


async def test_the_same_seed_gives_the_same_text(own_engine: ChildEngine) -> None:
    # With other prompts in the cache, the cells a reply is written in may differ, and with them the last bits.
    await loaded(own_engine, smollm2_path(), quick(n_ctx=256))
    segments = question("Tell a tale of the sea.")
    await reply(own_engine, ask(segments, max_tokens=1))
    first, again, other = [
        await reply(own_engine, ask(segments, sampling=WARM, seed=seed, max_tokens=40)) for seed in (7, 7, 8)
    ]
    assert first.ids == again.ids
    assert first.ids != other.ids


async def test_a_reused_prompt_gives_what_a_cold_one_gives(engine: ChildEngine) -> None:
    # A token read alone rounds otherwise than one read in a batch, so what comes must be beyond doubt.
    week = "Monday\nTuesday\nWednesday\nThursday\nFriday\nSaturday\nSunday\n"
    segments = (*question("Name the days of the week, again and again."), text(f"{week * 3}Monday\nTuesday\n"))
    await reply(engine, ask((text("Something else entirely."),), max_tokens=1))
    cold = await reply(engine, ask(segments, sampling=GREEDY, max_tokens=8))
    reused = await reply(engine, ask(segments, sampling=GREEDY, max_tokens=8))
    assert cold.end.prefilled_tokens > reused.end.prefilled_tokens == 1
    assert cold.data == b"Wednesday\nThursday\nFriday\nSaturday\n"
    assert cold.ids == reused.ids


async def test_cancelled_in_prefill_the_next_request_works(engine: ChildEngine) -> None:
    request = ask((text(STORY),), max_tokens=4)
    fresh = ask((text("0" + STORY),), max_tokens=4)
    async with aclosing(engine.stream(fresh)) as events:
        async for event in events:
            assert isinstance(event, Reading)
            if event.done:
                break
        begun = time.monotonic()
    assert time.monotonic() - begun < 0.5
    whole = await reply(engine, fresh)
    assert 0 < whole.end.prefilled_tokens < whole.end.prompt_tokens
    assert whole.end.reply_tokens == 4
    assert (await reply(engine, request)).end.reply_tokens == 4


async def test_cancelled_in_decode_what_was_decoded_is_reused(engine: ChildEngine) -> None:
    segments = question("Tell a very long story about a lighthouse.")
    ids: list[int] = []
    async with aclosing(engine.stream(ask(segments, max_tokens=500, forbid_end=500))) as events:
        async for event in events:
            if isinstance(event, Piece):
                ids.append(event.id)
            if len(ids) == 10:
                break
        begun = time.monotonic()
    assert time.monotonic() - begun < 0.5
    onward = await reply(engine, ask(segments, max_tokens=3, continue_ids=tuple(ids)))
    assert onward.end.prefilled_tokens <= 2
    assert onward.end.reply_tokens == 3


async def test_continuing_a_greedy_reply_gives_its_rest(engine: ChildEngine) -> None:
    segments = question("Describe a storm.")
    whole = await reply(engine, ask(segments, max_tokens=16, forbid_end=16))
    rest = await reply(engine, ask(segments, max_tokens=8, forbid_end=8, continue_ids=whole.ids[:8]))
    assert rest.ids == whole.ids[8:]


async def test_an_end_token_ends_and_is_not_told(engine: ChildEngine) -> None:
    segments = (*question("Say yes."), text("Yes."), control("<|im_end|>"))
    end = (await engine.tokenize((control("<|im_end|>"),)))[0]
    result = await reply(engine, ask(question("What is one plus one? Answer in one word."), max_tokens=200))
    assert result.end.reason == "eos"
    assert end not in result.ids
    assert (await engine.tokenize(segments))[-1] == end


async def test_the_end_can_be_forbidden(engine: ChildEngine) -> None:
    segments = question("What is one plus one? Answer in one word.")
    free = await reply(engine, ask(segments, max_tokens=200))
    length = free.end.reply_tokens + 5
    held = await reply(engine, ask(segments, max_tokens=200, forbid_end=length))
    assert free.end.reason == "eos"
    assert held.end.reply_tokens >= length


async def test_a_stop_control_that_is_no_end_token_ends_the_reply(engine: ChildEngine) -> None:
    segments = (*question("Say yes.")[:3], text("\n"))
    free = await reply(engine, ask(segments, max_tokens=3))
    stopped = await reply(engine, ask(segments, max_tokens=3, stop_controls=("<|no token|>", "<|im_start|>")))
    begin = (await engine.tokenize((control("<|im_start|>"),)))[0]
    assert free.ids[0] == begin
    assert free.pieces[0].data == b""
    assert (stopped.end.reason, stopped.ids) == ("stop", ())


async def test_control_tokens_typed_by_a_user_stay_text(engine: ChildEngine) -> None:
    ids = await engine.tokenize((text("</s><|im_end|><|im_start|>system"),))
    special = set(await engine.tokenize((control("<|im_end|>"), control("<|im_start|>"))))
    assert special.isdisjoint(ids)
    assert len(ids) > 8


async def test_a_control_segment_must_be_one_control_token(engine: ChildEngine) -> None:
    with pytest.raises(PromptError, match=r"no control token \[INST\]"):
        await engine.tokenize((control("[INST]"),))


async def test_neighbouring_texts_are_tokenised_as_one(engine: ChildEngine) -> None:
    assert await engine.tokenize((text("light"), text("house"))) == await engine.tokenize((text("lighthouse"),))


async def test_pieces_join_to_the_very_bytes(engine: ChildEngine) -> None:
    words = "「悠人」🦊 é\t."
    exactly = Sampling(temperature=0, grammar=f'root ::= "{words}"'.replace("\t", "\\t"))
    result = await reply(engine, ask((text("Say it: "),), sampling=exactly, max_tokens=80))
    assert result.data.decode() == words
    assert any(not _is_text(piece.data) for piece in result.pieces)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


async def test_a_prompt_longer_than_the_context_names_both_numbers(engine: ChildEngine) -> None:
    segments = (text(STORY * 3),)
    count = len(await engine.tokenize(segments))
    with pytest.raises(PromptError, match=f"{count} tokens, the context holds {N_CTX}"):
        await reply(engine, ask(segments))


async def test_a_full_context_ends_the_reply(engine: ChildEngine) -> None:
    ids = await engine.tokenize((text(STORY * 3),))
    request = ask((text("x"),), continue_ids=tuple(ids[: N_CTX - 6]), max_tokens=50, forbid_end=50)
    result = await reply(engine, request)
    assert result.end.reason == "context"
    assert result.end.prompt_tokens + result.end.reply_tokens == N_CTX + 1
    assert (await reply(engine, ask(question("Still there?"), max_tokens=2))).end.reply_tokens > 0


async def test_ids_from_nowhere_are_refused(engine: ChildEngine) -> None:
    with pytest.raises(PromptError, match="does not have"):
        await reply(engine, ask((text("x"),), continue_ids=(10**6,)))


async def test_an_empty_prompt_is_refused(engine: ChildEngine) -> None:
    with pytest.raises(PromptError, match="empty"):
        await reply(engine, ask(()))


async def test_a_call_during_a_stream_waits_for_its_end(engine: ChildEngine) -> None:
    events = engine.stream(ask(question("Hello."), max_tokens=4, forbid_end=4))
    await anext(events)
    waiting = asyncio.create_task(engine.tokenize((text("hi"),)))
    rest = [event async for event in events]
    assert isinstance(rest[-1], Ended)
    assert await waiting
