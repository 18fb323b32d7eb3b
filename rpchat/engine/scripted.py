"""An engine that plays back scripts: deterministic, in this process, without a model.

Every request consumes the next script. Token ids are code points: one for each character of text, and a number
beyond Unicode for a control token, so a test can read what was asked without a vocabulary.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from rpchat.engine.port import (
    End,
    Ended,
    Loaded,
    LoadEvent,
    Loading,
    ModelInfo,
    Piece,
    Reading,
    Request,
    StreamEvent,
    seed_of,
)
from rpchat.engine.settings import EngineSettings
from rpchat.errors import PromptError, RpchatError
from rpchat.prompt.segment import Segment, joined

FIRST_CONTROL_ID = 0x110000
"""The id of the first control token ever named; the next one has the next id."""

_ANSWER = ("The", " rain", " has", " stopped", ".", " Shall", " we", " go", " outside", "?")
_SLICE = 64


@dataclass(slots=True)
class Gate:
    """Holds a stream: it stops before piece number `at`, sets `reached`, and waits for `opened`."""

    at: int
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What one request is answered with.

    `pieces` are the tokens in order; a `str` is sent as UTF-8. An `error` is raised after `fail_after` pieces.
    """

    pieces: tuple[str | bytes, ...] = ()
    end: End = "eos"
    error: RpchatError | None = None
    fail_after: int = 0
    gate: Gate | None = None

    @classmethod
    def of(cls, text: str, *, end: End = "eos") -> Script:
        """Return a script that writes `text` one character a piece."""
        return cls(pieces=tuple(text), end=end)


MODEL = ModelInfo(
    path=Path("scripted.gguf"),
    name="Scripted",
    architecture="scripted",
    description="a script, no weights",
    size=0,
    parameters=0,
    n_ctx=8192,
    n_ctx_train=8192,
    n_vocab=FIRST_CONTROL_ID,
    chat_template="",
    bos="<s>",
    eos="</s>",
    controls=frozenset({"<s>", "</s>"}),
    metadata={},
    devices=(),
    offloaded=False,
    threads=1,
    safe_mode=False,
    library="0",
    features="",
)
"""The model a scripted engine says it has, where a test gives it no other."""


class ScriptedEngine:
    """Implements `port.Engine` from a list of scripts; without a list, every answer is the same sentence.

    `requests` holds what was asked, oldest first, `ahead` the prompts read ahead; `cancelled` counts the streams closed
    before their end; `saved` and `restored` are the files of states.
    """

    def __init__(
        self, replies: Iterable[Script] | None = None, *, model: ModelInfo = MODEL, loaded: bool = True
    ) -> None:
        self._scripts = None if replies is None else iter(replies)
        self._lock = asyncio.Lock()
        self._control_ids: dict[str, int] = {}
        self._prepared = model
        self._model = model if loaded else None
        self.requests: list[Request] = []
        self.ahead: list[tuple[Segment, ...]] = []
        self.scores: dict[str, float] = {}
        self._read: list[int] = []
        self.saved: list[Path] = []
        self.restored: list[Path] = []
        self.cancelled = 0
        self.closed = False

    @property
    def model(self) -> ModelInfo | None:
        """The model, or None before `load` where the engine was built with `loaded=False`."""
        return self._model

    async def load(
        self, path: Path, settings: EngineSettings, *, controls: Iterable[str] = ()
    ) -> AsyncGenerator[LoadEvent, None]:
        """Pretend to load: two steps, then the model under the name and context that were asked for."""
        async with self._lock:
            for done in (0, 500):
                yield Loading(done)
                await asyncio.sleep(0)
            self._model = replace(
                self._prepared,
                path=path,
                n_ctx=settings.n_ctx or self._prepared.n_ctx,
                controls=self._prepared.controls | frozenset(controls),
            )
            yield Loaded(self._model)

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return one id for each character and each control token."""
        ids: list[int] = []
        for kind, content in joined(segments):
            if kind == "c":
                ids.append(self._control_ids.setdefault(content, FIRST_CONTROL_ID + len(self._control_ids)))
            else:
                ids.extend(map(ord, content))
        return ids

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return each character's bytes; a control token has none."""
        return [b"" if token >= FIRST_CONTROL_ID else chr(token).encode() for token in ids]

    async def reusable(self, segments: Sequence[Segment], *, continue_ids: Sequence[int] = ()) -> int:
        """Return how many tokens this prompt has in common with the latest one: there is one sequence."""
        ids = [*await self.tokenize(segments), *continue_ids]
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ids, self._read, strict=False)))

    async def score(self, prompts: Sequence[Sequence[Segment]]) -> list[float]:
        """Find all ends equally likely, but for those of `scores`, by the last words of the prompt."""
        texts = ["".join(content for _, content in joined(prompt)) for prompt in prompts]
        return [next((log for end, log in self.scores.items() if text.endswith(end)), -1.0) for text in texts]

    async def read_ahead(
        self,
        segments: Sequence[Segment],
        *,
        continue_ids: Sequence[int] = (),
        replacing: bool = False,  # noqa: ARG002
    ) -> bool:
        """Take the prompt as read."""
        async with self._lock:
            self.ahead.append(tuple(segments))
            self._read = [*await self.tokenize(segments), *continue_ids]
        return True

    async def save_state(self, path: Path, *, limit: int) -> bool:
        """Write the latest prompt's ids, four bytes each, into the file."""
        async with self._lock:
            if not self._read or len(self._read) * 4 > limit:
                return False
            await asyncio.to_thread(path.write_bytes, array("I", self._read).tobytes())
            self.saved.append(path)
        return True

    async def restore_state(self, path: Path) -> int:
        """Take the ids in the file for the latest prompt's; 0 and nothing changed if it holds none."""
        async with self._lock:
            try:
                ids = array("I", await asyncio.to_thread(path.read_bytes)).tolist()
            except (OSError, ValueError):
                return 0
            if ids:
                self._read = ids
                self.restored.append(path)
        return len(ids)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Play the next script: Reading events up to the prompt's length, the pieces, then the end."""
        async with self._lock:
            self.requests.append(request)
            self._read = [*await self.tokenize(request.segments), *request.continue_ids]
            ended = False
            try:
                async with aclosing(self._play(request, self._next_script())) as events:
                    async for event in events:
                        ended = isinstance(event, Ended)
                        yield event
            except (GeneratorExit, asyncio.CancelledError):
                self.cancelled += not ended
                raise

    async def stream_many(
        self,
        request: Request,
        count: int,
        *,
        wanted: Callable[[int], bool],
        idle: bool = False,  # noqa: ARG002
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Play a script for each version, an event of each in turn; each version is a request with its own seed."""
        async with self._lock, AsyncExitStack() as stack:
            requests = [replace(request, seed=seed_of(request.seed, version)) for version in range(count)]
            self.requests += requests
            self._read = [*await self.tokenize(request.segments), *request.continue_ids]
            living = {
                version: await stack.enter_async_context(aclosing(self._play(one, self._next_script())))
                for version, one in enumerate(requests)
            }
            try:
                async for version, event in _in_turns(living):
                    if not isinstance(event, Reading) or version == 0:
                        yield version, event
                    if isinstance(event, Piece) and not wanted(version):
                        del living[version]
            except (GeneratorExit, asyncio.CancelledError):
                self.cancelled += len(living)
                raise

    async def render_template(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the messages one a line, with an open line for the reply."""
        return "".join(f"{message['role']}: {message['content']}\n" for message in messages) + "assistant:"

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _next_script(self) -> Script:
        """Return the script of this request; running out of them is a mistake of the test."""
        if self._scripts is None:
            return Script(pieces=_ANSWER)
        for script in self._scripts:
            return script
        raise AssertionError(f"no script left for request {len(self.requests)}")

    async def _play(self, request: Request, script: Script) -> AsyncGenerator[StreamEvent, None]:
        total = len(await self.tokenize(request.segments)) + len(request.continue_ids)
        if self._model is not None and total >= self._model.n_ctx:
            raise PromptError(f"the prompt has {total} tokens, the context holds {self._model.n_ctx}")
        for done in (*range(0, total, _SLICE), total):
            yield Reading(done, total)
            await asyncio.sleep(0)
        pieces = script.pieces[: request.max_tokens]
        for index, piece in enumerate(pieces):
            await _reach(script, index)
            yield _piece(piece)
            await asyncio.sleep(0)
        await _reach(script, len(pieces))
        yield Ended(
            reason="max_tokens" if len(script.pieces) > request.max_tokens else script.end,
            prompt_tokens=total,
            prefilled_tokens=total,
            reply_tokens=len(pieces),
            prefill_ms=0.0,
            decode_ms=0.0,
        )


async def _in_turns(
    living: dict[int, AsyncGenerator[StreamEvent, None]],
) -> AsyncGenerator[tuple[int, StreamEvent], None]:
    """Yield one event after the other of those that are living; who has ended leaves."""
    while living:
        for version in tuple(living):
            event = await anext(living[version], None)
            if event is None:
                del living[version]
                continue
            yield version, event


async def _reach(script: Script, index: int) -> None:
    """Do what the script wants before piece `index`: wait at its gate, or raise its error."""
    if script.gate is not None and script.gate.at == index:
        script.gate.reached.set()
        await script.gate.opened.wait()
    if script.error is not None and script.fail_after == index:
        raise script.error


def _piece(content: str | bytes) -> Piece:
    """Return a piece whose id is the code point of its first character, 0 for bytes that are no text."""
    if isinstance(content, bytes):
        return Piece(0, content)
    return Piece(ord(content[0]) if content else 0, content.encode())
