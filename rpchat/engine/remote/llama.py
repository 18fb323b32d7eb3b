"""llama-server's own dialect: prompts as token ids, exact ids and bytes back, its cache heeded, progress told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from rpchat.engine.endings import Odds, ends_of
from rpchat.engine.port import Ended, ModelInfo, Request, StreamEvent, seed_of
from rpchat.engine.remote.chain import bias_of, for_llama_server, llama_bias
from rpchat.engine.remote.dialect import Wanted
from rpchat.engine.remote.errors import broken_off, garbled
from rpchat.engine.remote.http import Http
from rpchat.engine.remote.llama_stream import Chunks
from rpchat.engine.remote.llama_vocabulary import LlamaVocabulary
from rpchat.engine.remote.values import JsonObject, inner, items, real, string, whole
from rpchat.prompt.segment import Segment
from rpchat.story.text import one_line

_VOCABULARIES = {1: "llama", 2: "gpt2", 3: "bert", 4: "t5", 5: "rwkv"}
_LIKELIEST = 2000
"""So many of the next tokens are asked for when openings are compared."""


def speaks_llama(props: JsonObject) -> bool:
    """Return whether an answer to `/props` is that of a llama-server with a model in it."""
    return whole(inner(props, "default_generation_settings"), "n_ctx") > 0


class LlamaServer:
    """`Dialect` for llama-server."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._vocabulary = LlamaVocabulary(http)
        self._n_ctx = 0
        self._slots = 1

    async def describe(self, wanted: Wanted) -> ModelInfo:
        """Return the model it has loaded: it has one, so the name that is wanted does not matter."""
        props = await self._http.get("/props")
        meta = inner(next(iter(items(await self._http.get("/v1/models"), "data")), None), "meta")
        settings = inner(props, "default_generation_settings")
        told = whole(settings, "n_ctx")
        self._n_ctx = min(wanted.n_ctx or told, told)
        self._vocabulary.size = whole(meta, "n_vocab")
        self._slots = max(1, whole(props, "total_slots", 1))
        template = string(props, "chat_template")
        path = Path(one_line(string(props, "model_path"), 500))
        await self._vocabulary.find_controls(wanted.controls, template)
        begins = await self._vocabulary.begins_with_token()
        return ModelInfo(
            path=path,
            name=_name(one_line(string(props, "model_alias"), 200), path),
            architecture="",
            description=one_line(string(props, "model_ftype")),
            size=whole(meta, "size"),
            parameters=whole(meta, "n_params"),
            n_ctx=self._n_ctx,
            n_ctx_train=whole(meta, "n_ctx_train"),
            n_vocab=self._vocabulary.size,
            chat_template=template,
            bos=(string(props, "bos_token") or None) if begins else None,
            eos=string(props, "eos_token"),
            controls=self._vocabulary.controls,
            metadata={"tokenizer.ggml.model": _VOCABULARIES.get(whole(meta, "vocab_type"), "")},
            devices=(),
            offloaded=False,
            threads=0,
            safe_mode=False,
            library=one_line(f"llama-server {string(props, 'build_info')}"),
            features="",
            server=self._http.address.label,
        )

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a prompt, exactly as the model has them."""
        return await self._vocabulary.tokenize(segments)

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token, which the server tells exactly."""
        return await self._vocabulary.pieces(ids)

    async def write(self, prompt: Sequence[int], request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Write the reply; where it may not end at first, in two steps, the second without that ban."""
        self._vocabulary.check(prompt)
        banned = _banned(request)
        chunks = await self._chunks(request)
        for limit in (banned, request.max_tokens):
            if chunks.count >= limit:
                continue
            body = await self._body([*prompt, *chunks.ids], request, limit - chunks.count, banned=limit == banned)
            answers = self._http.events("/completion", body)
            async with aclosing(answers), aclosing(chunks.told(answers)) as events:
                async for event in events:
                    if not isinstance(event, Ended):
                        yield event
                    elif event.reason != "max_tokens" or limit == request.max_tokens:
                        yield event
                        return

    def at_once(self, prompt: Sequence[int], request: Request) -> int:
        """Return how many slots the server has, as long as their versions fit into the context beside each other:
        slots may share it. Where a reply takes two steps, versions are not written together."""
        room = (self._n_ctx - len(prompt)) // request.max_tokens
        return 1 if _banned(request) else max(1, min(self._slots, room))

    async def write_many(
        self, prompt: Sequence[int], request: Request, count: int
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Write the versions in one question: the server reads the prompt once, and seeds them as we do.

        One that has several slots but does not know this question yet writes the first, and is asked for each other.
        """
        told = 0
        if count > 1:
            async with aclosing(self._together(prompt, request, count)) as events:
                async for version, event in events:
                    told += isinstance(event, Ended)
                    yield version, event
            self._slots = self._slots if told == count else 1
        for version in range(told, count):
            async with aclosing(self.write(prompt, _seeded(request, version))) as events:
                async for event in events:
                    yield version, event

    async def _together(
        self, prompt: Sequence[int], request: Request, count: int
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Ask for several versions; what comes is all of them, or the first alone."""
        self._vocabulary.check(prompt)
        versions = [await self._chunks(request) for _ in range(count)]
        body = {**await self._body(prompt, request, request.max_tokens, banned=False), "n_cmpl": count}
        async with aclosing(self._http.events("/completion", body)) as answers:
            async for chunk in answers:
                version = whole(chunk, "index", -1)
                if not 0 <= version < count:
                    raise garbled("/completion")
                if versions[version].over or (version and "prompt_progress" in chunk):
                    # The reading is told once more for each version, although it was done once.
                    continue
                for event in await versions[version].take(chunk):
                    yield version, event
                if all(one.over for one in versions):
                    return
        if not versions[0].over or any(one.ids for one in versions[1:]):
            raise broken_off()

    async def read(self, prompt: Sequence[int]) -> bool:
        """Let the server read a prompt into its cache; its stream is closed to end it early."""
        self._vocabulary.check(prompt)
        body = {"prompt": list(prompt), "n_predict": 0, "cache_prompt": True, "stream": True, "return_progress": True}
        async with aclosing(self._http.events("/completion", body)) as answers:
            async for _ in answers:
                pass
        return True

    async def score(self, prompts: Sequence[Sequence[int]]) -> list[float]:
        """Return how likely each end is, followed as far as the prompts differ."""
        asking = ends_of(prompts)
        try:
            front = next(asking)
            while True:
                front = asking.send(await self._odds(front))
        except StopIteration as end:
            scores: list[float] = end.value
            return scores

    def unsaid(self, request: Request) -> Iterable[str]:
        """Return what it leaves out: with mirostat, what looks back at the text."""
        names = for_llama_server(request.sampling, n_ctx=self._n_ctx).unsaid
        return [f"use {' and '.join(names)} with mirostat"] if names else []

    async def _body(self, prompt: Sequence[int], request: Request, limit: int, *, banned: bool) -> dict[str, object]:
        texts = request.sampling.logit_bias
        biases = bias_of(texts, {text: await self._vocabulary.ids_of(text) for text in texts})
        if banned:
            biases |= dict.fromkeys(await self._stops(request), float("-inf"))
        return {
            "prompt": list(prompt),
            "n_predict": limit,
            "stream": True,
            "cache_prompt": True,
            "return_progress": True,
            "seed": request.seed,
            "ignore_eos": banned,
            "logit_bias": llama_bias(biases),
            **for_llama_server(request.sampling, n_ctx=self._n_ctx).fields,
        }

    async def _chunks(self, request: Request) -> Chunks:
        return Chunks(
            stops=await self._stops(request), controls=self._vocabulary.control_ids, retell=self._vocabulary.retell,
            n_ctx=self._n_ctx,
        )  # fmt: skip

    async def _odds(self, prompt: Sequence[int]) -> Odds:
        """The odds behind a prompt; what is not among the likeliest tokens counts as the last of them."""
        body = {"prompt": list(prompt), "n_predict": 1, "n_probs": _LIKELIEST, "cache_prompt": True,
                "samplers": ["top_k"], "top_k": 1}  # fmt: skip
        answer = await self._http.post("/completion", body)
        first = next(iter(items(answer, "completion_probabilities")), None)
        odds = {whole(one, "id", -1): real(one, "logprob") for one in items(first, "top_logprobs")}
        if not odds:
            raise garbled("/completion")
        least = min(odds.values())
        return lambda token: odds.get(token, least)

    async def _stops(self, request: Request) -> frozenset[int]:
        ids = [await self._vocabulary.control_id(name) for name in request.stop_controls]
        return frozenset(token for token in ids if token is not None)


def _seeded(request: Request, version: int) -> Request:
    return replace(request, seed=seed_of(request.seed, version))


def _banned(request: Request) -> int:
    """For how many tokens the reply is kept from ending; a grammar says itself where it may."""
    return min(request.forbid_end, request.max_tokens) if not request.sampling.grammar.strip() else 0


def _name(alias: str, path: Path) -> str:
    """What the model is called; a server without an alias gives the path of its file."""
    return path.stem if not alias or alias.casefold().endswith(".gguf") else alias
