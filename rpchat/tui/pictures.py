"""Avatars: which way this terminal can draw a picture, and the picture made small enough for it.

A picture comes from a stranger: its size is read from its header and one that is too large is refused undecoded. All of
`small` happens on a thread; Pillow is imported there.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rpchat.errors import FileError
from rpchat.story.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

Way = Literal["kitty", "sixel", "cells", "off"]
"""How pictures are drawn: by the graphics protocol of kitty, as sixels, as half cells of colour, or not at all."""

MOST_PIXELS = 32_000_000
_MOST_BYTES = 64_000_000
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_PIXELS_PER_CELL = (12, 24)
"""More than the cells of most terminals have: a picture drawn in pixels is made small only so far."""

_KITTY = ("xterm-kitty", "xterm-ghostty")
_SIXEL_TERMS = ("foot", "mlterm", "yaft", "contour")
_SIXEL_PROGRAMS = ("wezterm", "iterm.app", "mintty", "blackbox")


def way_for(setting: str, environment: Mapping[str, str]) -> Way:
    """Return how pictures are drawn in the terminal that `environment` tells of: as `setting` says, or for `auto` as it
    can.

    The terminal is not asked: its answer would come between the first keys. A multiplexer passes no pictures on.
    """
    told: dict[str, Way] = {"kitty": "kitty", "sixel": "sixel", "cells": "cells", "off": "off"}
    if setting in told:
        return told[setting]
    term = environment.get("TERM", "")
    if environment.get("TMUX") or term.startswith(("screen", "tmux")):
        return "cells"
    if term in _KITTY:
        return "kitty"
    program = environment.get("TERM_PROGRAM", "").casefold()
    if term.startswith(_SIXEL_TERMS) or program in _SIXEL_PROGRAMS:
        return "sixel"
    return "cells"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for `columns` x `rows` cells: two pixels, one above the other, for each cell, and the same in as many
    pixels as a terminal can draw."""

    columns: int
    rows: int
    pixels: bytes
    """Red, green and blue of every half cell, row by row."""
    image: Image

    def colours(self, column: int, row: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Return the colours of the upper and the lower half of a cell."""
        return self._pixel(column, 2 * row), self._pixel(column, 2 * row + 1)

    def _pixel(self, x: int, y: int) -> tuple[int, int, int]:
        at = 3 * (y * self.columns + x)
        red, green, blue = self.pixels[at : at + 3]
        return red, green, blue


def small(path: Path, *, columns: int, rows: int) -> Picture:
    """Return the picture in the file at `path`, cut to fill so many cells. Raises FileError for one that is missing,
    broken, none, or larger than `MOST_PIXELS`."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileError(f"the picture {one_line(path.name, 60)} is too large")
        with warnings.catch_warnings():
            # A picture that Pillow would only warn of is refused here by its size.
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            opened = Pillow.open(path, formats=_FORMATS)
        with opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise FileError(f"the picture {one_line(path.name, 60)} has {opened.width} x {opened.height} pixels")
            across, down = (cells * pixels for cells, pixels in zip((columns, rows), _PIXELS_PER_CELL, strict=True))
            opened.draft("RGB", (across, down))
            # What is cut off a portrait is its lower part: a face is in the upper one.
            fine = ImageOps.fit(_flat(opened.convert("RGBA")), (across, down), centering=(0.5, 0.2))
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, struct.error, zlib.error,
            Pillow.DecompressionBombError) as error:  # fmt: skip
        raise FileError(f"the picture {one_line(path.name, 60)} cannot be read: {one_line(str(error))}") from error
    coarse = fine.resize((columns, 2 * rows))
    return Picture(columns, rows, coarse.tobytes(), fine)


def _flat(image: Image) -> Image:
    """Return the picture on grey where it is transparent."""
    from PIL import Image as Pillow

    page = Pillow.new("RGBA", image.size, (128, 128, 128, 255))
    page.alpha_composite(image)
    return page.convert("RGB")
