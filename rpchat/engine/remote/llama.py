"""llama-server's own dialect: prompts as token ids, exact ids and bytes back, its cache heeded, progress told."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from itertools import pairwise, takewhile
from pathlib import Path

from rpchat.engine.port import Ended, ModelInfo, Request, StreamEvent
from rpchat.engine.remote.chain import bias_of, for_llama_server, llama_bias
from rpchat.engine.remote.dialect import Wanted
from rpchat.engine.remote.errors import garbled
from rpchat.engine.remote.http import Http
from rpchat.engine.remote.llama_stream import Chunks
from rpchat.engine.remote.values import JsonObject, ids_in, inner, items, real, string, whole
from rpchat.errors import PromptError
from rpchat.prompt.segment import Segment, joined
from rpchat.story.text import one_line

_VOCABULARIES = {1: "llama", 2: "gpt2", 3: "bert", 4: "t5", 5: "rwkv"}
_LIKELIEST = 2000
"""So many of the next tokens are asked for when openings are compared."""
_QUOTED = re.compile(r"""(['"])(.{1,64}?)\1""")
_BRACKETED = re.compile(r"<[^\s<>]{1,62}>|\[[^\s\[\]]{1,62}\]")
_DELIMITERS = ("<", "[")
_BETWEEN = -1
"""No token: parts what was asked about together."""


def speaks_llama(props: JsonObject) -> bool:
    """Return whether an answer to `/props` is that of a llama-server with a model in it."""
    return whole(inner(props, "default_generation_settings"), "n_ctx") > 0


class LlamaServer:
    """`Dialect` for llama-server."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._controls: dict[str, int] = {}
        self._marks: re.Pattern[str] | None = None
        self._n_ctx = 0
        self._n_vocab = 0

    async def describe(self, wanted: Wanted) -> ModelInfo:
        """Return the model it has loaded: it has one, so the name that is wanted does not matter."""
        props = await self._http.get("/props")
        meta = inner(next(iter(items(await self._http.get("/v1/models"), "data")), None), "meta")
        settings = inner(props, "default_generation_settings")
        told = whole(settings, "n_ctx")
        self._n_ctx = min(wanted.n_ctx or told, told)
        self._n_vocab = whole(meta, "n_vocab")
        template = string(props, "chat_template")
        path = Path(one_line(string(props, "model_path"), 500))
        await self._find_controls(wanted.controls, template)
        begins = await self._asked_tokens({"content": "", "add_special": True})
        return ModelInfo(
            path=path,
            name=_name(one_line(string(props, "model_alias"), 200), path),
            architecture="",
            description=one_line(string(props, "model_ftype")),
            size=whole(meta, "size"),
            parameters=whole(meta, "n_params"),
            n_ctx=self._n_ctx,
            n_ctx_train=whole(meta, "n_ctx_train"),
            n_vocab=self._n_vocab,
            chat_template=template,
            bos=(string(props, "bos_token") or None) if begins else None,
            eos=string(props, "eos_token"),
            controls=frozenset(self._controls),
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
        """Return the ids of a prompt, in one question: control tokens as ids, each run of text by itself."""
        content: list[int | str] = []
        for kind, run in joined(segments):
            if kind == "t":
                content += self._parts(run)
                continue
            token = await self._control_id(run)
            if token is None:
                raise PromptError(
                    f"this model has no control token {one_line(run)}",
                    "This preset is for another model; choose one.",
                )
            content.append(token)
        return await self._asked_tokens({"content": content}) if content else []

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token, which the server tells exactly."""
        self._check(ids)
        answer = await self._http.post("/tokenize", {"content": list(ids), "with_pieces": True}) if ids else {}
        controls = set(self._controls.values())
        pieces = [(whole(told, "id", -1), _bytes(told)) for told in items(answer, "tokens")]
        if [token for token, _ in pieces] != list(ids):
            raise garbled("/tokenize")
        return [b"" if token in controls else piece for token, piece in pieces]

    async def write(self, prompt: Sequence[int], request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Write the reply; where it may not end at first, in two steps, the second without that ban."""
        self._check(prompt)
        banned = min(request.forbid_end, request.max_tokens) if not request.sampling.grammar.strip() else 0
        chunks = Chunks(
            stops=await self._stops(request), controls=frozenset(self._controls.values()), retell=self._retold,
            n_ctx=self._n_ctx,
        )  # fmt: skip
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

    async def read(self, prompt: Sequence[int]) -> bool:
        """Let the server read a prompt into its cache; its stream is closed to end it early."""
        self._check(prompt)
        body = {"prompt": list(prompt), "n_predict": 0, "cache_prompt": True, "stream": True, "return_progress": True}
        async with aclosing(self._http.events("/completion", body)) as answers:
            async for _ in answers:
                pass
        return True

    async def score(self, prompts: Sequence[Sequence[int]]) -> list[float]:
        """Return how likely each end is, followed as far as the prompts differ. What is not among the likeliest
        tokens counts as the last of them."""
        scores = [0.0] * len(prompts)
        groups = [list(range(len(prompts)))] if len(prompts) > 1 else []
        while groups:
            group = groups.pop()
            front = _front([prompts[index] for index in group])
            odds = await self._odds(prompts[group[0]][:front])
            least = min(odds.values(), default=0.0)
            branches: dict[int, list[int]] = defaultdict(list)
            for index in group:
                if len(prompts[index]) > front:
                    branches[prompts[index][front]].append(index)
            for token, branch in branches.items():
                for index in branch:
                    scores[index] += odds.get(token, least)
                if len(branch) > 1:
                    groups.append(branch)
        return scores

    def unsaid(self, request: Request) -> Iterable[str]:
        """Return what it leaves out: with mirostat, what looks back at the text."""
        names = for_llama_server(request.sampling, n_ctx=self._n_ctx).unsaid
        return [f"use {' and '.join(names)} with mirostat"] if names else []

    async def _body(self, prompt: Sequence[int], request: Request, limit: int, *, banned: bool) -> dict[str, object]:
        texts = request.sampling.logit_bias
        biases = bias_of(texts, {text: await self._asked_tokens({"content": self._parts(text)}) for text in texts})
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

    async def _odds(self, prompt: Sequence[int]) -> dict[int, float]:
        """The logarithms of the probabilities of the likeliest tokens behind a prompt."""
        body = {"prompt": list(prompt), "n_predict": 1, "n_probs": _LIKELIEST, "cache_prompt": True,
                "samplers": ["top_k"], "top_k": 1}  # fmt: skip
        answer = await self._http.post("/completion", body)
        first = next(iter(items(answer, "completion_probabilities")), None)
        odds = {whole(one, "id", -1): real(one, "logprob") for one in items(first, "top_logprobs")}
        if not odds:
            raise garbled("/completion")
        return odds

    async def _stops(self, request: Request) -> frozenset[int]:
        ids = [await self._control_id(name) for name in request.stop_controls]
        return frozenset(token for token in ids if token is not None)

    async def _retold(self, text: str) -> list[tuple[int, bytes]]:
        """The tokens that text is made of, each with its bytes."""
        answer = await self._http.post("/tokenize", {"content": text, "parse_special": False, "with_pieces": True})
        return [(whole(told, "id"), _bytes(told)) for told in items(answer, "tokens")]

    async def _find_controls(self, names: Iterable[str], template: str) -> None:
        """Find out which of `names`, and of the words a template could mean as tokens, are control tokens."""
        words = {match[2] for match in _QUOTED.finditer(template)} | set(_BRACKETED.findall(template))
        asked = sorted({*names, *words})
        parsed, plain = await self._each(asked, special=True), await self._each(asked, special=False)
        found = {name: (ids[0], ids == plain[name]) for name, ids in parsed.items() if len(ids) == 1}
        marks = [name for name in names if name.startswith(_DELIMITERS) and found.get(name, (0, False))[1]]
        # A token of its own that is found in plain text as well: there it is cut in two, as in the child.
        self._marks = re.compile("|".join(map(re.escape, marks))) if marks else None
        self._controls = {name: token for name, (token, in_plain) in found.items() if not in_plain or name in marks}

    async def _control_id(self, name: str) -> int | None:
        if name not in self._controls:
            ids = (await self._each([name], special=True))[name]
            if len(ids) != 1 or ids == (await self._each([name], special=False))[name]:
                return None
            self._controls[name] = ids[0]
        return self._controls[name]

    async def _each(self, texts: Sequence[str], *, special: bool) -> dict[str, list[int]]:
        """The ids of each text, all asked for at once: numbers among the texts come back as they are."""
        content = [part for text in texts for part in (_sendable(text), _BETWEEN)]
        ids = await self._asked_tokens({"content": content, "parse_special": special}) if content else []
        runs: list[list[int]] = [[]]
        for token in ids:
            if token == _BETWEEN:
                runs.append([])
            else:
                runs[-1].append(token)
        if len(runs) != len(texts) + 1:
            raise garbled("/tokenize")
        return dict(zip(texts, runs, strict=False))

    async def _asked_tokens(self, question: Mapping[str, object]) -> list[int]:
        ids = ids_in(await self._http.post("/tokenize", {"parse_special": False, **question}), "tokens")
        if ids is None:
            raise garbled("/tokenize")
        return ids

    def _parts(self, run: str) -> list[str]:
        """A run of text, every mark in it cut behind its first character."""
        run = _sendable(run)
        cuts = [match.start() + 1 for match in self._marks.finditer(run)] if self._marks is not None else []
        places = [0, *cuts, len(run)]
        return [run[start:stop] for start, stop in pairwise(places) if stop > start]

    def _check(self, prompt: Sequence[int]) -> None:
        if self._n_vocab and not all(0 <= token < self._n_vocab for token in prompt):
            raise PromptError("the prompt holds token ids that this model does not have")


def _name(alias: str, path: Path) -> str:
    """What the model is called; a server without an alias gives the path of its file."""
    return path.stem if not alias or alias.casefold().endswith(".gguf") else alias


def _front(prompts: Sequence[Sequence[int]]) -> int:
    """The number of tokens that all have in common."""
    columns = zip(*prompts, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _bytes(told: object) -> bytes:
    """A token's bytes: a text where they are one, else a list of numbers."""
    numbers = ids_in(told, "piece")
    return string(told, "piece").encode() if numbers is None else bytes(numbers)


def _sendable(text: str) -> str:
    """Text that JSON can carry: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
