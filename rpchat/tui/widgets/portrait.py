"""A picture in a list or beside a text: drawn as the terminal can, or a letter where there is none."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.content import Content
from textual.strip import Strip
from textual.visual import VisualType
from textual.widget import Widget
from textual.widgets import Static

from rpchat.tui.graphics import pixel_widget
from rpchat.tui.pictures import Picture, Way


class _Cells(Widget):
    """A picture in half cells: the upper half is the letter's colour, the lower one the ground's."""

    DEFAULT_CSS = """
    _Cells { width: 100%; height: 100%; }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.picture: Picture | None = None

    def render_line(self, y: int) -> Strip:
        """Return one row of the picture."""
        picture = self.picture
        if picture is None or y >= picture.rows:
            return Strip.blank(self.size.width, self.rich_style)
        segments = []
        for column in range(picture.columns):
            upper, lower = (f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in picture.colours(column, y))
            segments.append(Segment("▀", Style.parse(f"{upper} on {lower}")))
        return Strip(segments).crop_extend(0, self.size.width, self.rich_style)


class Portrait(Widget):
    """As large as its style says. Shows a picture, or a letter in the colour of a name."""

    DEFAULT_CSS = """
    Portrait {
        layout: vertical;
        overflow: hidden;
        & > .mark { width: 100%; height: 100%; content-align: center middle; background: $surface; }
    }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._cells = _Cells()
        self._mark = Static(classes="mark", markup=False)
        self._pixels: Widget | None = None
        self._way: Way = "cells"

    def compose(self) -> ComposeResult:
        """The half cells and the letter, of which one is shown."""
        yield self._cells
        yield self._mark

    def on_mount(self) -> None:
        """Show nothing yet."""
        self._only(self._mark)

    def show_mark(self, letter: str, colour: str) -> None:
        """Show a letter."""
        self._mark.update(Content(letter).stylize(f"bold {colour}"))
        self._only(self._mark)

    def show(self, picture: Picture, way: Way) -> None:
        """Show a picture, drawn in that way."""
        if way in ("kitty", "sixel"):
            if self._pixels is None or way != self._way:
                self._way = way
                if self._pixels is not None:
                    self._pixels.remove()
                self._pixels = pixel_widget(way)
                self.mount(self._pixels)
            self._pixels.image = picture.image  # type: ignore[attr-defined]  # every widget of that library has it
            self._only(self._pixels)
        else:
            self._cells.picture = picture
            self._cells.refresh()
            self._only(self._cells)

    def _only(self, shown: Widget) -> None:
        for child in (self._cells, self._mark, self._pixels):
            if child is not None:
                child.display = child is shown

    def render(self) -> VisualType:
        """Return the ground behind what is shown."""
        return Content()
