"""The widgets that draw pictures in pixels, and how large a cell is. The widgets are imported only where a terminal has
pixels to draw.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from rpchat.tui.pictures import Way, way_for

if TYPE_CHECKING:
    from textual_image.widget import TGPImage
    from textual_image.widget.sixel import Image as SixelImage

PixelWay = Literal["kitty", "sixel"]

_CELL_VARIABLES = ("TEXTUAL_CELL_WIDTH", "TEXTUAL_CELL_HEIGHT")


def cell_pixels() -> tuple[int, int] | None:
    """Return the width and the height of a cell in pixels; None where the terminal's driver does not tell."""
    if sys.platform == "win32":
        return None
    import fcntl
    import struct
    import termios

    try:
        told = fcntl.ioctl(sys.__stderr__.fileno() if sys.__stderr__ else 2, termios.TIOCGWINSZ, bytes(8))
    except (OSError, ValueError):
        # Not a terminal.
        return None
    rows, columns, across, down = struct.unpack("HHHH", told)
    return (across // columns, down // rows) if rows and columns and across and down else None


def drawn(setting: str) -> Way:
    """Return how pictures are drawn in this terminal, by the setting of the config.

    Sixels are drawn only where it is known how large a cell is: they would cover what stands beside them.
    """
    way = way_for(setting, os.environ)
    return "cells" if way == "sixel" and cell_pixels() is None else way


def pixel_widget(way: PixelWay) -> TGPImage | SixelImage:
    """Return a widget without a picture that draws in that way."""
    with _terminal_left_alone():
        from textual_image.widget import SixelImage, TGPImage
    return TGPImage() if way == "kitty" else SixelImage()


@contextmanager
def _terminal_left_alone() -> Iterator[None]:
    """Let the library be imported without asking the terminal what it can: the app reads what the terminal answers.

    Where there is no terminal, the library takes the size of a cell from the environment.
    """
    if "textual_image.widget" in sys.modules:
        yield
        return
    before = sys.__stdout__
    told = dict(zip(_CELL_VARIABLES, cell_pixels() or (), strict=False))
    mine = {name: str(value) for name, value in told.items() if name not in os.environ}
    os.environ.update(mine)
    setattr(sys, "__stdout__", io.StringIO())  # noqa: B010  # a final name of the standard library
    try:
        yield
    finally:
        setattr(sys, "__stdout__", before)  # noqa: B010
        for name in mine:
            del os.environ[name]
