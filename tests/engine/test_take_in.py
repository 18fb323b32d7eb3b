"""A sequence that comes from elsewhere finds its place in the cache, and is then like any other: without a model."""

from __future__ import annotations

import random

import pytest

from rpchat.engine.worker.cache import Cache
from tests.engine.reference import ReferenceMemory, contents

CELLS = 1000


def tell(cache: Cache, memory: ReferenceMemory, prompt: list[int], reply: int = 0) -> int:
    """Read a prompt and write a reply; return how many tokens had to be read."""
    kept = cache.prepare(prompt)
    for ids in (prompt[kept:], [9000 + index for index in range(reply)]):
        cache.make_room(len(ids))
        memory.decode(cache.active, ids)
        cache.grown(ids)
    return len(prompt) - kept


def bring(cache: Cache, memory: ReferenceMemory, ids: list[int], *, asked: int) -> bool:
    sequence = cache.vacate(len(ids))
    assert memory.tokens(sequence) == ()
    return cache.take_in(sequence, ids, state_of(ids), asked=asked)


def state_of(ids: list[int]) -> bytearray:
    elsewhere = ReferenceMemory(CELLS)
    elsewhere.decode(0, ids)
    state = elsewhere.state(0)
    assert state is not None
    return state


@pytest.mark.parametrize("seed", range(20))
def test_between_any_prompts(seed: int) -> None:
    rng = random.Random(seed)
    memory = ReferenceMemory(CELLS)
    cache = Cache(memory, sequences=3, cells=CELLS)
    for _ in range(12):
        front = list(range(rng.choice((0, 50, 200))))
        ids = [*front, *range(rng.choice((1000, 2000)), 2000 + rng.randint(1, 700))][: CELLS - 100]
        if rng.random() < 0.4:
            assert bring(cache, memory, ids, asked=len(ids))
            assert cache.ids == ids
            assert cache.reusable(ids) == len(ids)
        else:
            tell(cache, memory, ids, reply=rng.randint(0, 90))
        for sequence, held in enumerate(contents(cache)):
            assert memory.tokens(sequence) == held
        assert cache.free == CELLS - memory.taken


def test_a_reply_that_was_taken_in_is_kept_beside_its_swipes() -> None:
    memory = ReferenceMemory(CELLS)
    cache = Cache(memory, sequences=3, cells=CELLS)
    prompt = list(range(300))
    assert bring(cache, memory, [*prompt, *range(9000, 9050)], asked=300)
    assert cache.held[cache.active].asked == 300
    assert tell(cache, memory, prompt, reply=40) == 1
    assert sorted(len(held) for held in contents(cache) if held) == [340, 350]
    assert tell(cache, memory, prompt, reply=30) == 1
    assert sorted(len(held) for held in contents(cache)) == [330, 340, 350]


def test_what_the_memory_does_not_hold_is_not_believed() -> None:
    memory = ReferenceMemory(CELLS)
    cache = Cache(memory, sequences=3, cells=CELLS)
    tell(cache, memory, list(range(300)))
    sequence = cache.vacate(100)
    assert not cache.take_in(sequence, list(range(100)), state_of(list(range(99))), asked=0)
    assert memory.tokens(sequence) == ()
    assert cache.reusable(list(range(300))) == 300


def test_a_shift_is_carried_out_by_the_next_decode() -> None:
    memory = ReferenceMemory(CELLS)
    cache = Cache(memory, sequences=3, cells=CELLS, shift=True)
    ids = list(range(300))
    tell(cache, memory, ids)
    shorter = [*ids[:50], *ids[120:], 7]
    kept = cache.prepare(shorter, gap_before=51)
    assert not cache.turned
    memory.decode(cache.active, shorter[kept:])
    cache.grown(shorter[kept:])
    assert cache.turned
