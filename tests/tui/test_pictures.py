from __future__ import annotations

import random
import struct
import zlib
from contextlib import aclosing
from pathlib import Path

import pytest
from PIL import Image

from rpchat.errors import FileError
from rpchat.tui.gallery import Gallery
from rpchat.tui.pictures import small, way_for


def painted(path: Path, *, size: tuple[int, int] = (60, 90), mode: str = "RGB", kind: str = "PNG") -> Path:
    Image.new(mode, size, 40 if mode == "L" else None or (200, 40, 40, 255)[: len(mode)]).save(path, kind)
    return path


def declared(path: Path, width: int, height: int) -> Path:
    """A PNG that says it is so large, and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGBA", "PNG"), ("L", "PNG"), ("RGB", "JPEG"), ("RGB", "WEBP")]
)
def test_a_picture_fills_its_cells(tmp_path: Path, mode: str, kind: str) -> None:
    picture = small(painted(tmp_path / "a", mode=mode, kind=kind), columns=4, rows=2)
    assert len(picture.pixels) == 4 * 4 * 3
    upper, lower = picture.colours(3, 1)
    assert all(abs(one - other) < 12 for one, other in zip(upper, lower, strict=True))
    if mode != "L":
        assert upper[0] > 150
        assert upper[1] < 80


@pytest.mark.parametrize("size", [(30_000, 30_000), (100_000, 100), (2**31 - 1, 2**31 - 1), (9_000, 9_000)])
def test_a_huge_picture_is_refused_undecoded(tmp_path: Path, size: tuple[int, int]) -> None:
    path = declared(tmp_path / "huge.png", *size)
    with pytest.raises(FileError):
        small(path, columns=4, rows=2)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    for name, data in {"text": b"hello", "empty": b"", "svg": b"<svg/>", "bmp": b"BM" + bytes(60)}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(FileError, match=name):
            small(path, columns=4, rows=2)
    with pytest.raises(FileError):
        small(tmp_path / "none.png", columns=4, rows=2)
    with pytest.raises(FileError):
        small(tmp_path, columns=4, rows=2)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_damaged_picture_raises_only_our_error(tmp_path: Path, kind: str) -> None:
    good = painted(tmp_path / "good", kind=kind).read_bytes()
    chance = random.Random(kind)
    path = tmp_path / "bad"
    for _ in range(150):
        data = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(bytes(data[: chance.randint(1, len(data))]))
        try:
            small(path, columns=4, rows=2)
        except FileError:
            continue


@pytest.mark.parametrize(
    ("setting", "environment", "way"),
    [
        ("auto", {"TERM": "xterm-256color"}, "cells"),
        ("auto", {"TERM": "xterm-kitty"}, "kitty"),
        ("auto", {"TERM": "xterm-ghostty"}, "kitty"),
        ("auto", {"TERM": "foot-extra"}, "sixel"),
        ("auto", {"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "sixel"),
        ("auto", {"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"}, "cells"),
        ("auto", {"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, "cells"),
        ("auto", {}, "cells"),
        ("off", {"TERM": "xterm-kitty"}, "off"),
        ("sixel", {}, "sixel"),
    ],
)
def test_how_a_terminal_draws(setting: str, environment: dict[str, str], way: str) -> None:
    assert way_for(setting, environment) == way


async def test_a_gallery_makes_each_picture_once_and_remembers_refusals(tmp_path: Path) -> None:
    good, bad = painted(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(b"no")
    gallery = Gallery("cells")
    async with aclosing(gallery.make([bad, good], columns=4, rows=2)) as made:
        assert [path async for path, _ in made] == [good]
    assert gallery.known(good, columns=4, rows=2) is not None
    assert gallery.known(bad, columns=4, rows=2) is None
    good.unlink()
    async with aclosing(gallery.make([bad, good], columns=4, rows=2)) as made:
        assert [path async for path, _ in made] == []


async def test_a_gallery_that_is_off_makes_nothing(tmp_path: Path) -> None:
    gallery = Gallery("off")
    async with aclosing(gallery.make([painted(tmp_path / "a.png")], columns=4, rows=2)) as made:
        assert [path async for path, _ in made] == []
