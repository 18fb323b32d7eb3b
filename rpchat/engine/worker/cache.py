"""The KV cache of one context: which of its sequences a prompt, a version of a reply or a guess is written in.

Invariants: what is decoded next goes behind the sequence `active`; what is held grows or is parked, until it is let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from rpchat.engine.worker.held import Held, usable
from rpchat.engine.worker.parked import Parked
from rpchat.engine.worker.plan import Copy, Cut, decide, is_worth_a_copy, most_kept, place, room
from rpchat.engine.worker.sequences import Memory, Sequences

ON_A_CPU, ON_A_GPU = 64, 16
"""Tokens that are copied in the time one is read, at least. On two cores 400 were seen; a GPU reads much faster, and
copies through the bus."""


class Cache:
    """Keeps `sequences` sequences in `cells` cells, and `aside` bytes of what has no room there any more.

    In the time one token is read, `parks` tokens are copied there or back (`ON_A_CPU`, `ON_A_GPU`). What is decoded
    next goes behind the sequence `active`.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        sequences: int,
        cells: int,
        shift: bool = False,
        aside: int = 0,
        parks: int = ON_A_CPU,
    ) -> None:
        self._sequences = Sequences(memory, count=sequences, cells=cells, aside=aside)
        self._parks = parks if aside else 0
        self._shift = shift and memory.can_shift
        self._now = 0
        self._current = 0
        self._pinned = set[int]()
        self.active = 0

    @property
    def ids(self) -> list[int]:
        """The tokens of the active sequence, not to be changed."""
        return self._sequences.rows[self.active].ids

    @property
    def held(self) -> list[Held]:
        """Each sequence as it stands."""
        return self._sequences.held(self._pinned)

    @property
    def parked(self) -> list[Parked]:
        """What was copied out of the cells, and can be copied back."""
        return list(self._sequences.parked)

    @property
    def everything(self) -> list[Held]:
        """Each sequence, and behind them each that is parked."""
        return [*self.held, *(one.held for one in self._sequences.parked)]

    @property
    def free(self) -> int:
        """Cells nobody uses."""
        return self._sequences.free

    @property
    def turned(self) -> bool:
        """Whether what was moved is as if it had been read where it stands: the next decode sees to that."""
        return self._sequences.turned

    def prepare(self, prompt: Sequence[int], *, same: bool = False, gap_before: int = 0) -> int:
        """Make active the sequence that holds most of `prompt`, cut to that, and return how many tokens it is.

        With `same`, a prompt that comes once more stands in the same cells again. `gap_before` is as in `decide`,
        where this cache shifts.
        """
        self._pinned = set()
        found = self._carry_out(prompt, same=same, gap_before=gap_before)
        assert found is not None
        self._current = self.active
        self._sequences.rows[self.active].asked = len(prompt)
        return found[0]

    def prepare_ahead(self, prompt: Sequence[int], *, replacing: bool = False, gap_before: int = 0) -> tuple[int, int]:
        """Do the same for a prompt that may come; return its tokens that are there, and how many of it can be.

        Unless it is `replacing` it, the sequence of the latest `prepare` keeps all it holds, or is parked.
        """
        self._pinned = set() if replacing else {self._current}
        kept, space = self._carry_out(prompt, gap_before=gap_before) or (0, 0)
        if replacing:
            self._current = self.active
        return kept, min(len(prompt), kept + space)

    def hold(self) -> None:
        """Let the active sequence keep all it holds, until `release` or `rejoin`."""
        self._pinned.add(self.active)

    def hold_latest(self, prompt: Sequence[int]) -> None:
        """Hold the sequence that gave the latest reply to `prompt`, which is copied back if it was parked; no other."""
        self._pinned = set()
        self._bring_back(prompt, gap_before=0)
        held, latest = self.held, self._current
        self._current = max(
            range(len(held)), key=lambda at: (usable(held[at], prompt), at == latest, held[at].used)
        )  # fmt: skip
        self._pinned = {self._current}

    @property
    def can_fork(self) -> bool:
        """Whether there is a sequence that is not held."""
        return len(self._pinned) < len(self._sequences.rows)

    def fork_room(self, prompt: Sequence[int]) -> int:
        """Return the cells for what is written behind `prompt` in one more sequence, if all that is not held goes."""
        held = [one for one in self.held if one.pinned]
        taken = len(set[int]().union(*(one.cells for one in held)))
        return self._sequences.limit - taken - (len(prompt) - max((usable(one, prompt) for one in held), default=0))

    def fork(self, prompt: Sequence[int]) -> int:
        """Make active one more sequence, which shares with another what that holds of `prompt`; return how much it is.

        `can_fork` must be true. What is held stays.
        """
        self._now += 1
        held = self.held
        given = [usable(one, prompt) for one in held]
        source = max(range(len(held)), key=given.__getitem__)
        target = min(
            (index for index in range(len(held)) if index not in self._pinned),
            key=lambda index: (bool(held[index].ids), index == source, held[index].used),
        )
        kept = given[source]
        actions = [] if target == source else [Copy(source, target, kept)] * bool(kept)
        self._sequences.do([Cut(target, kept if target == source else 0), *actions])
        self.active = target
        self._sequences.rows[target].used = self._now
        return kept if self._sequences.holds(target, kept) else 0

    def release(self, sequence: int, *, keep: bool) -> None:
        """Hold a sequence no longer; without `keep` it is emptied."""
        self._pinned.discard(sequence)
        if not keep:
            self._sequences.drop(sequence)

    def rejoin(self) -> None:
        """Hold no sequence any longer, and make that of the latest `prepare` active again."""
        self._pinned = set()
        self.active = self._current

    def reusable(self, prompt: Sequence[int], *, gap_before: int = 0) -> int:
        """Return how many of the first tokens of `prompt` are there for it. The last is evaluated all the same."""
        if not prompt:
            return 0
        held, gap_before = self._sequences.held(), gap_before if self._shift else 0
        better = self._better_parked(held, prompt, gap_before=gap_before)
        if better is not None:
            held.append(better.held)
        kept = most_kept(held, prompt, gap_before=gap_before)
        whole = kept == len(prompt) - 1 and any(list(one.ids[: len(prompt)]) == list(prompt) for one in held)
        return len(prompt) if whole else kept

    def goes_on_from(self, prompt: Sequence[int]) -> bool:
        """Return whether of a longer prompt that begins with `prompt` nothing of that would be evaluated again."""
        count = len(prompt)
        return any(one.floor <= count and list(one.ids[:count]) == list(prompt) for one in self.everything)

    def make_room(self, count: int) -> None:
        """Let the active sequence grow by `count` tokens; the least recently used of the others give way."""
        if count > self.free:
            self._room(self.active, count)

    def grown(self, ids: Iterable[int]) -> None:
        """Note that `ids` were decoded behind the active sequence."""
        self._sequences.grown(self.active, ids)

    def grown_each(self, tokens: Iterable[tuple[int, int]]) -> None:
        """Note of each pair of a sequence and a token that it was decoded."""
        for self.active, token in tokens:
            self.grown((token,))

    def settle_each(self, tokens: Iterable[tuple[int, int]]) -> None:
        """After a decode of such pairs that failed: believe the memory."""
        for self.active, token in tokens:
            self.settle((token,))

    def settle(self, ids: Sequence[int]) -> int:
        """After a decode of `ids` that failed: believe the memory about how many of them are there, and return it."""
        return self._sequences.settle(self.active, ids)

    def vacate(self, count: int) -> int:
        """Return an empty sequence for `count` tokens that come from elsewhere; the least recently used give way."""
        self._pinned = set()
        found = place(self.held, count, cells=self._sequences.limit, parks=self._parks)
        assert found is not None
        sequence, actions = found
        self._sequences.do(actions)
        return sequence

    def take_in(self, sequence: int, ids: Sequence[int], state: bytearray, *, asked: int) -> bool:
        """Copy the state of `ids` into the vacated `sequence`, and make it active as if it had given the reply to its
        first `asked` tokens; return whether the memory holds it now."""
        if not self._sequences.take_in(sequence, ids, state, asked=asked):
            return False
        self._now += 1
        self._sequences.rows[sequence].used = self._now
        self._pinned = set()
        self._current = self.active = sequence
        return True

    def state_bytes(self, index: int) -> int:
        """Return how long the copy of one of `everything` is."""
        rows = len(self._sequences.rows)
        return self._sequences.memory.state_bytes(index) if index < rows else len(self.parked[index - rows].state)

    def state(self, index: int) -> bytearray | None:
        """Return that copy; None where memory is short."""
        rows = len(self._sequences.rows)
        return self._sequences.memory.state(index) if index < rows else self.parked[index - rows].state

    def give_way(self) -> bool:
        """Drop every sequence that may go, but the active one; return whether there was any."""
        return self._room(self.active, self._sequences.limit)

    def clear(self) -> None:
        """Empty the cache."""
        self._sequences.clear()

    def _carry_out(self, prompt: Sequence[int], *, same: bool = False, gap_before: int = 0) -> tuple[int, int] | None:
        """Do what the plan for a prompt says; return how much of it is there then, and for how much more is room."""
        self._now += 1
        sequences = self._sequences
        gap_before = gap_before if self._shift else 0
        self._bring_back(prompt, gap_before=gap_before)
        plan = decide(
            self.held, prompt, cells=sequences.limit, gap_before=gap_before, now=self._now, same=same, parks=self._parks
        )  # fmt: skip
        if plan is None:
            return None
        sequences.do(plan.actions)
        self.active = plan.sequence
        sequences.rows[self.active].used = self._now
        return (plan.kept, plan.room) if sequences.holds(self.active, plan.kept) else (0, self.free)

    def _bring_back(self, prompt: Sequence[int], *, gap_before: int) -> None:
        """Copy back what is parked if it gives so much more of a prompt that it is worth it."""
        one = self._better_parked(self.held, prompt, gap_before=gap_before)
        if one is None:
            return
        found = place(self.held, len(one.held.ids), cells=self._sequences.limit, parks=self._parks)
        if found is not None:
            sequence, actions = found
            self._sequences.parked.take(one)  # what makes room for it may be parked in its place
            self._sequences.do(actions)
            self._sequences.take_in(sequence, one.held.ids, one.state, asked=one.held.asked)

    def _better_parked(self, held: Sequence[Held], prompt: Sequence[int], *, gap_before: int) -> Parked | None:
        """Return what is parked and gives most of a prompt, if that is enough more than what `held` gives."""
        gives = partial(most_kept, prompt=prompt, gap_before=gap_before)
        best = max(self._sequences.parked, key=lambda one: gives([one.held]), default=None)
        if best is None:
            return None
        saved = gives([*held, best.held]) - gives(held)
        return best if is_worth_a_copy(saved, len(best.held.ids), parks=self._parks) else None

    def _room(self, sequence: int, count: int) -> bool:
        """Drop what may go, the least recently used first, until `sequence` can grow; return whether any did."""
        actions = room(self.held, sequence, count, cells=self._sequences.limit, parks=self._parks)
        self._sequences.do(actions)
        return bool(actions)
