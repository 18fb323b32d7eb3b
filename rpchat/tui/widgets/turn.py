"""One turn on the page: the speaker's name with its marks, the text below it, indented by two, and the notes that were
unfolded below that."""

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
from rpchat.tui.glosses import PLAIN, Gloss, Note
from rpchat.tui.prose import to_content
from rpchat.tui.wrap import breaks

INDENT = 2
_CURSOR = "▍"
_TAB = 4
_NOTE_MARGIN = "  │ "
_CUT_AWAY = "$ooc dim not bold not italic"


class TurnVisual(Visual):
    """Draws a face and what the reader put on it, at any width. Row 0 is the name line; the lines of the text follow,
    then those of the notes.

    Every piece carries its offset in the lines of name, text and notes, which is what selecting and copying work on.
    """

    def __init__(self, face: Face, gloss: Gloss = PLAIN) -> None:
        self._name = Content(face.name).stylize(f"{face.colour} bold")
        self._marks = Content(face.marks).stylize("$ooc")
        text = to_content(face.text, cursor=_CURSOR if face.writing else "")
        text = text if gloss.cut is None else text.stylize(_CUT_AWAY, gloss.cut, len(face.text))
        self._text = text.split(allow_blank=True)
        self._notes = [line for note in gloss.notes for line in _note_lines(note)]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002
        """Return all the width there is."""
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002
        """Return the number of rows at that width."""
        return 1 + _height(self._text, width - INDENT) + _height(self._notes, width - len(_NOTE_MARGIN))

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """Return the rows."""
        strips = [self._name_strip(width, style, options)]
        for number, line in enumerate([*self._text, *self._notes], 1):
            margin = " " * INDENT if number <= len(self._text) else _NOTE_MARGIN
            selected = _selected(line, number, options).expand_tabs(_TAB)
            strips += _rows(selected, number, width, margin, style, options)
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


def _note_lines(note: Note) -> list[Content]:
    lines = [Content(note.title).stylize("$thought")]
    return lines + ([Content(line).stylize("$ooc") for line in note.text.split("\n")] if note.text else [])


def _height(lines: list[Content], width: int) -> int:
    return sum(len(breaks(line.plain.expandtabs(_TAB), max(1, width))) + 1 for line in lines)


def _rows(line: Content, number: int, width: int, margin: str, style: Style, options: RenderOptions) -> list[Strip]:
    room = max(1, width - len(margin))
    cuts = breaks(line.plain, room)
    painted = Content(margin).stylize("$ooc").render(style, end="", parse_style=options.get_style)
    edge = [Segment(text, (style + text_style).rich_style) for text, text_style in painted]
    return [
        Strip([*edge, *_segments(row.rstrip_end(room), start, number, style, options)])
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
        &.-marked {
            padding: 0 2 0 1;
            border-left: outer $primary;
        }
    }
    """

    @dataclass
    class MarksClicked(Message):
        """The marks of a turn that has other versions were clicked; `step` is -1 on their left half, else 1."""

        turn_id: int
        step: int

    @dataclass
    class Picked(Message):
        """A turn was clicked, and nothing was selected by it."""

        turn_id: int

    def __init__(self, face: Face, gloss: Gloss = PLAIN) -> None:
        super().__init__(classes="-marked" if gloss.marked else "")
        self.face = face
        self.gloss = gloss
        self._visual: TurnVisual | None = None

    def show(self, face: Face, gloss: Gloss) -> None:
        """Draw another face, or the same with something else put on it."""
        if (face, gloss) != (self.face, self.gloss):
            self.set_class(gloss.marked, "-marked")
            self.face, self.gloss = face, gloss
            self._visual = None
            self.refresh(layout=True)

    def render(self) -> TurnVisual:
        """Return the visual, made anew only when what it shows changed."""
        if self._visual is None:
            self._visual = TurnVisual(self.face, self.gloss)
        return self._visual

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected part of name, text and notes; turns are copied with a blank line between them."""
        notes = [line.plain for note in self.gloss.notes for line in _note_lines(note)]
        return selection.extract("\n".join([self.face.name, self.face.text, *notes])), "\n\n"

    def on_click(self, event: events.Click) -> None:
        """Ask for another version where the marks are clicked; else the turn is the one that is meant."""
        place = event.get_content_offset(self)
        if place is None or self.screen.selections:
            return
        left = self.content_size.width - Content(self.face.marks).cell_length
        if place.y != 0 or place.x < left or self.face.swipes < 2:
            self.post_message(self.Picked(self.face.turn_id))
            return
        middle = self.content_size.width - 3
        self.post_message(self.MarksClicked(self.face.turn_id, -1 if place.x < middle else 1))
