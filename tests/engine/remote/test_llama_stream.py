"""llama-server's chunks, as it sends them where a character is several tokens, and where a reply ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import pytest

from rpchat.engine.port import Ended, Piece, Reading, StreamEvent
from rpchat.engine.remote.llama_stream import Chunks
from rpchat.errors import EngineError

END, STOP = 2, 7
FINAL = {"content": "", "tokens": [], "stop": True, "stop_type": "eos", "timings": {"prompt_ms": 3.0}}


def word(token: int, content: str, number: int) -> Mapping[str, object]:
    return {"content": content, "tokens": [token], "stop": False, "tokens_predicted": number}


def read(done: int, *, total: int = 9, cache: int = 4) -> Mapping[str, object]:
    progress = {"total": total, "cache": cache, "processed": done}
    return {"content": "", "tokens": [-1], "stop": False, "tokens_predicted": 0, "prompt_progress": progress}


async def retell(text: str) -> list[tuple[int, bytes]]:
    """A character is a token for each of its bytes."""
    return [(byte, bytes([byte])) for byte in text.encode()]


def chunks() -> Chunks:
    return Chunks(stops=frozenset({STOP}), controls=frozenset({END, STOP, 9}), retell=retell, n_ctx=64)


async def told(reader: Chunks, *sent: Mapping[str, object]) -> list[StreamEvent]:
    async def answers() -> AsyncGenerator[Mapping[str, object], None]:
        for one in sent:
            yield one

    source = answers()
    async with aclosing(source), aclosing(reader.told(source)) as events:
        return [event async for event in events]


def pieces(events: Sequence[StreamEvent]) -> list[Piece]:
    return [event for event in events if isinstance(event, Piece)]


def ended(events: Sequence[StreamEvent]) -> Ended:
    assert isinstance(events[-1], Ended)
    return events[-1]


async def test_progress_is_told_without_repeating_itself() -> None:
    events = await told(chunks(), read(4), read(6), read(6), read(9), word(5, "Hi", 1), FINAL)
    assert events[:3] == [Reading(4, 9), Reading(6, 9), Reading(9, 9)]
    assert (ended(events).prompt_tokens, ended(events).prefilled_tokens, ended(events).prefill_ms) == (9, 5, 3.0)


async def test_the_token_that_ends_a_reply_is_none_of_it() -> None:
    events = await told(chunks(), word(5, "Hi", 1), word(END, "", 2), FINAL)
    assert pieces(events) == [Piece(5, b"Hi")]
    assert (ended(events).reason, ended(events).reply_tokens) == ("eos", 1)


async def test_a_token_without_text_in_the_middle_stays() -> None:
    events = await told(chunks(), word(9, "", 1), word(5, "Hi", 2), FINAL)
    assert pieces(events) == [Piece(9, b""), Piece(5, b"Hi")]


async def test_the_name_of_a_control_token_is_no_text() -> None:
    """A server started to print special tokens writes them out."""
    assert pieces(await told(chunks(), word(9, "<|tool|>", 1), word(END, "</s>", 2), FINAL)) == [Piece(9, b"")]


async def test_tokens_kept_back_within_a_character_are_found_again() -> None:
    events = await told(chunks(), word(5, "Hi", 1), word(0xB7, "海", 4), word(6, "!", 5), FINAL)
    assert pieces(events)[1:4] == [Piece(0xE6, b"\xe6"), Piece(0xB5, b"\xb5"), Piece(0xB7, b"\xb7")]
    assert b"".join(piece.data for piece in pieces(events)).decode() == "Hi海!"
    assert ended(events).reply_tokens == 5


async def test_a_stop_ends_the_reply_at_once() -> None:
    reader = chunks()
    events = await told(reader, word(5, "Hi", 1), word(STOP, "", 2), word(6, "more", 3))
    assert (pieces(events), ended(events).reason, reader.ids) == ([Piece(5, b"Hi")], "stop", [5])


@pytest.mark.parametrize(("truncated", "reason"), [(False, "max_tokens"), (True, "context")])
async def test_limits_are_told_apart(truncated: bool, reason: str) -> None:
    final = {**FINAL, "stop_type": "limit", "truncated": truncated}
    assert ended(await told(chunks(), word(5, "Hi", 1), final)).reason == reason


async def test_a_second_request_goes_on() -> None:
    reader = chunks()
    await told(reader, read(9), word(5, "Hi", 1), {**FINAL, "stop_type": "limit"})
    events = await told(reader, read(10, total=10, cache=9), word(6, " you", 1), FINAL)
    assert events[0] == Piece(6, b" you")
    assert (ended(events).reply_tokens, ended(events).prompt_tokens, reader.ids) == (2, 9, [5, 6])


@pytest.mark.parametrize("sent", [(), (word(5, "Hi", 1),), ({"content": "Hi", "stop": False},)])
async def test_what_breaks_off_or_makes_no_sense_is_an_error(sent: tuple[Mapping[str, object], ...]) -> None:
    with pytest.raises(EngineError):
        await told(chunks(), *sent)
