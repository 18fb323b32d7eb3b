"""Several replies to one prompt, written together: it is read once, and every step evaluates a token of each.

What is read of the prompt is shared by the sequences of all versions. A version begins by evaluating the prompt's last
token in its own sequence, so it may begin at any step: where the cells do not suffice for all, one waits until another
has ended. The first version that begins stays in the cache, as if it had been written alone; the others leave it. What
is written aside leaves no trace: the latest reply stays, with all that was read behind it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from rpchat.engine.port import End, Ended, Request, seed_of
from rpchat.engine.worker.batch import Row
from rpchat.engine.worker.cache import Cache
from rpchat.engine.worker.decode import GOVERNED_TOKENS, CancelledError, Decoder, TokenPrompt
from rpchat.engine.worker.pen import Pen


@dataclass(slots=True, kw_only=True, eq=False)
class _Version:
    index: int
    pen: Pen
    sequence: int
    pending: int
    """The token to be evaluated next."""
    prefilled: int
    prefill_ms: float
    begun: float


@dataclass(slots=True, kw_only=True)
class Parallel:
    """Writes `count` replies to one request and tells what happens; `piece` and `ended` are told whose it is."""

    decoder: Decoder
    request: Request
    count: int
    aside: bool
    """Whether nothing that is in the cache may be lost for it; then there may be room for none."""
    reading: Callable[[int, int], None]
    piece: Callable[[int, int, bytes], None]
    ended: Callable[[int, Ended], None]
    _asked: TokenPrompt = field(init=False)
    _waiting: deque[int] = field(init=False)
    _living: list[_Version] = field(init=False, default_factory=list)
    _first: int | None = field(init=False, default=None)
    _kept: _Version | None = field(init=False, default=None)
    _row: Row = field(init=False)
    _steps: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._asked = self.decoder.prompt_of(self.request.segments, self.request.continue_ids)
        self._waiting = deque(range(self.count))
        self._row = Row(min(self.count, self.decoder.n_batch))

    def run(self) -> None:
        """Write them all; aside, those there is room for. Raises PromptError, CancelledError; the cache is in order."""
        if self.aside:
            self._cache.hold_latest(self._prompt)
        try:
            while True:
                self._dismiss()
                while self._waiting and self._may_begin():
                    self._begin(self._waiting.popleft())
                if not self._living:
                    return
                self._step()
        finally:
            for version in tuple(self._living):
                self._close(version)
            self._cache.rejoin()

    @property
    def _cache(self) -> Cache:
        return self.decoder.cache

    @property
    def _prompt(self) -> list[int]:
        return self._asked.ids

    @property
    def _longest(self) -> int:
        """The most cells one version takes beside what is shared."""
        return min(self.request.max_tokens, self.decoder.n_ctx - len(self._prompt) + 1)

    def _dismiss(self) -> None:
        """Let go of the versions their reader wants no more of."""
        left = self.decoder.flag.has_left
        self._waiting = deque(index for index in self._waiting if not left(index))
        for version in tuple(self._living):
            if left(version.index):
                self._close(version)

    def _may_begin(self) -> bool:
        """Whether one more can be written to its end beside those that are being written."""
        promised = sum(self._longest - version.pen.count for version in self._living)
        fits = self._cache.fork_room(self._prompt) >= promised + self._longest
        if self._living or self.aside:
            return fits and len(self._living) < self.decoder.n_batch and self._cache.can_fork
        if not fits and self._kept is not None:
            self._cache.release(self._kept.sequence, keep=True)
        return True

    def _begin(self, index: int) -> None:
        begun = time.perf_counter()
        self._first = index if self._first is None else self._first
        request = replace(self.request, seed=seed_of(self.request.seed, index))
        pen = self.decoder.pen(request, self._prompt, tell=partial(self.piece, index))
        try:
            kept = self._read(first=index == self._first)
        except BaseException:
            pen.chain.close()
            raise
        version = _Version(
            index=index,
            pen=pen,
            sequence=self._cache.active,
            pending=self._prompt[-1],
            prefilled=len(self._prompt) - kept,
            prefill_ms=(time.perf_counter() - begun) * 1000,
            begun=time.perf_counter(),
        )
        self._living.append(version)
        if index == self._first and not self.aside:
            self._kept = version

    def _read(self, *, first: bool) -> int:
        """Bring a sequence to hold the prompt but for its last token; return how much of it was there."""
        prompt, total = self._prompt, len(self._prompt)
        if first and not self.aside:
            kept = self._cache.prepare(prompt, same=self.request.sampling.repeatable, gap_before=self._asked.gap_before)
        else:
            kept = self._cache.fork(prompt)
        reading = self.reading if first else _unheard
        reading(kept, total)
        self.decoder.evaluate(prompt[:-1], kept, reading=lambda done, _total: reading(done, total))
        reading(total, total)
        self._cache.hold()
        return kept

    def _step(self) -> None:
        """Evaluate a token of each version, and draw the next ones."""
        if self.decoder.flag.raised:
            raise CancelledError
        self._steps += 1
        if self._steps % GOVERNED_TOKENS == 0:
            self.decoder.govern()
        self._decode([(version.sequence, version.pending) for version in self._living])
        for output, version in enumerate(tuple(self._living)):
            reason = version.pen.step(self.decoder.context, output=output)
            version.pending = version.pen.token
            if reason is not None:
                self._close(version)
                self.ended(version.index, self._end_of(version, reason))

    def _decode(self, tokens: list[tuple[int, int]]) -> None:
        """Evaluate each token behind its sequence. llama.cpp does a batch as small as this whole, or nothing of it."""
        self._cache.active = tokens[0][0]
        self._cache.make_room(len(tokens))
        result = self._row.decode(self.decoder.context, tokens)
        if result == 0:
            self._cache.grown_each(tokens)
            return
        self._cache.settle_each(tokens)
        self.decoder.recover(result)
        self._decode(tokens)

    def _close(self, version: _Version) -> None:
        """Free what a version needed. What the kept one wrote stays in the cache."""
        self._living.remove(version)
        version.pen.chain.close()
        if version is not self._kept:
            self._cache.release(version.sequence, keep=False)

    def _end_of(self, version: _Version, reason: End) -> Ended:
        return Ended(
            reason=reason,
            prompt_tokens=len(self._prompt),
            prefilled_tokens=version.prefilled,
            reply_tokens=version.pen.count,
            prefill_ms=version.prefill_ms,
            decode_ms=(time.perf_counter() - version.begun) * 1000,
        )


def _unheard(_done: int, _total: int) -> None:
    """A prompt that was told as read is read in another sequence."""
