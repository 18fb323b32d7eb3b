"""llama-server's event stream, from its chunks to ours.

It sends a chunk for each token, but keeps tokens back that end within a character; they are told by their number only,
and found again here. A chunk without text may be the token that ends the reply, which is none of ours: it is held until
the next one shows what it was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from rpchat.engine.port import End, Ended, Piece, Reading, StreamEvent
from rpchat.engine.remote.errors import broken_off, garbled
from rpchat.engine.remote.values import JsonObject, ids_in, inner, real, string, whole

Retell = Callable[[str], Awaitable[list[tuple[int, bytes]]]]


@dataclass(slots=True, kw_only=True)
class Chunks:
    """Reads the chunks of one reply, which may take several requests. `stops` are the tokens that end it, `controls`
    those without text; `retell` tells the tokens of a text."""

    stops: frozenset[int]
    controls: frozenset[int]
    retell: Retell
    n_ctx: int
    ids: list[int] = field(default_factory=list)
    """What was written, in all requests together."""
    over: bool = False
    """Whether the end of the latest request was told."""
    _told_before: bool = False
    _counted: int = 0
    _held: Piece | None = None
    _read_to: int = -1
    _prompt_tokens: int = 0
    _prefilled: int = -1
    _prefill_ms: float = 0.0
    _decode_ms: float = 0.0

    @property
    def count(self) -> int:
        """The number of tokens written."""
        return len(self.ids)

    async def told(self, answers: AsyncGenerator[JsonObject, None]) -> AsyncGenerator[StreamEvent, None]:
        """Yield what the chunks of one request tell; the last is `Ended`. Raises EngineError if they break off."""
        self.begin()
        async for chunk in answers:
            for event in await self.take(chunk):
                yield event
            if self.over:
                return
        raise broken_off()

    def begin(self) -> None:
        """Be ready for the chunks of another request, which goes on behind what was written."""
        self._told_before, self._counted, self._held, self.over = bool(self.ids), 0, None, False

    async def take(self, chunk: JsonObject) -> list[StreamEvent]:
        """Return what one chunk tells. Raises EngineError if it makes no sense."""
        if "prompt_progress" in chunk:
            return [] if self._told_before else [*self._reading(inner(chunk, "prompt_progress"))]
        events: list[StreamEvent] = []
        last = chunk.get("stop") is True
        if self._held is not None and not (last and string(chunk, "stop_type") == "eos"):
            events.append(self._written(self._held))
        self._held = None
        if last:
            return [*events, self._ended(chunk, self._reason(chunk))]
        tokens = ids_in(chunk, "tokens")
        if not tokens:
            raise garbled("/completion")
        if tokens[-1] in self.stops:
            return [*events, self._ended(chunk, "stop")]
        number = whole(chunk, "tokens_predicted")
        pieces = await self._pieces(tokens[-1], string(chunk, "content"), number - self._counted)
        self._counted = number
        if not pieces[-1].data:
            self._held = pieces.pop()
        return [*events, *map(self._written, pieces)]

    async def _pieces(self, token: int, content: str, number: int) -> list[Piece]:
        """The pieces of a chunk that stands for `number` tokens and ends with `token`."""
        data = b"" if token in self.controls else content.encode()
        if number <= 1 or not data:
            return [Piece(token, data)]
        return [Piece(one, piece) for one, piece in await self.retell(content)] or [Piece(token, data)]

    def _written(self, piece: Piece) -> Piece:
        self.ids.append(piece.id)
        return piece

    def _reading(self, progress: JsonObject) -> list[Reading]:
        """What is told of the prompt, unless it is no news."""
        done, total = whole(progress, "processed"), whole(progress, "total")
        if done <= self._read_to:
            return []
        self._read_to = done
        self._prompt_tokens = total
        if self._prefilled < 0:
            self._prefilled = total - whole(progress, "cache")
        return [Reading(min(done, total), total)]

    def _reason(self, chunk: JsonObject) -> End:
        if string(chunk, "stop_type") != "limit":
            return "eos" if string(chunk, "stop_type") == "eos" else "stop"
        return "context" if chunk.get("truncated") is True else "max_tokens"

    def _ended(self, chunk: JsonObject, reason: End) -> Ended:
        self.over = True
        timings = inner(chunk, "timings")
        self._prefill_ms += real(timings, "prompt_ms")
        self._decode_ms += real(timings, "predicted_ms")
        return Ended(
            reason=reason,
            prompt_tokens=self._prompt_tokens or whole(chunk, "tokens_evaluated"),
            prefilled_tokens=max(self._prefilled, 0),
            reply_tokens=self.count,
            prefill_ms=self._prefill_ms,
            decode_ms=self._decode_ms,
        )
