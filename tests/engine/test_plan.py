"""The plan of the KV cache: against a memory without a model, and case by case."""

from __future__ import annotations

from itertools import chain

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rpchat.engine.port import MemoryKind
from rpchat.engine.worker.cache import ON_A_CPU, ON_A_GPU, Cache
from rpchat.engine.worker.held import SHORTEST_RUN, Held, Move, moves_of
from rpchat.engine.worker.plan import FORGOTTEN_AFTER, WORTH_KEEPING, decide, is_worth_a_copy
from tests.engine.reference import ReferenceMemory, contents

BLOCKS = [list(range(100 * number, 100 * number + size)) for number, size in enumerate((3, 20, 20, 40, 40, 90))]
N_CTX = 200
PLENTY = 4000
"""Bytes for five of the longest prompts."""
PROMPTS = st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=4).map(
    lambda blocks: list(chain.from_iterable(blocks))[: N_CTX - 1]
)


class Actions(RuleBasedStateMachine):
    """Random prompts, replies, guesses and aborts. What the cache believes must be what the memory holds."""

    @initialize(
        kind=st.sampled_from(("full", "full", "window", "recurrent")),
        sequences=st.integers(1, 4),
        spare=st.integers(0, 150),
        shift=st.booleans(),
        aside=st.sampled_from((0, 0, 500, PLENTY)),
    )
    def begin(self, kind: MemoryKind, sequences: int, spare: int, shift: bool, aside: int) -> None:
        self.sequences = sequences
        self.memory = ReferenceMemory(N_CTX + spare, kind=kind, window=50)
        self.aside = aside
        self.cache = Cache(self.memory, sequences=sequences, cells=self.memory.limit, shift=shift, aside=aside)
        self.current = 0
        self.fresh = 10_000

    @rule(prompt=PROMPTS)
    def send(self, prompt: list[int], gap_before: int = 0) -> None:
        self._take(prompt, gap_before)
        self._read(prompt)
        assert self.cache.ids == prompt
        assert self.memory.kind != "full" or contents(self.cache).count(tuple(prompt)) == 1

    @rule(back=st.integers(0, 60), prompt=PROMPTS)
    def go_on(self, back: int, prompt: list[int]) -> None:
        held = list(self.cache.ids)
        self.send((held[: max(0, len(held) - back)] + prompt)[: N_CTX - 1])

    @precondition(lambda self: len(self.cache.ids) > 120)
    @rule(start=st.integers(1, 40), count=st.integers(1, 40), behind=st.integers(-1, 30))
    def leave_out(self, start: int, count: int, behind: int) -> None:
        held = list(self.cache.ids)
        self.send(held[:start] + held[start + count :] + [7], start + behind)

    @precondition(lambda self: self.cache.ids)
    @rule(count=st.integers(1, 60))
    def write(self, count: int) -> None:
        for size in range(min(count, N_CTX - len(self.cache.ids)), 0, -9):
            self.fresh += 9
            self._decode(list(range(self.fresh, self.fresh + min(size, 9))))

    @rule(prompt=PROMPTS, part=st.integers(0, 40))
    def abort(self, prompt: list[int], part: int) -> None:
        kept = self._take(prompt)
        rest = prompt[kept:]
        self.cache.make_room(len(rest))
        self.memory.decode(self.cache.active, rest[:part])
        assert self.cache.settle(rest) == len(rest[:part])

    @rule(prompt=PROMPTS, extend=st.booleans())
    def read_ahead(self, prompt: list[int], extend: bool) -> None:
        needed = contents(self.cache)[self.current]
        prompt = (list(needed) + prompt if extend else prompt)[: N_CTX - 1]
        if self.cache.reusable(prompt) == len(prompt):
            return
        kept, end = self.cache.prepare_ahead(prompt)
        self._read(prompt[:end], kept)
        if end:
            assert list(self.cache.ids) == prompt[:end]
        if not self.aside:
            assert contents(self.cache)[self.current][: len(needed)] == needed
        missing = len(needed) - self.cache.prepare([*needed, 8])
        if self.aside == PLENTY and self.memory.kind == "full":
            assert not is_worth_a_copy(missing, len(needed), parks=ON_A_CPU)
        self.current = self.cache.active

    @rule()
    def clear(self) -> None:
        self.cache.clear()

    @invariant()
    def believes_what_is_there(self) -> None:
        if hasattr(self, "memory"):
            assert contents(self.cache) == tuple(self.memory.tokens(index) for index in range(self.sequences))
            assert self.cache.free == self.memory.limit - self.memory.taken
            for parked in self.cache.parked:
                assert parked.state == b"".join(token.to_bytes(4, "little") for token in parked.held.ids)
            assert sum(len(parked.state) for parked in self.cache.parked) <= self.aside

    def _take(self, prompt: list[int], gap_before: int = 0) -> int:
        """Prepare for a prompt as was promised, and hold nothing but its front."""
        promised = self.cache.reusable(prompt, gap_before=gap_before)
        kept = self.cache.prepare(prompt, gap_before=gap_before)
        self.current = self.cache.active
        assert kept == min(promised, len(prompt) - 1)
        assert self.memory.tokens(self.current) == tuple(prompt[:kept])
        return kept

    def _read(self, prompt: list[int], kept: int | None = None) -> None:
        rest = prompt[len(self.cache.ids) if kept is None else kept :]
        for start in range(0, len(rest), 32):
            self._decode(rest[start : start + 32])

    def _decode(self, ids: list[int]) -> None:
        self.cache.make_room(len(ids))
        self.memory.decode(self.cache.active, ids)
        self.cache.grown(ids)


TestActions = Actions.TestCase
TestActions.settings = settings(
    max_examples=1000, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)


def cache_of(
    *, cells: int = 1000, sequences: int = 3, kind: MemoryKind = "full", shift: bool = False, aside: int = 0
) -> Cache:
    memory = ReferenceMemory(cells, kind=kind)
    return Cache(memory, sequences=sequences, cells=cells, shift=shift, aside=aside)


def tell(cache: Cache, prompt: list[int], reply: int = 0, *, same: bool = False, gap_before: int = 0) -> int:
    """Read a prompt and write a reply; return how many tokens had to be read."""
    memory = cache._sequences.memory
    assert isinstance(memory, ReferenceMemory)
    kept = cache.prepare(prompt, same=same, gap_before=gap_before)
    for ids in (prompt[kept:], [9000 + index for index in range(reply)]):
        cache.make_room(len(ids))
        memory.decode(cache.active, ids)
        cache.grown(ids)
    return len(prompt) - kept


LONG = list(range(300))


def test_a_swipe_reads_one_token_and_keeps_the_replies_before() -> None:
    cache = cache_of()
    assert [tell(cache, LONG, reply=size) for size in (50, 60, 70)] == [300, 1, 1]
    assert sorted(map(len, contents(cache))) == [350, 360, 370]
    assert tell(cache, [*LONG, *range(9000, 9060), 7]) == 1


def test_where_there_is_no_sequence_for_one_more_reply_the_oldest_goes() -> None:
    cache = cache_of()
    other = list(range(1000, 1100))
    assert [tell(cache, prompt, reply=30) for prompt in (other, LONG)] == [100, 300]
    assert [tell(cache, LONG, reply=size) for size in (40, 50)] == [1, 1]
    assert sorted(map(len, contents(cache))) == [130, 340, 350]


def test_with_a_fixed_seed_a_swipe_takes_the_place_of_the_reply_and_frees_no_cells() -> None:
    cache = cache_of()
    other = list(range(1000, 1100))
    tell(cache, other)
    assert [tell(cache, LONG, reply=50, same=True) for _ in range(FORGOTTEN_AFTER + 2)] == [300] + [1] * 33
    assert sorted(map(len, contents(cache))) == [0, 100, 350]


def test_a_swipe_takes_no_other_sequence_for_that() -> None:
    cache = cache_of(sequences=2)
    other = list(range(1000, 1100))
    assert [tell(cache, prompt, reply=50) for prompt in (other, LONG, LONG)] == [100, 300, 1]
    assert sorted(map(len, contents(cache))) == [150, 350]


def test_a_branch_and_the_way_back_are_read_once() -> None:
    cache = cache_of()
    one, other = [*LONG, *range(500, 540)], [*LONG, *range(600, 640)]
    assert [tell(cache, prompt, reply=30) for prompt in (one, other, one, other)] == [340, 40, 1, 1]
    assert cache.free == 1000 - 300 - 2 * 70 - 30 - 1


def test_a_short_rest_is_not_kept() -> None:
    cache = cache_of()
    tell(cache, [*LONG, *range(500, 500 + WORTH_KEEPING - 1)])
    tell(cache, [*LONG, 1])
    assert len([ids for ids in contents(cache) if ids]) == 1


def test_the_least_recently_used_goes_when_sequences_run_out() -> None:
    cache = cache_of(sequences=2)
    first, second, third = (list(range(start, start + 100)) for start in (0, 1000, 2000))
    for prompt in (first, second, first, third):
        tell(cache, prompt)
    assert [cache.reusable(prompt) for prompt in (first, second, third)] == [100, 0, 100]


def test_the_least_recently_used_goes_when_cells_run_out() -> None:
    cache = cache_of(cells=350)
    first, second = list(range(100)), list(range(1000, 1100))
    for prompt in (first, second, first):
        tell(cache, prompt)
    tell(cache, list(range(2000, 2200)), reply=20)
    assert (cache.reusable(first), cache.reusable(second)) == (100, 0)


def test_nobody_keeps_what_nobody_comes_back_to() -> None:
    cache = cache_of()
    tell(cache, LONG)
    for turn in range(FORGOTTEN_AFTER + 2):
        tell(cache, list(range(1000, 1100 + turn)))
    assert cache.reusable(LONG) == 0


def test_reading_ahead_leaves_the_reply_alone_and_reads_what_there_is_room_for() -> None:
    cache = cache_of(cells=400)
    tell(cache, LONG, reply=50)
    assert cache.prepare_ahead(list(range(1000, 1200))) == (0, 50)
    assert cache.reusable([*LONG, *range(9000, 9050)]) == 350
    alone = cache_of(cells=400, sequences=1)
    tell(alone, LONG, reply=50)
    assert alone.prepare_ahead(list(range(1000, 1200))) == (0, 0)


def test_what_has_no_room_is_parked_and_comes_back() -> None:
    cache = cache_of(cells=400, aside=10_000)
    prompts = [list(range(start, start + 300)) for start in (0, 1000, 2000)]
    assert [tell(cache, prompt) for prompt in (*prompts, *prompts)] == [300] * 3 + [1] * 3
    assert len(cache.parked) == 2
    cache.clear()
    assert (cache.parked, [tell(cache, prompt) for prompt in prompts]) == ([], [300] * 3)


def test_what_was_used_least_recently_is_parked_no_more() -> None:
    cache = cache_of(cells=400, aside=1300)
    prompts = [list(range(start, start + 300)) for start in (0, 1000, 2000)]
    assert [tell(cache, prompt) for prompt in (*prompts, prompts[1], prompts[0])] == [300, 300, 300, 1, 300]


def test_what_is_quicker_read_than_copied_is_not_parked() -> None:
    cache = cache_of(cells=360, sequences=2, aside=10_000)
    tell(cache, [*LONG, *range(500, 515)])
    tell(cache, [*LONG, *range(600, 640)])
    tell(cache, list(range(1000, 1300)))
    assert [len(one.held.ids) for one in cache.parked] == [340]


def test_how_much_a_copy_must_save_is_said() -> None:
    assert is_worth_a_copy(WORTH_KEEPING, 300, parks=ON_A_CPU)
    assert not is_worth_a_copy(WORTH_KEEPING - 1, 300, parks=ON_A_CPU)
    assert [is_worth_a_copy(saved, 3200, parks=ON_A_GPU) for saved in (199, 200)] == [False, True]


def test_what_is_read_ahead_may_park_the_latest_reply() -> None:
    cache = cache_of(cells=400, aside=10_000)
    tell(cache, LONG, reply=50)
    assert cache.prepare_ahead(list(range(1000, 1200))) == (0, 200)
    assert cache.reusable([*LONG, *range(9000, 9050)]) == 350


def test_a_recurrent_state_only_goes_on() -> None:
    cache = cache_of(kind="recurrent")
    assert [tell(cache, prompt) for prompt in (LONG, LONG, [*LONG, 1, 2])] == [300, 300, 2]


def test_a_shift_moves_what_stands_behind_the_gap() -> None:
    shorter = [*LONG[:50], *LONG[120:], 7]
    cache = cache_of(shift=True)
    assert [tell(cache, LONG, reply=1), tell(cache, shorter, gap_before=51)] == [300, 1]
    assert contents(cache)[cache.active] == tuple(shorter)
    assert [tell(other := cache_of(), LONG), tell(other, shorter, gap_before=51)] == [300, 181]


def test_what_the_user_took_out_leaves_no_echo() -> None:
    shorter = [*LONG[:50], *LONG[120:], 7]
    for gap_before in (0, 50):
        cache = cache_of(shift=True)
        assert [tell(cache, LONG, reply=1), tell(cache, shorter, gap_before=gap_before)] == [300, 181]


def test_a_shift_needs_a_long_run() -> None:
    held = Held(ids=LONG, cells=LONG)
    long = [*LONG[:50], *LONG[120 : 120 + SHORTEST_RUN]]
    assert moves_of(held, long, gap_before=60) == (Move(50, 120, 50 + SHORTEST_RUN),)
    assert moves_of(held, [*long[:-1], 7], gap_before=60) == ()
    assert moves_of(held, LONG[120:], gap_before=60) == ()


def test_several_parts_that_were_left_out_are_several_shifts() -> None:
    shorter = [*LONG[:50], *LONG[120:200], *LONG[215:], 7]
    cache = cache_of(shift=True)
    assert [tell(cache, LONG, reply=1), tell(cache, shorter, gap_before=131)] == [300, 1]
    assert contents(cache)[cache.active] == tuple(shorter)
    assert [tell(other := cache_of(shift=True), LONG), tell(other, shorter, gap_before=130)] == [300, 86]


def test_a_shift_never_moves_a_cell_that_another_needs() -> None:
    pinned = Held(ids=LONG, cells=LONG, pinned=True)
    plan = decide([pinned, Held()], [*LONG[:50], *LONG[120:]], cells=1000, gap_before=60)
    assert plan is not None
    assert (plan.sequence, plan.kept) == (1, 50)
