from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpchat.errors import FileError
from rpchat.store.reading import load_json, load_yaml, read_bytes

MEGABYTE = 1 << 20


def yaml(text: str) -> object:
    return load_yaml(text.encode(), name="card.yaml")


def json_value(text: str, **options: bool) -> object:
    return load_json(text.encode(), name="card.json", **options)


def refused(load: Callable[[], object]) -> str:
    with pytest.raises(FileError) as caught:
        load()
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert len(line) < 250
    return line


class TestFiles:
    def test_what_is_there_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_bytes(b"12345")
        assert read_bytes(path, limit=5) == b"12345"

    def test_what_cannot_be_read_is_named_in_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_bytes(b"12345")
        os.mkfifo(tmp_path / "pipe")
        assert refused(lambda: read_bytes(path, limit=4)).startswith("a.yaml is too large")
        assert refused(lambda: read_bytes(tmp_path / "b.yaml", limit=4)) == "b.yaml does not exist"
        assert refused(lambda: read_bytes(tmp_path, limit=4)).endswith("is a folder, not a file")
        assert refused(lambda: read_bytes(tmp_path / "pipe", limit=4)) == "pipe is not a regular file"
        assert "cannot be read" in refused(lambda: read_bytes(tmp_path / ("x" * 5000), limit=4))
        assert "cannot be read" in refused(lambda: read_bytes(tmp_path / "a\0b", limit=4))

    def test_a_name_cannot_speak_to_the_terminal(self, tmp_path: Path) -> None:
        assert "\x1b" not in refused(lambda: read_bytes(tmp_path / "\x1b[31m\n.yaml", limit=4))


class TestYaml:
    def test_scalars_of_yaml_1_2(self) -> None:
        data = yaml("{a: 1, b: -2.50, c: yes, d: true, e: ~, f: 2024-01-01, g: 0o17, h: 0x1F, i: -.inf, j: '1'}")
        assert data == {
            "a": 1, "b": -2.5, "c": "yes", "d": True, "e": None, "f": "2024-01-01", "g": 15, "h": 31,
            "i": -math.inf, "j": "1",
        }  # fmt: skip

    def test_keys_are_texts(self) -> None:
        assert yaml("1.50: a\ntrue: b\n.nan: c\n") == {"1.50": "a", "true": "b", ".nan": "c"}

    def test_texts_are_cleaned_whichever_way_they_are_written(self) -> None:
        assert yaml('"a\\e[0m\\ud800": "\\x9b\\u202e\\0b"\n') == {"a[0m": "b"}

    def test_nothing_is_none(self) -> None:
        assert yaml("") is None
        assert yaml("# only a comment\n") is None

    def test_aliases_and_merges_stand_for_what_they_name(self) -> None:
        data = yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\nd: {<<: [{x: 8}, {x: 9, z: 7}]}\n")
        assert data == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}, "d": {"x": 8, "z": 7}}

    def test_a_byte_order_mark_is_no_text(self) -> None:
        assert load_yaml("\ufeffname: a".encode(), name="x") == {"name": "a"}

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("a: 1\na: 2", "line 2: the key `a` stands there twice"),
            ('{a: 1, "a": 2}', "twice"),
            ("a: !!python/object:os.system x", "tag"),
            ("a: !x y", "tag"),
            ("a: *b", "nothing is named `&b`"),
            ("a: &a [*a]", "nothing is named"),
            ("a: 1\n---\nb: 2", "second document"),
            ("{[a]: b}", "key must be a text"),
            ("a: {<<: 3}", "`<<` needs a mapping"),
            ("a: [", "line 1"),
            ("a: b: c", "line 1"),
            ("a: \x07", "not YAML"),
            ('a: "\\U00110000"', "not YAML"),
            ("%YAML " + "1" * 5000, "not YAML"),
            ("- " * 60 + "a", "50 levels"),
            ("[" * 60, "50 levels"),
            ("x\n" * 60_000, "lines"),
            ("[" + "a," * 20_001 + "]", "20000 values"),
        ],
        ids=range(18),
    )
    def test_refused(self, text: str, why: str) -> None:
        assert why in refused(lambda: yaml(text))

    def test_bombs_are_refused_by_what_they_would_become(self) -> None:
        rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
        rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
        assert "alias" in refused(lambda: yaml("\n".join(rows)))
        merges = ["a0: &a0 {x: y}"]
        merges += [f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 10)}], k{n}: 1}}" for n in range(1, 10)]
        assert "alias" in refused(lambda: yaml("\n".join(merges)))
        long = "a: &a " + "x" * 100_000 + "\nb: [" + "*a," * 1000 + "]"
        assert "alias" in refused(lambda: yaml(long))

    def test_bytes_that_are_no_text(self) -> None:
        assert "line 2: this is not UTF-8" in refused(lambda: load_yaml(b"a: b\nc: \xff\n", name="x.yaml"))
        assert "Save it as UTF-8" in refused(lambda: load_yaml("a: b".encode("utf-16"), name="x.yaml"))
        assert "too large" in refused(lambda: load_yaml(b"a" * (MEGABYTE + 1), name="x.yaml"))

    @given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%#?, \n\t\\0"), max_size=40))
    def test_anything_is_data_or_one_error(self, text: str) -> None:
        lines = ["data"]
        try:
            yaml(text)
        except FileError as error:
            lines = str(error).splitlines()
        assert len(lines) == 1


class TestJson:
    def test_values(self) -> None:
        assert json_value('{"a": [1, -2.5, true, null, "桜"]}') == {"a": [1, -2.5, True, None, "桜"]}

    def test_texts_are_cleaned_unless_they_are_wanted_as_they_are(self) -> None:
        assert json_value('{"a\\u001b": "\\ud800b"}') == {"a": "b"}
        assert json_value('{"a": "\\u001bb"}', cleaned=False) == {"a": "\x1bb"}
        assert json_value('"\\ud83d\\ude00"', cleaned=False) == "😀"

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "is empty"),
            (" \n", "is empty"),
            ("{", "line 1: this is not JSON"),
            ("\n[1,]", "line 2"),
            ("[1] x", "not JSON"),
            ("NaN", "NaN"),
            ("[-Infinity]", "Infinity"),
            ("1e999", "too large"),
            ("1" * 5000, "too long"),
            ("1." + "1" * 5000, "too large"),
            ('{"a": 1, "a": 2}', "`a` stands there twice"),
            ('{"a": 1, "a\\u001b": 2}', "twice"),
            ("[" * 150 + "]" * 150, "levels deep"),
            ("[" * 100_000, "deep"),
            ('{"a":' * 100_000, "deep"),
            ("[" + "0," * 600_000 + "0]", "too many values"),
        ],
        ids=range(16),
    )
    def test_refused(self, text: str, why: str) -> None:
        assert why in refused(lambda: json_value(text))

    def test_half_a_character_is_refused_where_nothing_is_cleaned(self) -> None:
        assert "surrogate" in refused(lambda: json_value('"\\ud800"', cleaned=False))

    def test_the_limit_is_the_callers(self) -> None:
        assert "too large" in refused(lambda: load_json(b"[1, 2, 3]", name="x.json", limit=5))


HOSTILE = {
    "words": "a: " + "x y " * (MEGABYTE // 4 - 1),
    "lines": "a: |\n" + "  x\n" * 49_990,
    "items": "[" + "a," * (MEGABYTE // 2 - 1),
    "brackets": "[" * (MEGABYTE - 1),
    "tag": "!" + "a" * (MEGABYTE - 2),
    "anchors": "- &a b\n" * 49_990,
    "quotes": 'a: "' + "\\n" * (MEGABYTE // 2 - 4) + '"',
    "keys": "\n".join(f"{n}:" for n in range(49_990)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_largest_yaml_is_decided_in_little_time(name: str, tmp_path: Path) -> None:
    began = time.process_time()
    with suppress(FileError):
        yaml(HOSTILE[name])
    assert time.process_time() - began < 5


def test_the_largest_json_is_decided_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    path.write_text("[" + '{"a":[]},' * 160_000 + "0]")
    code = (
        "import sys; from pathlib import Path; from rpchat.store.reading import load_json\n"
        "load_json(Path(sys.argv[1]).read_bytes(), name='x')"
    )
    limit = 400 * MEGABYTE
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
