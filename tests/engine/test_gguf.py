"""GGUF headers: the real one, and every way of being broken."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rpchat.engine.gguf import Header, read_header
from rpchat.errors import ModelError
from tests.models import smollm2_path


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def array(kind: int, values: list[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


def small(*, tensors: int = 1, version: int = 3) -> bytes:
    """Return a whole GGUF of one tensor: 64 numbers of 4 bytes."""
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
    info = string("weight") + struct.pack("<IQQIQ", 2, 8, 8, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, len(entries)) + b"".join(entries) + info * tensors
    return head + b"\0" * (-len(head) % 32) + b"\0" * 256


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
    whole = small()
    for length in range(0, len(whole), 97):
        with pytest.raises(ModelError, match=r"truncated|not a GGUF|damaged"):
            read(tmp_path, whole[:length])


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
