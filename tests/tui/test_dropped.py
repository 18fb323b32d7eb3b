from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpchat.tui.completing import completions, longest_common
from rpchat.tui.dropped import existing, looks_dropped, readings


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("plain.png", "two words.json", "桜 (1).png", "it's.yaml")]
    for path in made:
        path.touch()
    return made


def test_one_path_as_it_stands(files: list[Path]) -> None:
    for path in files:
        assert existing(f"{path} \n") == [path]


def test_paths_in_quotes_and_with_backslashes(files: list[Path]) -> None:
    plain, spaced, japanese, _ = files
    assert existing(f"'{plain}' '{spaced}'") == [plain, spaced]
    assert existing(f'"{japanese}"') == [japanese]
    assert existing(str(spaced).replace(" ", "\\ ")) == [spaced]


def test_addresses(files: list[Path]) -> None:
    together = "\n".join(f"file://{quote(str(path))}" for path in files)
    assert existing(together) == files
    assert existing(f"file://localhost{quote(str(files[1]))}") == [files[1]]


def test_several_lines_with_bare_spaces(files: list[Path]) -> None:
    assert existing("\n".join(str(path) for path in files)) == files


def test_nothing_is_taken_for_what_is_not_all_there(files: list[Path]) -> None:
    assert existing(f"{files[0]} {files[0]}x") == []
    assert existing("") == []
    assert existing("\0") == []
    assert existing("/" + "x" * 5_000) == []


@pytest.mark.parametrize("text", ["/tmp/a.png", "'/a b'", "~/x", "file:///a%20b", '"/a"', "C:\\a.png"])
def test_what_looks_dropped(text: str) -> None:
    assert looks_dropped(text)


@pytest.mark.parametrize("text", ["Mira", "", "hello /there", "//", "x" * 200_000])
def test_what_does_not(text: str) -> None:
    assert not looks_dropped(text) or text == "//"


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    readings(text)
    existing(text)


def test_paths_are_completed(files: list[Path]) -> None:
    folder = files[0].parent
    (folder / ".hidden").touch()
    (folder / "deep").mkdir()
    assert completions(f"{folder}/pl") == [str(files[0])]
    assert completions(f"{folder}/DEE") == [f"{folder}/deep/"]
    assert str(folder / ".hidden") in completions(f"{folder}/.h")
    assert len(completions(f"{folder}/")) == len(files) + 1
    assert completions("") == completions("nothing") == completions(f"{folder}/none/x") == []


def test_what_completions_share() -> None:
    assert longest_common(["/a/bcd", "/a/bce"]) == "/a/bc"
    assert longest_common(["/a"]) == "/a"
    assert longest_common([]) == ""
