"""The engine's pure parts: planning the cache, slicing a prompt, messages, the memory of this machine."""

from __future__ import annotations

from math import inf
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rpchat.engine.machine import Machine
from rpchat.engine.port import Request
from rpchat.engine.wire import pack, pack_piece, request_of, unpack
from rpchat.engine.worker.decode import slice_size
from rpchat.engine.worker.governor import Governor
from rpchat.engine.worker.held import Held, common, usable
from rpchat.prompt.segment import control, text
from rpchat.story.preset import Sampling

IDS = st.lists(st.integers(0, 3), max_size=12)


@given(cached=IDS, prompt=IDS)
def test_what_is_kept_is_a_common_prefix_without_the_last_token(cached: list[int], prompt: list[int]) -> None:
    shared = common(cached, prompt)
    assert cached[:shared] == prompt[:shared]
    assert shared in (len(cached), len(prompt)) or cached[shared] != prompt[shared]
    if prompt:
        assert usable(Held(ids=cached), prompt) == min(shared, len(prompt) - 1)
        assert usable(Held(ids=cached, floor=shared + 1), prompt) == 0


@given(count=st.integers(1, 100_000), most=st.integers(1, 4096))
def test_slices_are_few_and_within_the_batch(count: int, most: int) -> None:
    size = slice_size(count, least=min(128, most), most=most)
    assert 1 <= size <= most
    assert size == most or count / size <= 17


def test_a_request_arrives_as_it_was_sent() -> None:
    request = Request(
        segments=(control("<s>"), text("「」\ud800\x00$", "lore")),
        sampling=Sampling(logit_bias={"x": -inf, "$": 1.5}, dry_breakers=("\n",), order=("temperature", "min_p")),
        seed=2**32 - 2,
        max_tokens=5,
        stop_controls=("</s>",),
        continue_ids=(1, 2),
    )
    kind, content = unpack(pack("stream", request=request))
    assert (kind, request_of(content["request"])) == ("stream", request)


@given(token=st.integers(0, 10**6), data=st.binary(max_size=40))
def test_the_quick_line_of_a_piece_is_the_plain_one(token: int, data: bytes) -> None:
    assert pack_piece(token, data) == pack("piece", id=token, data=data)


def test_what_was_seen_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "machine.json"
    assert Machine(path).safe("Q4_0") is None
    Machine(path).remember(safe=False, quantisation="Q4_0")
    assert Machine(path).safe("Q4_0") is False
    assert Machine(path).safe("Q8_0") is None
    Machine(path).remember(safe=True, quantisation="Q8_0")
    assert Machine(path).safe("Q4_0") is True
    assert list(path.parent.iterdir()) == [path]


def test_a_broken_memory_is_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    for content in (b"", b"[1]", b"\xff\xfe", b"[" * 100_000):
        path.write_bytes(content)
        assert Machine(path).safe("Q4_0") is None
    Machine(path).remember(safe=True, quantisation="")
    assert Machine(path).safe("Q4_0") is True


def test_a_busy_machine_gets_one_thread_fewer_until_it_is_idle() -> None:
    told = iter([(0.0, 0.0, 0.0), (0.1, 0.2, 0.0), (1.0, 3.0, 2.0), (2.0, 5.0, 4.0), (3.0, 7.1, 6.0)])
    governor = Governor(2, usage=lambda: next(told))
    assert [(governor.advise(), governor.threads) for _ in range(4)] == [(False, 2), (True, 1), (True, 2), (False, 2)]
