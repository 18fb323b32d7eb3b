"""Reading a prompt and writing a reply: the loop everything else is there for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import llama_cpp

from rpchat.engine.port import End, Ended, Request
from rpchat.engine.worker.batch import Batch
from rpchat.engine.worker.cache import Cache
from rpchat.engine.worker.chain import Chain
from rpchat.engine.worker.flag import CancelFlag
from rpchat.engine.worker.governor import Governor
from rpchat.engine.worker.held import common
from rpchat.engine.worker.pen import Pen
from rpchat.engine.worker.samplers import Setting
from rpchat.engine.worker.vocabulary import Vocabulary
from rpchat.errors import EngineError, PromptError
from rpchat.prompt.segment import Segment, up_to_gap

_ABORTED = 2
_FULL = 1


_STEPS = 16
GOVERNED_TOKENS = 32
"""So many tokens are written between two looks at how busy the machine is."""


def slice_size(count: int, *, least: int, most: int) -> int:
    """Return in slices of how many tokens `count` tokens are read: long prompts in about 16, none in tiny ones.

    It depends on nothing but the numbers: results differ a little with the size, and a seed must give its text again.
    """
    return min(most, max(least, 1 << max(0, count // _STEPS).bit_length()))


class CancelledError(Exception):
    """The request was cancelled; the cache is in order."""


@dataclass(frozen=True, slots=True)
class TokenPrompt:
    """A prompt in tokens. In front of its token `gap_before` something was left out (`with_gap`); 0: nothing was."""

    ids: list[int]
    gap_before: int = 0


@dataclass(slots=True, kw_only=True)
class Decoder:
    """A context and what is in it."""

    context: llama_cpp.llama_context_p
    vocabulary: Vocabulary
    cache: Cache
    n_ctx: int
    """Most tokens of a prompt and its reply."""
    n_batch: int
    """Most tokens that are read at once."""
    least_slice: int
    """Fewest that are: progress is told after each slice, and every slice has its cost."""
    flag: CancelFlag
    governor: Governor | None
    """Who says with how many threads to compute; None where the user has said."""
    _batch: Batch = field(init=False)
    _last: int | None = field(init=False, default=None)
    """The token the latest reply ended with, until it is decoded."""

    def __post_init__(self) -> None:
        self._batch = Batch(self.n_batch)
        self.flag.watch(self.context)

    def warm_up(self, count: int) -> None:
        """Decode `count` tokens for nothing: a build that dies here dies now."""
        ids = [token % self.vocabulary.size for token in range(1, count + 1)]
        self._decode(ids)
        llama_cpp.llama_synchronize(self.context)
        self.cache.clear()

    def reply(
        self, request: Request, *, reading: Callable[[int, int], None], piece: Callable[[int, bytes], None]
    ) -> Ended:
        """Read the prompt, write the reply, and return how it ended. Raises PromptError and CancelledError."""
        prompt = self.prompt_of(request.segments, request.continue_ids)
        pen = self.pen(request, prompt.ids, tell=piece)
        try:
            begun = time.perf_counter()
            prefilled = self._read(prompt, reading, same=request.sampling.repeatable)
            read = time.perf_counter()
            reason = self._write(pen)
            self._last = pen.token if pen.token >= 0 else None
        finally:
            pen.chain.close()
        return Ended(
            reason=reason,
            prompt_tokens=len(prompt.ids),
            prefilled_tokens=prefilled,
            reply_tokens=pen.count,
            prefill_ms=(read - begun) * 1000,
            decode_ms=(time.perf_counter() - read) * 1000,
        )

    def close(self) -> None:
        """Decode the token the latest reply ended with: the next prompt has it there, and nobody waits for it now.

        Not where not every token can be taken back, or there is no room left. It raises nothing: without it, it is read
        with the next prompt.
        """
        last, self._last = self._last, None
        held = self.cache.held[self.cache.active]
        if last is None or held.floor or len(held.ids) >= self.n_ctx or not self.cache.free:
            return
        if self._batch.decode(self.context, [last], sequence=self.cache.active) == 0:
            self.cache.grown([last])
        else:
            self.cache.settle([last])

    def prompt_of(self, segments: Sequence[Segment], continue_ids: Sequence[int] = ()) -> TokenPrompt:
        """Return the tokens a reply is to stand behind. Raises PromptError."""
        prompt = self._tokens(segments, continue_ids)
        self._check(prompt.ids)
        return prompt

    def _tokens(self, segments: Sequence[Segment], continue_ids: Sequence[int]) -> TokenPrompt:
        ids = [*self.vocabulary.tokenize(segments), *continue_ids]
        # The last token may be another one where text goes on behind it.
        return TokenPrompt(ids, common(self.vocabulary.tokenize(up_to_gap(segments)), ids))

    def pen(self, request: Request, ids: list[int], *, tell: Callable[[int, bytes], None]) -> Pen:
        """Return what writes the reply to the prompt `ids`; its chain is to be closed. Raises PromptError."""
        ends = self._stops(request)
        setting = Setting(self.vocabulary, request.sampling, request.seed, self.n_ctx)
        forbidden = (*self.vocabulary.ends, *ends) if request.forbid_end > 0 else ()
        return Pen(
            chain=Chain(setting, prompt=ids, forbidden=forbidden),
            vocabulary=self.vocabulary,
            request=request,
            ends=ends,
            prompt_tokens=len(ids),
            n_ctx=self.n_ctx,
            tell=tell,
        )

    def read_ahead(self, segments: Sequence[Segment], continue_ids: Sequence[int], *, replacing: bool) -> bool:
        """Read a prompt that may come, as far as there is room for it beside what the last reply needs; `replacing`
        that, if nothing will go on from it any more.

        Returns whether all of it is read now. Raises PromptError and CancelledError: what was read stays.
        """
        prompt = self.prompt_of(segments, continue_ids)
        if not self.cache.goes_on_from(prompt.ids):
            kept, end = self.cache.prepare_ahead(prompt.ids, replacing=replacing, gap_before=prompt.gap_before)
            self.evaluate(prompt.ids[:end], kept, reading=lambda _done, _total: None)
        return self.cache.goes_on_from(prompt.ids)

    def reusable(self, segments: Sequence[Segment], continue_ids: Sequence[int]) -> int:
        """Return how many of a prompt's first tokens would not be read again. Raises PromptError."""
        prompt = self._tokens(segments, continue_ids)
        return self.cache.reusable(prompt.ids, gap_before=prompt.gap_before)

    def _check(self, prompt: Sequence[int]) -> None:
        if not prompt:
            raise PromptError("the prompt is empty")
        if len(prompt) >= self.n_ctx:
            raise PromptError(
                f"the prompt has {len(prompt)} tokens, the context holds {self.n_ctx}",
                "Set a larger n_ctx, or shorten the cards.",
            )
        if not all(0 <= token < self.vocabulary.size for token in prompt):
            raise PromptError("the prompt holds token ids that this model does not have")

    def _stops(self, request: Request) -> frozenset[int]:
        """Return the ids of the control tokens that end this reply, those the vocabulary has."""
        ids = (self.vocabulary.control_id(name) for name in request.stop_controls)
        return frozenset(token for token in ids if token is not None)

    def read(self, prompt: TokenPrompt) -> None:
        """Bring the cache to hold exactly `prompt`, with logits behind it. Raises PromptError and CancelledError."""
        self._check(prompt.ids)
        self._read(prompt, lambda _done, _total: None)

    def _read(self, prompt: TokenPrompt, reading: Callable[[int, int], None], *, same: bool = False) -> int:
        """Bring the cache to hold exactly `prompt`, and return how many tokens were evaluated for that."""
        kept = self.cache.prepare(prompt.ids, same=same, gap_before=prompt.gap_before)
        reading(kept, len(prompt.ids))
        self.evaluate(prompt.ids, kept, reading=reading)
        return len(prompt.ids) - kept

    def evaluate(self, prompt: list[int], kept: int, *, reading: Callable[[int, int], None]) -> None:
        """Evaluate what of `prompt` stands behind its first `kept` tokens, in slices, in the active sequence."""
        self.govern()
        size = slice_size(len(prompt) - kept, least=self.least_slice, most=self.n_batch)
        for start in range(kept, len(prompt), size):
            if self.flag.raised:
                raise CancelledError
            part = prompt[start : start + size]
            self._decode(part)
            # Where layers run on a GPU, decoding returns early; progress should be true.
            llama_cpp.llama_synchronize(self.context)
            reading(start + len(part), len(prompt))

    def _write(self, pen: Pen) -> End:
        """Sample and decode until something ends it; return what."""
        while True:
            if self.flag.raised:
                raise CancelledError
            reason = pen.step(self.context)
            if reason is not None:
                return reason
            if pen.count % GOVERNED_TOKENS == 0:
                self.govern()
            self._decode([pen.token])

    def govern(self) -> None:
        """Compute with as many threads as the machine has room for now."""
        if self.governor is not None and self.governor.advise():
            threads = self.governor.threads
            llama_cpp.llama_set_n_threads(self.context, threads, threads)

    def _decode(self, ids: list[int]) -> None:
        """Evaluate `ids` behind what is in the active sequence, with logits for the last one."""
        self.cache.make_room(len(ids))
        result = self._batch.decode(self.context, ids, sequence=self.cache.active)
        if result == 0:
            self.cache.grown(ids)
            return
        done = self.cache.settle(ids)
        self.recover(result)
        self._decode(ids[done:])

    def recover(self, result: int) -> None:
        """After a decode that failed: make room if that was missing and there is some. Raises what else it was."""
        if result == _ABORTED:
            raise CancelledError
        if result != _FULL:
            raise EngineError(f"llama.cpp refused to compute (code {result})")
        # The window of a model has fewer cells than the whole, and only llama.cpp knows how many are taken.
        if not self.cache.give_way():
            raise PromptError("the context is full")
