"""The shortlist: what a chain makes of a few candidates is, to the bit, what it makes of the whole vocabulary."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from math import inf

import llama_cpp
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from rpchat.engine.worker.candidates import Cut, Logits, Shortlist, find_cut, takes_likeliest
from rpchat.engine.worker.chain import Chain
from rpchat.engine.worker.samplers import Setting, plan
from rpchat.engine.worker.vocabulary import Vocabulary
from rpchat.prompt.segment import text
from rpchat.story.preset import DEFAULT_ORDER, Sampling
from tests.engine.helpers import STORY
from tests.models import smollm2_path

ROLEPLAY = Sampling(
    temperature=0.9, min_p=0.05, dry_multiplier=0.8, repeat_penalty=1.1, xtc_probability=0.5, penalty_last_n=-1
)


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, line: bytes, data: ctypes.c_void_p) -> None:
    """Keep llama.cpp's loading lines out of the test's output."""


@pytest.fixture(scope="module")
def model() -> Iterator[llama_cpp.llama_model_p]:
    path = smollm2_path()
    llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
    parameters = llama_cpp.llama_model_default_params()
    # The layouts that some builds die of.
    parameters.use_extra_bufts = False
    pointer = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    assert pointer
    yield pointer
    llama_cpp.llama_model_free(pointer)


@pytest.fixture(scope="module")
def vocabulary(model: llama_cpp.llama_model_p) -> Vocabulary:
    return Vocabulary(model)


@pytest.fixture
def context(model: llama_cpp.llama_model_p) -> Iterator[llama_cpp.llama_context_p]:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx, parameters.n_threads, parameters.n_threads_batch = 512, 1, 1
    pointer = llama_cpp.llama_init_from_model(model, parameters)
    assert pointer
    yield pointer
    llama_cpp.llama_free(pointer)


def decode(context: llama_cpp.llama_context_p, tokens: list[int]) -> None:
    batch = (llama_cpp.llama_token * len(tokens))(*tokens)
    assert llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(batch, len(tokens))) == 0


def zipf(size: int, *, steepness: float, random: np.random.Generator) -> Logits:
    """Return logits that fall with the logarithm of the rank, as those of language models do, no two the same."""
    ranked = 14 - steepness * np.log1p(np.arange(size))
    return random.permutation(ranked).astype(np.float32)


def all_of(logits: Logits) -> llama_cpp.llama_token_data_array:
    """Return the whole vocabulary as candidates."""
    rows = (llama_cpp.llama_token_data * len(logits))()
    table = np.frombuffer(rows, np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)]))
    table["id"] = np.arange(len(logits))
    table["logit"] = logits
    return llama_cpp.llama_token_data_array(rows, len(logits), -1, False)


def outcome(candidates: llama_cpp.llama_token_data_array) -> tuple[int, dict[int, float]]:
    """Return the selected token, and every candidate with its probability."""
    left = [candidates.data[index] for index in range(candidates.size)]
    return candidates.data[candidates.selected].id, {row.id: row.p for row in left}


# Some that are cut, and any.
ORDERS = st.sampled_from([DEFAULT_ORDER, ("penalties", "temperature", "min_p", "dry", "xtc"), ("top_k", "penalties")])

SAMPLINGS = st.builds(
    Sampling,
    order=ORDERS | st.permutations(DEFAULT_ORDER).map(tuple),
    temperature=st.sampled_from([0.0, 0.1, 0.7, 1.0, 1.5, 10.0]),
    dynamic_range=st.sampled_from([0.0, 0.0, 0.5]),
    top_k=st.sampled_from([0, 1, 2, 40, 129, 1024, 2000]),
    top_p=st.sampled_from([1.0, 1.0, 1.0, 0.9]),
    min_p=st.sampled_from([0.0, 0.001, 0.05, 0.3, 1.0]),
    typical_p=st.sampled_from([1.0, 1.0, 1.0, 0.9]),
    top_n_sigma=st.sampled_from([0.0, 0.0, 0.0, 1.5]),
    xtc_probability=st.sampled_from([0.0, 0.5, 1.0]),
    xtc_threshold=st.sampled_from([0.0, 0.01, 0.1, 0.5]),
    dry_multiplier=st.sampled_from([0.0, 0.8, 30.0]),
    dry_allowed_length=st.integers(0, 3),
    dry_last_n=st.sampled_from([-1, 8]),
    dry_breakers=st.just(()),
    repeat_penalty=st.sampled_from([1.0, 0.4, 1.3, 3.0]),
    frequency_penalty=st.sampled_from([0.0, -1.5, 1.5]),
    presence_penalty=st.sampled_from([0.0, -6.0, 6.0]),
    penalty_last_n=st.sampled_from([-1, 8]),
    logit_bias=st.sampled_from([{}, {}, {" sea": 20.0}, {" sea": -inf, " the": -2.0}]),
    mirostat=st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2]),
)


@settings(max_examples=100, deadline=None)
@given(
    sampling=SAMPLINGS,
    seed=st.integers(0, 2**32 - 2),
    steepness=st.floats(0.3, 4.0),
    seen=st.just([]) | st.lists(st.integers(0, 6), min_size=6, max_size=24),
    bans=st.booleans(),
)
def test_a_chain_ends_with_the_same_numbers(
    vocabulary: Vocabulary, sampling: Sampling, seed: int, steepness: float, seen: list[int], bans: bool
) -> None:
    random = np.random.default_rng(seed)
    logits = zipf(vocabulary.size, steepness=steepness, random=random)
    likely = np.argsort(logits)[::-1][[0, 1, 2, 5, 30, 3000, 40000]]
    setting = Setting(vocabulary, sampling, seed, 64)
    prompt, banned = [int(likely[place]) for place in seen], [int(likely[0]), int(likely[3])] if bans else []
    with ExitStack() as stack:
        whole, short = (
            stack.enter_context(closing(Chain(setting, prompt=prompt, forbidden=banned, whole=way)))
            for way in (True, False)
        )
        for step in range(4):
            before = logits.copy()
            found = short.weigh(logits)
            assert np.array_equal(logits, before)
            event("cut" if found else "whole")
            if found is None:
                assert find_cut(plan(sampling), sampling) is None
                return
            candidates = all_of(logits)
            whole.weigh_all(candidates)
            token, _ = expected = outcome(candidates)
            if plan(sampling)[-1] == "greedy":
                assert outcome(found)[0] == token
                # With XTC in the chain another look would throw its dice again.
                if takes_likeliest(plan(sampling)):
                    assert short.draw_from(logits) == token
                    assert np.array_equal(logits, before)
            else:
                assert outcome(found) == expected
            for chain in (whole, short):
                chain.accept(token)
                if step == 1:
                    chain.allow_end()
            logits = logits + random.normal(0, 0.5, len(logits)).astype(np.float32)


@pytest.mark.parametrize("seen", [(), (7,), (3, 900), (900, 7, 40)])
def test_of_equals_the_first_is_the_likeliest(vocabulary: Vocabulary, seen: tuple[int, ...]) -> None:
    logits = np.zeros(vocabulary.size, np.float32)
    logits[[7, 40, 900]] = 2.0
    # What the penalty, here a reward, changes stands level with the others behind it.
    sampling = Sampling(temperature=0, presence_penalty=-1.0, penalty_last_n=8)
    logits[list(seen)] -= 1.0
    with ExitStack() as stack:
        whole, short = (
            stack.enter_context(closing(Chain(Setting(vocabulary, sampling, 1, 64), prompt=seen, whole=way)))
            for way in (True, False)
        )
        candidates = all_of(logits)
        whole.weigh_all(candidates)
        assert short.draw_from(logits) == outcome(candidates)[0] == 7


def test_a_seed_gives_its_text_with_and_without_the_cut(
    vocabulary: Vocabulary, context: llama_cpp.llama_context_p
) -> None:
    """The first writes the text, and the others say at every place what they would write there."""
    samplings = [
        ROLEPLAY,
        replace(ROLEPLAY, temperature=0, presence_penalty=-0.5),
        replace(ROLEPLAY, min_p=0.0, top_k=50, top_p=0.95, typical_p=0.98, dynamic_range=0.3),
        Sampling(temperature=1.6, min_p=0.1, order=("temperature", "min_p")),
    ]
    prompt = vocabulary.tokenize((text(STORY[:200]),))
    decode(context, prompt)
    with ExitStack() as stack:
        pairs = [
            [
                stack.enter_context(
                    closing(
                        Chain(
                            Setting(vocabulary, sampling, 11, 512),
                            prompt=prompt,
                            forbidden=vocabulary.ends,
                            whole=whole,
                        )
                    )
                )
                for whole in (True, False)
            ]
            for sampling in samplings
        ]
        for step in range(100):
            drawn = [[chain.draw(context) for chain in pair] for pair in pairs]
            assert all(whole == short for whole, short in drawn), step
            decode(context, [drawn[0][0]])


CUTS = {
    "roleplay": (ROLEPLAY, Cut(margin=-np.log(0.05))),
    "min_p behind the temperature": (
        Sampling(temperature=2.0, min_p=0.1, order=("penalties", "temperature", "min_p")),
        Cut(margin=-2 * np.log(0.1)),
    ),
    "top_k": (Sampling(top_k=64, top_p=0.95), Cut(most=64)),
    "greedy": (Sampling(temperature=0, top_p=0.9, repeat_penalty=1.1), Cut(margin=0.0)),
    "greedy, but the likeliest may be thrown out": (Sampling(temperature=0, xtc_probability=0.5), None),
    "nothing": (Sampling(), None),
    "top_p sums up all": (Sampling(top_p=0.9, min_p=0.1), None),
    "typical_p sums up all": (Sampling(typical_p=0.9, min_p=0.1), None),
    "sigma is that of all": (Sampling(top_n_sigma=1.0, min_p=0.1), None),
    "dynamic temperature counts all": (
        Sampling(dynamic_range=0.5, min_p=0.1, order=("temperature", "min_p")),
        None,
    ),
    "xtc sums up all": (Sampling(xtc_probability=0.5, min_p=0.1, order=("xtc", "min_p")), None),
    "penalties between": (
        Sampling(temperature=2.0, repeat_penalty=1.1, min_p=0.1, order=("temperature", "penalties", "min_p")),
        None,
    ),
    "mirostat": (Sampling(mirostat=2, min_p=0.1), None),
    "a long top_k": (Sampling(top_k=5000), None),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_chain_is_cut_only_where_that_changes_nothing(name: str) -> None:
    sampling, cut = CUTS[name]
    found = find_cut(plan(sampling), sampling)
    assert (found is None) == (cut is None)
    if found is not None and cut is not None:
        assert (found.most, found.margin) == (cut.most, pytest.approx(cut.margin))


def test_without_a_number_the_whole_vocabulary_is_shown(vocabulary: Vocabulary) -> None:
    with closing(Chain(Setting(vocabulary, ROLEPLAY, 1, 64), prompt=[1, 2, 3])) as chain:
        logits = np.full(vocabulary.size, np.nan, np.float32)
        assert chain.weigh(logits) is None
        logits[:] = -np.inf
        assert chain.weigh(logits) is None


@settings(max_examples=100, deadline=None)
@given(
    size=st.sampled_from([1, 2, 3, 8191, 8192, 8193, 20000, 32768]),
    cut=st.builds(Cut, margin=st.floats(0, 40)) | st.builds(Cut, most=st.integers(1, 1024)),
    touched=st.lists(st.integers(0, 32767), max_size=30, unique=True),
    shift=st.floats(-30, 30, width=32),
    seed=st.integers(0, 2**32 - 1),
)
def test_nothing_that_counts_is_left_out(size: int, cut: Cut, touched: list[int], shift: float, seed: int) -> None:
    """Checked against a plain search, for sizes that do and do not fill their last row."""
    random = np.random.default_rng(seed)
    logits = zipf(size, steepness=2.0, random=random)
    before = logits.copy()
    touched = sorted({token % size for token in touched})

    def change(candidates: llama_cpp.llama_token_data_array) -> None:
        for index in range(candidates.size):
            candidates.data[index].logit += shift

    shortlist = Shortlist(size, cut=cut, change=change)
    shortlist.touch(touched)
    found = shortlist.pick(logits)
    assert found is not None
    assert np.array_equal(logits, before)
    changed = before.copy()
    changed[touched] += np.float32(shift)
    picked = {found.data[index].id: found.data[index].logit for index in range(found.size)}
    assert list(picked) == sorted(picked)
    assert all(changed[token] == logit for token, logit in picked.items())
    ranked = np.sort(changed)[::-1]
    least = ranked[min(cut.most, size) - 1] if cut.most else ranked[0] - np.float32(cut.margin)
    assert set(np.flatnonzero(changed >= least)) <= set(picked)
    if not cut.most:
        assert min(picked.values()) >= ranked[0] - cut.margin - 0.01
