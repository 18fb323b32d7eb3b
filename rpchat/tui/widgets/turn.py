"""One turn on the page: the speaker's name with its marks, and the text below it, indented by two."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.css.styles import RulesMap
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widget import Widget

from rpchat.tui.faces import Face
from rpchat.tui.prose import to_content
from rpchat.tui.wrap import breaks

INDENT = 2
_CURSOR = "▍"
_TAB = 4


class TurnVisual(Visual):
    """Draws a face at any width. Row 0 is the name line; the lines of the text follow.

    Every piece carries its offset in `name + newline + text`, which is what selecting and copying work on.
    """

    def __init__(self, face: Face) -> None:
        self._name = Content(face.name).stylize(f"{face.colour} bold")
        self._marks = Content(face.marks).stylize("$ooc")
        self._text = to_content(face.text, cursor=_CURSOR if face.writing else "")

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002
        """Return all the width there is."""
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002
        """Return the number of rows at that width."""
        room = max(1, width - INDENT)
        return 1 + sum(len(breaks(line.expandtabs(_TAB), room)) + 1 for line in self._text.plain.split("\n"))

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """Return the rows."""
        strips = [self._name_strip(width, style, options)]
        for number, line in enumerate(self._text.split(allow_blank=True), 1):
            selected = _selected(line, number, options).expand_tabs(_TAB)
            strips += _rows(selected, number, max(1, width - INDENT), style, options)
        return strips if height is None else strips[:height]

    def _name_strip(self, width: int, style: Style, options: RenderOptions) -> Strip:
        room = max(0, width - self._marks.cell_length - 1) if self._marks else width
        name = _selected(self._name, 0, options).truncate(room, ellipsis=True)
        segments = _segments(name, 0, 0, style, options)
        gap = max(0, width - name.cell_length - self._marks.cell_length)
        segments.append(Segment(" " * gap, style.rich_style))
        for text, text_style in self._marks.render(style, end="", parse_style=options.get_style):
            segments.append(Segment(text, (style + text_style).rich_style))
        return Strip(segments)


def _selected(line: Content, number: int, options: RenderOptions) -> Content:
    """Return the line with the part that is selected painted so."""
    if options.selection is None or options.selection_style is None:
        return line
    span = options.selection.get_span(number)
    if span is None:
        return line
    start, end = span
    return line.stylize(options.selection_style, start, len(line.plain) if end == -1 else end)


def _rows(line: Content, number: int, width: int, style: Style, options: RenderOptions) -> list[Strip]:
    cuts = breaks(line.plain, width)
    margin = Segment(" " * INDENT, style.rich_style)
    return [
        Strip([margin, *_segments(row.rstrip_end(width), start, number, style, options)])
        for start, row in zip((0, *cuts), line.divide(cuts), strict=True)
    ]


def _segments(content: Content, x: int, y: int, style: Style, options: RenderOptions) -> list[Segment]:
    segments = []
    for text, text_style in content.render(style, end="", parse_style=options.get_style):
        segments.append(Segment(text, (style + text_style).rich_style_with_offset(x, y)))
        x += len(text)
    return segments


class TurnView(Widget):
    """Shows one face; give it another with `show`."""

    DEFAULT_CSS = """
    TurnView {
        width: 100%;
        max-width: 100;
        height: auto;
        padding: 0 2;
        margin-bottom: 1;
        color: $foreground;
    }
    """

    @dataclass
    class MarksClicked(Message):
        """The marks of a turn that has other versions were clicked; `step` is -1 on their left half, else 1."""

        turn_id: int
        step: int

    def __init__(self, face: Face) -> None:
        super().__init__()
        self.face = face
        self._visual: TurnVisual | None = None

    def show(self, face: Face) -> None:
        """Draw another face, if it is another."""
        if face != self.face:
            self.face = face
            self._visual = None
            self.refresh(layout=True)

    def render(self) -> TurnVisual:
        """Return the visual, made anew only when the face changed."""
        if self._visual is None:
            self._visual = TurnVisual(self.face)
        return self._visual

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected part of name and text; turns are copied with a blank line between them."""
        return selection.extract(f"{self.face.name}\n{self.face.text}"), "\n\n"

    def on_click(self, event: events.Click) -> None:
        """Ask for another version where the marks are clicked."""
        place = event.get_content_offset(self)
        left = self.content_size.width - Content(self.face.marks).cell_length
        if place is None or place.y != 0 or place.x < left or self.face.swipes < 2:
            return
        middle = self.content_size.width - 3
        self.post_message(self.MarksClicked(self.face.turn_id, -1 if place.x < middle else 1))
