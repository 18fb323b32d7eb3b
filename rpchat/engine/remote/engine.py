"""The engine whose model lives on a server: one `port.Engine`, whichever dialect the server speaks.

Invariants: one thing is asked at a time; what is done in idle time gives way; no key is in anything that is told.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from rpchat.engine.port import (
    Ended,
    Loaded,
    LoadEvent,
    Loading,
    ModelInfo,
    Notice,
    Piece,
    Reading,
    Request,
    StreamEvent,
    seed_of,
)
from rpchat.engine.remote.completions import Completions
from rpchat.engine.remote.dialect import Dialect, Wanted
from rpchat.engine.remote.errors import ServerError
from rpchat.engine.remote.http import Http, Patience
from rpchat.engine.remote.keys import find_key
from rpchat.engine.remote.llama import LlamaServer, speaks_llama
from rpchat.engine.remote.settings import Address, ServerSettings, address_of
from rpchat.engine.remote.turns import Turns
from rpchat.engine.sandbox import Sandbox
from rpchat.engine.settings import EngineSettings
from rpchat.errors import EngineError, ModelError, PromptError
from rpchat.prompt.segment import Kind, Segment, joined

_KEPT_PROMPTS = 16
_LOADING_SECONDS = 600.0
_LOOK_AGAIN = 1.0


class RemoteEngine:
    """`port.Engine` on a server. `log` receives what the sandbox for chat templates prints.

    Nothing is asked before `load`. Raises ModelError for an address that is none.
    """

    def __init__(self, settings: ServerSettings, *, log: Path, patience: Patience | None = None) -> None:
        self.address: Address = address_of(settings.url)
        self._settings = settings
        self._patience = patience
        self._http: Http | None = None
        self._dialect: Dialect | None = None
        self._model: ModelInfo | None = None
        self._sandbox = Sandbox(log=log)
        self._turns = Turns()
        self._tokens: OrderedDict[tuple[tuple[Kind, str], ...], list[int]] = OrderedDict()
        self._read: list[int] = []
        self._told: set[str] = set()
        self._closed = False

    @property
    def model(self) -> ModelInfo | None:
        """The server's model, or None before `load` has ended."""
        return self._model

    async def load(
        self,
        path: Path,  # noqa: ARG002
        settings: EngineSettings,
        *,
        controls: Iterable[str] = (),
    ) -> AsyncGenerator[LoadEvent, None]:
        """Ask the server what it is and what model it has; wait for one that is still loading it.

        `path` is the server's own business: which model it is asked for stands in its settings. Raises ModelError.
        """
        async with self._turns.taken():
            yield Loading(0)
            wanted = Wanted(model=self._settings.model, n_ctx=settings.n_ctx, controls=frozenset(controls))
            try:
                dialect = await self._found()
                yield Loading(500)
                model = await dialect.describe(wanted)
            except EngineError as error:
                raise ModelError(error.message, error.hint) from None
            self._dialect, self._model = dialect, model
            self._tokens.clear()
            self._read, self._told = [], set()
            yield Loaded(model)

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the token ids of a prompt, exactly as `stream` would send it. Raises PromptError, EngineError."""
        async with self._turns.taken():
            return list(await self._ids(segments))

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token; a control token has none. Raises PromptError, EngineError."""
        async with self._turns.taken():
            return await self._ready().pieces(ids)

    async def reusable(self, segments: Sequence[Segment], *, continue_ids: Sequence[int] = ()) -> int:
        """Return how many of a prompt's first tokens this engine sent last: the server may still hold them.

        Raises PromptError, EngineError.
        """
        return self._sent([*await self.tokenize(segments), *continue_ids])

    async def read_ahead(
        self,
        segments: Sequence[Segment],
        *,
        continue_ids: Sequence[int] = (),
        replacing: bool = False,  # noqa: ARG002
    ) -> bool:
        """Let the server read a prompt that may come, if it does such things; return whether all of it is read."""
        async with self._turns.spare():
            return bool(await self._turns.unless_called(self._read_prompt(segments, continue_ids)))

    async def save_state(self, path: Path, *, limit: int) -> bool:  # noqa: ARG002
        """Return that nothing is kept: what the server has read stays there, if it stays."""
        return False

    async def restore_state(self, path: Path) -> int:  # noqa: ARG002
        """Return that nothing came back."""
        return 0

    async def score(self, prompts: Sequence[Sequence[Segment]]) -> list[float]:
        """Return how likely the model finds each prompt's end; all the same where the server cannot tell.

        Raises PromptError, EngineError.
        """
        async with self._turns.taken():
            return await self._ready().score([await self._ids(prompt) for prompt in prompts])

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Read the prompt and write. Closing the generator closes the connection, which ends the work on the server."""
        async with self._turns.taken():
            for notice in self._notices(request):
                yield notice
            async with aclosing(self._written(request, 1)) as events:
                async for _, event in events:
                    yield event

    async def stream_many(
        self, request: Request, count: int, *, wanted: Callable[[int], bool], idle: bool = False
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Write `count` versions, as many together as the server can, from one reading of the prompt; where it cannot,
        one behind the other: what the server has read serves them all."""
        async with self._turns.spare() if idle else self._turns.taken():
            prompt = await self._prompt(request.segments, request.continue_ids)
            at_once = self._ready().at_once(prompt, request)
            for first in range(0, count, at_once):
                together = min(at_once, count - first)
                left: set[int] = set()
                seeded = replace(request, seed=seed_of(request.seed, first))
                async with aclosing(self._written(seeded, together)) as events:
                    while len(left) < together:
                        coming = _next(events)
                        told = await (self._turns.unless_called(coming) if idle else coming)
                        if told is None:
                            return
                        version, event = first + told[0], told[1]
                        if version in left:
                            continue
                        if not isinstance(event, Reading) or version == 0:
                            yield version, event
                        if isinstance(event, Ended) or (isinstance(event, Piece) and not wanted(version)):
                            left.add(version)

    async def render_template(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the model's own chat template rendered over `messages`, in the sandbox. Raises PromptError."""
        model = self._model
        if model is None or not model.chat_template:
            raise PromptError("the server tells no chat template", "Choose a preset.")
        return await self._sandbox.render(model.chat_template, messages, bos=model.bos or "", eos=model.eos)

    async def close(self) -> None:
        """Close every connection and end the sandbox. Never raises; may be called twice."""
        self._closed = True
        http, self._http = self._http, None
        if http is not None:
            await http.close()
        await self._sandbox.close()

    async def _found(self) -> Dialect:
        """Return the dialect the server answers to. Raises ModelError, EngineError."""
        if self._closed:
            raise EngineError("the engine is closed")
        if self._http is None:
            key = find_key(self._settings.key_variable, self.address)
            self._http = Http(self.address, key, silence=self._settings.patience, patience=self._patience)
        http = self._http
        try:
            props = await _waited_for(http)
        except ServerError as error:
            if error.status not in (400, 404, 405, 501):
                raise
            return Completions(http)
        return LlamaServer(http) if speaks_llama(props) else Completions(http)

    def _ready(self) -> Dialect:
        if self._closed:
            raise EngineError("the engine was closed")
        if self._dialect is None:
            raise EngineError("no model is loaded")
        return self._dialect

    async def _ids(self, segments: Sequence[Segment]) -> list[int]:
        """The ids of a prompt; those of the prompts seen last are kept, for each is asked about more than once."""
        key = tuple(joined(segments))
        if key not in self._tokens:
            self._tokens[key] = await self._ready().tokenize(segments)
        self._tokens.move_to_end(key)
        while len(self._tokens) > _KEPT_PROMPTS:
            self._tokens.popitem(last=False)
        return self._tokens[key]

    async def _prompt(self, segments: Sequence[Segment], continue_ids: Sequence[int]) -> list[int]:
        """The tokens that are to be read. Raises PromptError if there are none, or more than the context holds."""
        prompt = [*await self._ids(segments), *continue_ids]
        n_ctx = self._model.n_ctx if self._model is not None else 0
        if not prompt:
            raise PromptError("the prompt is empty")
        if len(prompt) >= n_ctx:
            raise PromptError(
                f"the prompt has {len(prompt)} tokens, the context holds {n_ctx}",
                "Start the server with a larger context, or shorten the cards.",
            )
        return prompt

    async def _written(self, request: Request, count: int) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Have versions of a reply written together, at most as many as the server can."""
        dialect = self._ready()
        prompt = await self._prompt(request.segments, request.continue_ids)
        self._read = [*prompt]
        async with aclosing(dialect.write_many(prompt, request, count)) as events:
            async for version, event in events:
                if version == 0 and isinstance(event, Piece):
                    self._read.append(event.id)
                yield version, event

    async def _read_prompt(self, segments: Sequence[Segment], continue_ids: Sequence[int]) -> bool:
        prompt = await self._prompt(segments, continue_ids)
        if self._sent(prompt) == len(prompt):
            return True
        whole = await self._ready().read(prompt)
        if whole:
            self._read = prompt
        return whole

    def _sent(self, prompt: Sequence[int]) -> int:
        """How many of a prompt's first tokens were sent last."""
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(prompt, self._read, strict=False)))

    def _notices(self, request: Request) -> list[Notice]:
        """What the reader should know of how this request is carried out; each thing is told once."""
        said = [f"this server cannot {unsaid}" for unsaid in self._ready().unsaid(request)]
        if self._model is not None and self._model.text_only:
            said.append("this server takes only text: control tokens are written out, tokens are estimated")
        if self._http is not None and self._http.has_key and not self.address.is_private:
            said.append("the key is sent over a connection that others can read")
        new = [line for line in said if line not in self._told]
        self._told.update(new)
        return [Notice(line) for line in new]


async def _waited_for(http: Http) -> Mapping[str, object]:
    """The answer to `/props`; a server that is still loading its model is asked again until it has."""
    deadline = asyncio.get_running_loop().time() + _LOADING_SECONDS
    while True:
        try:
            return await http.get("/props")
        except ServerError as error:
            if error.status != 503 or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(_LOOK_AGAIN)


async def _next(events: AsyncGenerator[tuple[int, StreamEvent], None]) -> tuple[int, StreamEvent] | None:
    return await anext(events, None)
