"""Counting: the ids of runs that were seen are kept, and are those that would be found again."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpchat.engine.worker.vocabulary import Runs, Vocabulary
from rpchat.prompt.segment import Segment, control, text
from tests.models import smollm2_path
from tests.vocabularies import write_gguf


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, line: bytes, data: ctypes.c_void_p) -> None:
    """Keep llama.cpp's loading lines out of the test's output."""


@pytest.fixture(scope="module")
def pointer() -> Iterator[llama_cpp.llama_model_p]:
    path = smollm2_path()
    llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    assert model
    yield model
    llama_cpp.llama_model_free(model)


def block(role: str, said: str) -> list[Segment]:
    """A block in pieces that are tokenised as one run."""
    return [
        control("<|im_start|>"),
        text(f"{role}\n"),
        text(said, "history", turn=1),
        control("<|im_end|>"),
        text("\n"),
    ]


SAID = st.text(st.sampled_from("ab \n\t'.,「」あ桜é<|im_end>🙂\u200d"), max_size=30)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(SAID, min_size=1, max_size=6))
def test_what_is_kept_is_what_would_be_found(pointer: llama_cpp.llama_model_p, lines: list[str]) -> None:
    keeping = Vocabulary(pointer)
    for count in range(len(lines) + 1):
        segments = [segment for line in lines[:count] for segment in block("user", line)]
        assert keeping.tokenize(segments) == Vocabulary(pointer).tokenize(segments)


def test_what_was_given_out_can_be_changed_by_who_has_it(pointer: llama_cpp.llama_model_p) -> None:
    vocabulary = Vocabulary(pointer)
    first = vocabulary.text_ids("The rain has stopped.")
    expected = list(first)
    first.append(0)
    assert vocabulary.text_ids("The rain has stopped.") == expected


def test_the_run_not_seen_for_longest_is_forgotten_first() -> None:
    runs = Runs(most_runs=2)
    runs.put(b"a", [1])
    runs.put(b"b", [2])
    assert list(runs.get(b"a") or ()) == [1]
    runs.put(b"c", [3])
    assert runs.get(b"b") is None
    assert runs.get(b"a") is not None
    assert len(runs) == 2


@given(sizes=st.lists(st.integers(0, 40), max_size=30))
def test_it_never_holds_more_than_it_may(sizes: list[int]) -> None:
    runs = Runs(most_runs=8, most_bytes=200)
    held: dict[bytes, list[int]] = {}
    for number, size in enumerate(sizes):
        run = bytes([number]) * max(1, size)
        held[run] = list(range(size))
        assert list(runs.put(run, held[run])) == held[run]
        assert len(runs) <= 8
        kept = {run: ids for run, ids in held.items() if runs.get(run) is not None}
        assert runs.size == sum(len(run) + 4 * len(ids) for run, ids in kept.items()) <= 200


def test_user_defined_marks_are_control_tokens_of_the_format_and_text_of_nobody(tmp_path: Path) -> None:
    path = tmp_path / "chatml.gguf"
    write_gguf("mistral-v1-chatml", path)
    llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    assert model
    vocabulary = Vocabulary(model)
    start, end = "<|im_start|>", "<|im_end|>"
    assert {start, end} <= vocabulary.controls_among([start, end, "[INST]"])
    opening, closing = vocabulary.control_id(start), vocabulary.control_id(end)
    ids = vocabulary.tokenize([control(start), text(f"user\nsay {start}x{end}{start} twice"), control(end)])
    assert (ids[0], ids[-1]) == (opening, closing)
    assert not {opening, closing} & set(ids[1:-1])
    assert b"".join(map(vocabulary.piece, ids[1:-1])).replace(b" ", b"").endswith(b"x<|im_end|><|im_start|>twice")
    llama_cpp.llama_model_free(model)
