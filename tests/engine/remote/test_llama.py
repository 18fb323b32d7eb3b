"""The engine on a real llama-server with SmolLM2 in it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import httpx2
import pytest

from rpchat.engine.port import Piece, Reading
from rpchat.engine.remote.engine import RemoteEngine
from rpchat.errors import PromptError
from rpchat.prompt.segment import control, text
from rpchat.story.preset import Sampling
from tests.engine.helpers import STORY, WARM, ask, question, reply, until
from tests.engine.remote.conftest import N_CTX
from tests.engine.remote.helpers import load
from tests.models import smollm2_path


async def test_it_tells_its_model(llama: RemoteEngine) -> None:
    model = llama.model
    assert model is not None
    assert model.path.name == smollm2_path().name
    assert (model.name, model.n_ctx, model.n_vocab) == (smollm2_path().stem, N_CTX, 49152)
    assert (model.bos, model.eos, model.text_only) == (None, "<|im_end|>", False)
    assert {"<|im_start|>", "<|im_end|>"} <= model.controls
    assert not {"<s>", "</s>", "[INST]", "user", "system"} & model.controls
    assert "<|im_start|>" in model.chat_template


async def test_only_control_segments_become_control_tokens(llama: RemoteEngine) -> None:
    (mark,) = await llama.tokenize((control("<|im_end|>"),))
    ids = await llama.tokenize(question("Say <|im_end|> and </s>, \ud800!"))
    assert ids.count(mark) == 1
    pieces = await llama.pieces(ids)
    assert pieces[ids.index(mark)] == b""
    assert b"".join(pieces).decode() == "user\nSay <|im_end|> and </s>, ?!\nassistant\n"
    with pytest.raises(PromptError, match="no control token"):
        await llama.tokenize((control("[INST]"),))
    with pytest.raises(PromptError, match="token ids that this model does not have"):
        await llama.pieces([49152])


async def test_a_reply_has_its_own_tokens_and_bytes(llama: RemoteEngine) -> None:
    answer = await reply(llama, ask((text("海は青い。空も青い。海は"),), sampling=WARM, seed=3, max_tokens=24))
    assert len(answer.ids) == answer.end.reply_tokens == 24
    assert b"".join(await llama.pieces(answer.ids)).startswith(answer.data)
    assert max(map(len, await llama.pieces(answer.ids))) < len(answer.data)
    assert answer.readings[-1] == Reading(answer.end.prompt_tokens, answer.end.prompt_tokens)


async def test_the_same_seed_gives_the_same_reply(llama: RemoteEngine) -> None:
    prompt = question("Name an animal.")
    texts = [(await reply(llama, ask(prompt, sampling=WARM, seed=seed, max_tokens=8))).ids for seed in (4, 4, 5)]
    assert texts[0] == texts[1] != texts[2]


async def test_going_on_from_ids_reads_nothing_again(llama: RemoteEngine) -> None:
    first = await reply(llama, ask(question("Tell a story."), max_tokens=12))
    further = await reply(llama, ask(question("Tell a story."), max_tokens=4, continue_ids=first.ids))
    whole = await reply(llama, ask(question("Tell a story."), max_tokens=16))
    assert first.ids + further.ids == whole.ids
    assert further.end.prefilled_tokens <= 2


async def test_a_reply_can_be_kept_from_ending(llama: RemoteEngine) -> None:
    ended = await reply(llama, ask(question("Say only: yes"), max_tokens=60))
    short = ended.end.reply_tokens
    assert ended.end.reason == "eos"
    longer = await reply(llama, ask(question("Say only: yes"), max_tokens=60, forbid_end=short + 8))
    assert longer.end.reply_tokens >= short + 8
    assert longer.ids[:short] == ended.ids


async def test_grammars_and_biases_are_heeded(llama: RemoteEngine) -> None:
    grammar = Sampling(temperature=0, grammar='root ::= "gull" [0-9] [0-9]')
    answer = await reply(llama, ask(question("Hello."), sampling=grammar, forbid_end=20))
    assert answer.data.startswith(b"gull")
    assert answer.data[4:].isdigit()
    free = await reply(llama, ask(question("Hello."), max_tokens=1))
    word = free.data.decode()
    banned = Sampling(temperature=0, logit_bias={word: float("-inf")})
    assert (await reply(llama, ask(question("Hello."), sampling=banned, max_tokens=1))).data != free.data
    with pytest.raises(Exception, match="grammar"):
        await reply(llama, ask(question("Hello."), sampling=Sampling(grammar="root ::= (")))


async def test_reading_ahead_saves_reading(llama: RemoteEngine) -> None:
    assert await llama.read_ahead(question(STORY)) is True
    assert await llama.reusable(question(STORY)) == len(await llama.tokenize(question(STORY)))
    answer = await reply(llama, ask(question(STORY), max_tokens=2))
    assert answer.end.prefilled_tokens <= 2


async def test_reading_ahead_gives_way(llama: RemoteEngine) -> None:
    ahead = asyncio.create_task(llama.read_ahead((text(" ".join(str(number) for number in range(120))),)))
    await asyncio.sleep(0)
    await reply(llama, ask(question("Hi."), max_tokens=1))
    assert await ahead is False


async def test_endings_are_weighed(llama: RemoteEngine) -> None:
    front = question("Which city is the capital of France?")
    paris, tea = await llama.score([(*front, text(end)) for end in ("Paris", "Tea")])
    assert tea < paris < 0


async def test_versions_are_written_from_one_reading(llama: RemoteEngine) -> None:
    request = ask(question("Name a colour."), sampling=WARM, seed=11, max_tokens=6)
    ids: list[list[int]] = [[], [], []]
    readings = []
    async for version, event in llama.stream_many(request, 3, wanted=lambda _: True):
        if isinstance(event, Piece):
            ids[version].append(event.id)
        elif isinstance(event, Reading):
            readings.append(version)
    assert set(readings) == {0}
    assert tuple(ids[0]) == (await reply(llama, request)).ids
    assert len({tuple(one) for one in ids}) > 1


async def test_idle_versions_give_way(llama: RemoteEngine) -> None:
    request = ask(question("Count."), max_tokens=400, forbid_end=400)
    told: list[int] = []

    async def idly() -> None:
        async with aclosing(llama.stream_many(request, 2, wanted=lambda _: True, idle=True)) as events:
            async for version, _ in events:
                told.append(version)

    idle = asyncio.create_task(idly())
    await until(lambda: len(told) > 3)
    await reply(llama, ask(question("Hi."), max_tokens=1))
    await idle
    assert len(told) < 400


async def test_closing_a_stream_frees_the_server(llama: RemoteEngine, llama_url: str) -> None:
    count = 0
    async with aclosing(llama.stream(ask(question("Count."), max_tokens=400, forbid_end=400))) as events:
        async for event in events:
            count += isinstance(event, Piece)
            if count == 3:
                break
    async with httpx2.AsyncClient(trust_env=False) as client, asyncio.timeout(30):
        while (await client.get(f"{llama_url}/slots")).json()[0]["is_processing"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.005)


async def test_the_template_is_rendered_and_a_prompt_that_is_too_long_refused(llama: RemoteEngine) -> None:
    page = await llama.render_template([{"role": "user", "content": "Hi."}])
    assert page.endswith("<|im_start|>user\nHi.<|im_end|>\n<|im_start|>assistant\n")
    with pytest.raises(PromptError, match="the context holds"):
        await reply(llama, ask((text("word " * N_CTX),)))


async def test_a_context_that_is_full_ends_a_reply(llama: RemoteEngine) -> None:
    ids = await llama.tokenize((text("word " * N_CTX),))
    answer = await reply(llama, ask((text(""),), continue_ids=tuple(ids[: N_CTX - 6]), max_tokens=50, forbid_end=50))
    assert answer.end.reason == "context"
    assert 1 <= answer.end.reply_tokens <= 7


async def test_loading_again_keeps_working(llama: RemoteEngine) -> None:
    assert [type(event).__name__ for event in await load(llama)] == ["Loading", "Loading", "Loaded"]
    assert (await reply(llama, ask(question("Hi."), max_tokens=1))).end.reply_tokens <= 1
