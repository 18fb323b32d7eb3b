"""GGUF headers: the real one, and every way of being broken."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rpchat.engine.gguf import Header, TokenKind, read_header, token_kinds
from rpchat.errors import ModelError
from tests.models import smollm2_path


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def array(kind: int, values: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


def whole(*entries: bytes, tensors: int = 1, version: int = 3) -> bytes:
    """Return a GGUF of these entries and one tensor: 64 numbers of 4 bytes."""
    info = string("weight") + struct.pack("<IQQIQ", 2, 8, 8, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, len(entries)) + b"".join(entries) + info * tensors
    return head + b"\0" * (-len(head) % 32) + b"\0" * 256


def small(*, tensors: int = 1, version: int = 3) -> bytes:
    """Return a whole GGUF with an entry of every sort."""
    entries = [
        entry("general.architecture", 8, string("llama")),
        entry("general.name", 8, string("Tiny\x1b[31m")),
        entry("general.file_type", 4, struct.pack("<I", 15)),
        entry("llama.context_length", 4, struct.pack("<I", 4096)),
        entry("llama.block_count", 4, struct.pack("<I", 2)),
        entry("llama.embedding_length", 4, struct.pack("<I", 64)),
        entry("llama.attention.head_count", 4, struct.pack("<I", 4)),
        entry("llama.attention.head_count_kv", 9, array(4, [struct.pack("<I", n) for n in (2, 0)])),
        entry("tokenizer.ggml.tokens", 9, array(8, [string(word) for word in ("a", "b", "")])),
        entry("tokenizer.ggml.scores", 9, array(6, [struct.pack("<f", 0.5)] * 5000)),
        entry("tokenizer.chat_template", 8, string("{{ x }}")),
    ]
    return whole(*entries, tensors=tensors, version=version)


def read(folder: Path, data: bytes) -> Header:
    path = folder / "model.gguf"
    path.write_bytes(data)
    return read_header(path)


def test_the_real_one() -> None:
    header = read_header(smollm2_path())
    assert (header.architecture, header.quantisation, header.context_length) == ("llama", "Q4_1", 8192)
    assert header.parameters == 134515008
    assert header.cache_elements() == (30 * 3 * 64, 30 * 3 * 64)
    assert "<|im_start|>" in header.chat_template


def test_a_small_one(tmp_path: Path) -> None:
    header = read(tmp_path, small())
    assert (header.name, header.quantisation, header.context_length) == ("Tiny[31m", "Q4_K_M", 4096)
    assert (header.parameters, header.size, header.chat_template) == (64, 256, "{{ x }}")
    assert header.cache_elements() == (32, 32)


def test_every_truncation_is_told(tmp_path: Path) -> None:
    data = small()
    for length in range(0, len(data), 97):
        with pytest.raises(ModelError, match=r"truncated|not a GGUF|damaged"):
            read(tmp_path, data[:length])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a GGUF"),
        (b"GGUF", "truncated"),
        (small(version=1), "version 1"),
        (small().replace(struct.pack("<IQQ", 3, 1, 11), struct.pack("<IQQ", 3, 1 << 60, 11), 1), "damaged"),
        (small().replace(struct.pack("<IQQ", 3, 1, 11), struct.pack("<IQQ", 3, 1, 1 << 62), 1), "damaged"),
        (small().replace(struct.pack("<IQQIQ", 2, 8, 8, 0, 0), struct.pack("<IQQIQ", 9, 8, 8, 0, 0)), "dimensions"),
        (small().replace(struct.pack("<IQQIQ", 2, 8, 8, 0, 0), struct.pack("<IQQIQ", 2, 8, 80, 0, 0)), "truncated"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(st.integers(0, 700), st.binary(min_size=1, max_size=8)), max_size=4),
    cut=st.integers(0, 40_000),
)
def test_any_damage_is_read_or_refused(tmp_path: Path, edits: list[tuple[int, bytes]], cut: int) -> None:
    data = bytearray(small())
    for place, new in edits:
        data[place : place + len(new)] = new
    try:
        header = read(tmp_path, bytes(data[:cut]))
    except ModelError:
        return
    assert min(header.cache_elements()) >= 0
    assert isinstance(header.name, str)
    assert header.context_length >= 0
    assert set(token_kinds(header, ["a", "b"])) <= {"a", "b"}


# The vocabulary


def tokens(*spelt: str) -> bytes:
    return entry("tokenizer.ggml.tokens", 9, array(8, [string(token) for token in spelt]))


def kinds(*numbers: int, form: str = "<i", kind: int = 5) -> bytes:
    return entry("tokenizer.ggml.token_type", 9, array(kind, [struct.pack(form, number) for number in numbers]))


def test_the_real_vocabulary() -> None:
    header = read_header(smollm2_path())
    told = (header.vocabulary_model, header.pre_tokenizer, header.vocabulary_size)
    assert told == ("gpt2", "smollm", 49152)
    asked = ["<|im_start|>", "<|im_end|>", "[INST]", "the", ""]
    assert token_kinds(header, asked) == {"<|im_start|>": "control", "<|im_end|>": "control", "the": "normal"}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([tokens("a", "é", "b"), kinds(1, 3, 4)], {"a": "normal", "é": "control", "b": "user-defined"}),
        ([kinds(1, 3, 4), tokens("a", "é", "b")], {"a": "normal", "é": "control", "b": "user-defined"}),
        ([tokens("a", "é", "b")], {"a": "normal", "é": "normal", "b": "normal"}),
        ([tokens("a", "é", "b"), kinds(3)], {"a": "control", "é": "normal", "b": "normal"}),
        ([tokens("a", "b"), kinds(3, 3, form="<B", kind=0)], {"a": "control", "b": "control"}),
        ([tokens("a", "b"), kinds(-1, 99)], {"a": "normal", "b": "normal"}),
        ([tokens("a", "a"), kinds(1, 3)], {"a": "control"}),
        ([tokens("a", "b"), entry("tokenizer.ggml.token_type", 8, string("x"))], {"a": "normal", "b": "normal"}),
        ([entry("tokenizer.ggml.tokens", 9, array(4, [b"aaaa"]))], {}),
        ([entry("tokenizer.ggml.tokens", 8, string("a")), kinds(3)], {}),
        ([], {}),
    ],
)
def test_kinds_of_tokens(tmp_path: Path, entries: list[bytes], expected: dict[str, TokenKind]) -> None:
    assert token_kinds(read(tmp_path, whole(*entries)), ["a", "é", "b", "c"]) == expected


def test_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    header = read(tmp_path, whole(tokens(*"abc"), kinds(1, 1, 1)))
    header.path.write_bytes(small()[:40])
    with pytest.raises(ModelError, match="truncated"):
        token_kinds(header, ["a"])
    header.path.unlink()
    with pytest.raises(ModelError, match="there is no model file"):
        token_kinds(header, ["a"])


@contextmanager
def frugal(most: int) -> Iterator[None]:
    """Fail if more than `most` bytes are held at any moment."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def test_a_large_vocabulary_takes_no_memory(tmp_path: Path) -> None:
    spelt = [f"<|{number}|>" for number in range(50_000)]
    path = tmp_path / "large.gguf"
    path.write_bytes(whole(tokens(*spelt), kinds(*[3] * len(spelt))))
    with frugal(200_000):
        assert token_kinds(read_header(path), [spelt[-1]]) == {spelt[-1]: "control"}


def test_a_list_that_never_ends_is_refused(tmp_path: Path) -> None:
    endless = entry("x", 9, struct.pack("<IQ", 8, 1 << 31))
    with pytest.raises(ModelError, match="lists of 2,147,483,648 strings"):
        read(tmp_path, whole(endless))


def test_many_long_lists_are_refused(tmp_path: Path) -> None:
    lists = [entry(f"x{number}", 9, array(8, [b"\0" * 8] * 700_000)) for number in range(3)]
    with pytest.raises(ModelError, match="lists of 2,100,000 strings"):
        read(tmp_path, whole(*lists))


def test_a_text_without_measure_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "text.gguf"
    path.write_bytes(whole(entry("tokenizer.huggingface.json", 8, string("x" * (1 << 24))), tokens("a")))
    with frugal(200_000):
        header = read_header(path)
    assert (header.metadata, header.vocabulary_size) == ({}, 1)


def test_names_without_number_are_refused(tmp_path: Path) -> None:
    name = "x" * 65_000
    data = whole(*[entry(f"{name}{number}", 7, b"\1") for number in range(600)])
    with pytest.raises(ModelError, match="more names and texts than a model has"):
        read(tmp_path, data)
