"""What writes one reply: it draws the tokens, tells them, and knows what ends the reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import llama_cpp

from rpchat.engine.port import End, Request
from rpchat.engine.worker.chain import Chain
from rpchat.engine.worker.vocabulary import Vocabulary

_LAST = -1


@dataclass(slots=True, kw_only=True)
class Pen:
    """Writes one reply to a prompt of `prompt_tokens` tokens. Its chain is its own: whoever made it closes it."""

    chain: Chain
    vocabulary: Vocabulary
    request: Request
    ends: frozenset[int]
    """The control tokens that end this reply, beside the end-of-generation tokens."""
    prompt_tokens: int
    n_ctx: int
    tell: Callable[[int, bytes], None]
    """Called with each token and its bytes."""
    count: int = 0
    """Tokens written."""
    token: int = -1
    """The last one that was drawn, which may be the one that ended the reply."""

    def step(self, context: llama_cpp.llama_context_p, *, output: int = _LAST) -> End | None:
        """Draw the next token behind the one at index `output` of the last batch; return what ended the reply.

        As long as nothing did, `token` is to be decoded before the next step.
        """
        request = self.request
        if self.count >= request.max_tokens:
            return "max_tokens"
        if self.count and self.count == request.forbid_end:
            self.chain.allow_end()
        self.token = token = self.chain.draw(context, output=output)
        if self.vocabulary.is_end(token):
            return "eos"
        if token in self.ends:
            return "stop"
        self.count += 1
        self.tell(token, self.vocabulary.piece(token))
        # The last token of a reply is not decoded, so it needs no place.
        if self.prompt_tokens + self.count > self.n_ctx:
            return "context"
        return "max_tokens" if self.count == request.max_tokens else None
