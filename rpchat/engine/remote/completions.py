"""OpenAI's completions, as vLLM, TGI, LM Studio, Ollama and many others speak them.

Where the server tokenises (vLLM), prompts are sent as ids; everywhere else as text, with control tokens written out and
imitations of them in what others wrote made harmless.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from itertools import groupby
from pathlib import Path

from rpchat.engine.port import End, Ended, ModelInfo, Piece, Reading, Request, StreamEvent
from rpchat.engine.remote.chain import bias_of, for_completions, openai_bias, stops_of
from rpchat.engine.remote.dialect import Wanted
from rpchat.engine.remote.errors import ServerError, broken_off, garbled
from rpchat.engine.remote.http import Http
from rpchat.engine.remote.plain import Harmless, PlainText, is_made_up, text_ids, text_of
from rpchat.engine.remote.values import JsonObject, ids_in, inner, items, string, whole
from rpchat.errors import ModelError, PromptError
from rpchat.prompt.segment import Segment, joined
from rpchat.story.text import one_line

DEFAULT_CONTEXT = 4096
"""Tokens a model is taken to have room for, where neither the server nor the config tells."""

_COMPLETIONS, _MODELS = "/v1/completions", "/v1/models"
_REASONS: Mapping[str, End] = {"stop": "eos", "length": "max_tokens", "eos_token": "eos", "stop_sequence": "stop"}


class Completions:
    """`Dialect` for OpenAI's completions."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._model = ""
        self._is_vllm = False
        self._n_ctx = DEFAULT_CONTEXT
        self._plain = PlainText(())
        self._harmless = Harmless(())
        self._tokenises = False
        self._controls: dict[str, int] = {}

    async def describe(self, wanted: Wanted) -> ModelInfo:
        """Return what little it tells of the model that is wanted, or of its first. Raises ModelError if it has none
        of that name."""
        told = _model_in(await self._http.get(_MODELS), wanted.model)
        self._model = string(told, "id")
        self._is_vllm = string(told, "owned_by") == "vllm"
        longest = whole(told, "max_model_len")
        self._n_ctx = min(wanted.n_ctx or longest or DEFAULT_CONTEXT, longest or wanted.n_ctx or DEFAULT_CONTEXT)
        self._plain, self._harmless = PlainText(wanted.controls), Harmless(wanted.controls)
        bos = await self._learn_tokens(wanted.controls)
        name = one_line(self._model)
        return ModelInfo(
            path=Path(name), name=name, architecture="", description=f"{name} on {self._http.address.label}",
            size=0, parameters=0, n_ctx=self._n_ctx, n_ctx_train=longest, n_vocab=0, chat_template="", bos=bos,
            eos="", controls=frozenset(self._controls) if self._tokenises else wanted.controls, metadata={},
            devices=(), offloaded=False, threads=0, safe_mode=False,
            library="vLLM" if self._is_vllm else "OpenAI-compatible completions", features="",
            server=self._http.address.label, text_only=not self._tokenises,
        )  # fmt: skip

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a prompt; of our own making where the server has none to give."""
        if not self._tokenises:
            return self._plain.ids(segments)
        ids: list[int] = []
        for kind, run in joined(segments):
            if kind == "t":
                ids += await self._tokens(self._harmless(run))
            elif run in self._controls:
                ids.append(self._controls[run])
            else:
                raise PromptError(
                    f"this model has no control token {one_line(run)}",
                    "This preset is for another model; choose one.",
                )
        return ids

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token, as far as the server can tell them one by one."""
        if not self._tokenises:
            return [self._plain.piece(token) for token in ids]
        controls = set(self._controls.values())
        cache: dict[int, bytes] = dict.fromkeys(controls, b"")
        for token in ids:
            if token not in cache:
                cache[token] = text_of(token) if is_made_up(token) else await self._spelling(token)
        return [cache[token] for token in ids]

    async def write(self, prompt: Sequence[int], request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Write the reply. The prompt counts as read when the first text comes; nobody tells of it before."""
        body = await self._body(prompt, request)
        begun, count, prompt_tokens = time.perf_counter(), 0, len(prompt)
        read = begun
        reason: End | None = None
        yield Reading(0, prompt_tokens)
        async with aclosing(self._http.events(_COMPLETIONS, body)) as answers:
            async for chunk in answers:
                if reason is None and chunk.get("done") is True:
                    reason = "eos"
                prompt_tokens = whole(inner(chunk, "usage"), "prompt_tokens", prompt_tokens)
                choice = next(iter(items(chunk, "choices")), None)
                pieces = _pieces(choice)
                if pieces and not count:
                    read = time.perf_counter()
                    yield Reading(len(prompt), len(prompt))
                for piece in pieces:
                    count += 1
                    yield piece
                reason = _REASONS.get(string(choice, "finish_reason"), reason)
        if reason is None:
            raise broken_off()
        now = time.perf_counter()
        yield Ended(
            reason="context" if reason == "max_tokens" and count < request.max_tokens and
            prompt_tokens + count >= self._n_ctx else reason,
            prompt_tokens=prompt_tokens, prefilled_tokens=prompt_tokens, reply_tokens=count,
            prefill_ms=((read if count else now) - begun) * 1000, decode_ms=(now - read) * 1000 if count else 0.0,
        )  # fmt: skip

    def at_once(self, prompt: Sequence[int], request: Request) -> int:  # noqa: ARG002
        """Return 1: not every such server writes several, and none says so."""
        return 1

    async def write_many(
        self,
        prompt: Sequence[int],
        request: Request,
        count: int,  # noqa: ARG002
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Write the one version that is written at a time."""
        async with aclosing(self.write(prompt, request)) as events:
            async for event in events:
                yield 0, event

    async def read(self, prompt: Sequence[int]) -> bool:  # noqa: ARG002
        """Such a server reads only what it answers, and may be paid for it: nothing is read ahead."""
        return False

    async def score(self, prompts: Sequence[Sequence[int]]) -> list[float]:
        """Such a server does not tell: all ends are the same."""
        return [0.0] * len(prompts)

    def unsaid(self, request: Request) -> Iterable[str]:
        """Return what of the request it has no words for."""
        names = for_completions(request.sampling, is_vllm=self._is_vllm).unsaid
        if names:
            yield f"use {', '.join(name.replace('_', '-') for name in names)}"
        if request.sampling.logit_bias and not self._tokenises:
            yield "be told a bias of single tokens"
        if request.forbid_end and not self._is_vllm:
            yield "be kept from ending a reply early"

    async def _body(self, prompt: Sequence[int], request: Request) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self._model,
            "prompt": await self._sendable(prompt),
            "max_tokens": request.max_tokens,
            "stream": True,
            "seed": request.seed,
            **for_completions(request.sampling, is_vllm=self._is_vllm).fields,
        }
        biases = request.sampling.logit_bias
        if self._tokenises and biases:
            body["logit_bias"] = openai_bias(bias_of(biases, {text: await self._tokens(text) for text in biases}))
        if self._is_vllm:
            stops = [self._controls[name] for name in request.stop_controls if name in self._controls]
            body |= {"return_token_ids": True, "stop_token_ids": stops, "stream_options": {"include_usage": True}}
            body |= {"min_tokens": min(request.forbid_end, request.max_tokens)} if request.forbid_end else {}
            # The prompt is whole: nothing is to be put in front of it.
            body["add_special_tokens"] = not self._tokenises
        if not self._tokenises and request.stop_controls:
            body["stop"] = stops_of(request.stop_controls)
        return body

    async def _sendable(self, prompt: Sequence[int]) -> str | list[int]:
        """The prompt as the server takes it. What a reply went on from may hold ids of our own among the real ones."""
        if not self._tokenises:
            return self._plain.text(prompt)
        ids: list[int] = []
        for made_up, run in groupby(prompt, key=is_made_up):
            if made_up:
                ids += await self._tokens(b"".join(map(text_of, run)).decode("utf-8", "replace"))
            else:
                ids += run
        return ids

    async def _learn_tokens(self, names: Iterable[str]) -> str | None:
        """Find out whether the server tokenises, and which of `names` are one token; return the name of the token a
        prompt begins with, where it tells one."""
        try:
            begun = await self._asked("x", special=True)
            plain = await self._tokens("x")
        except ServerError:
            return None
        self._tokenises = True
        self._controls = {}
        for name in sorted(names):
            ids = await self._tokens(name)
            if len(ids) == 1:
                self._controls[name] = ids[0]
        ids = ids_in(begun, "tokens") or []
        if len(ids) <= len(plain):
            return None
        bos = await self._spelt([ids[0]])
        self._controls[bos] = ids[0]
        return bos or None

    async def _tokens(self, text: str) -> list[int]:
        ids = ids_in(await self._asked(text, special=False), "tokens")
        if ids is None:
            raise garbled("/tokenize")
        return ids

    async def _asked(self, text: str, *, special: bool) -> JsonObject:
        sendable = text.encode("utf-8", "replace").decode()
        return await self._http.post(
            "/tokenize", {"model": self._model, "prompt": sendable, "add_special_tokens": special}
        )

    async def _spelt(self, ids: Sequence[int]) -> str:
        return string(await self._http.post("/detokenize", {"model": self._model, "tokens": list(ids)}), "prompt")

    async def _spelling(self, token: int) -> bytes:
        return (await self._spelt([token])).encode()


def _model_in(answer: JsonObject, wanted: str) -> object:
    """The entry of the model that is wanted, or the first. Raises ModelError."""
    models = [model for model in items(answer, "data") if string(model, "id")]
    names = [string(model, "id") for model in models]
    if not models:
        raise ModelError("the server names no model", "Load one there first.")
    if not wanted:
        return models[0]
    if wanted in names:
        return models[names.index(wanted)]
    raise ModelError(
        f"the server has no model `{one_line(wanted)}`", f"It has {', '.join(f'`{one_line(n)}`' for n in names[:5])}."
    )


def _pieces(choice: object) -> list[Piece]:
    """The tokens of one chunk: with their ids where the server tells them, else with ids of our own."""
    text = string(choice, "text")
    ids = ids_in(choice, "token_ids")
    if ids:
        # Which token carries which bytes is not told; together they are this text.
        return [*(Piece(token, b"") for token in ids[:-1]), Piece(ids[-1], text.encode("utf-8", "replace"))]
    return [Piece(token, text_of(token)) for token in text_ids(text)]
