"""What a server must be able to say, in whichever words: the seam between the engine and the two dialects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rpchat.engine.port import ModelInfo, Request, StreamEvent
from rpchat.prompt.segment import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted of a server when it is asked for the first time."""

    model: str = ""
    """The model's name; empty takes the server's first."""
    n_ctx: int = 0
    """Use no more of its context than this, in tokens; 0 is all. Where a server does not tell, this is believed."""
    controls: frozenset[str] = frozenset()
    """Control tokens that adapters may use."""


class Dialect(Protocol):
    """How one kind of server is spoken to. Whoever has one asks for one thing at a time."""

    async def describe(self, wanted: Wanted) -> ModelInfo:
        """Return what the server's model is. To be called first. Raises ModelError, EngineError."""
        ...

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a prompt; only control segments become control tokens. Raises PromptError, EngineError."""
        ...

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token; a control token has none. Raises PromptError, EngineError."""
        ...

    def write(self, prompt: Sequence[int], request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Read `prompt`, the tokens of the request with those to go on from, and write; the last event is `Ended`.

        Closing the generator ends the work on the server. Raises PromptError, EngineError.
        """
        ...

    def at_once(self, prompt: Sequence[int], request: Request) -> int:
        """Return how many versions of a reply to `prompt` can be written together; 1: only one after the other."""
        ...

    def write_many(
        self, prompt: Sequence[int], request: Request, count: int
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Read `prompt` once and write `count` versions of the reply together, at most `at_once`.

        They are numbered from 0 and seeded by `seed_of`; each ends with its `Ended`. Closing and raising are as in
        `write`.
        """
        ...

    async def read(self, prompt: Sequence[int]) -> bool:
        """Let the server read a prompt that may come; return whether it does such things. Being cancelled ends it."""
        ...

    async def score(self, prompts: Sequence[Sequence[int]]) -> list[float]:
        """Return how likely the model finds each prompt's end, as natural logarithms; all the same where it cannot
        tell. Raises EngineError."""
        ...

    def unsaid(self, request: Request) -> Iterable[str]:
        """Return what of the request this server cannot be told, each as words that stand behind "cannot"."""
        ...
