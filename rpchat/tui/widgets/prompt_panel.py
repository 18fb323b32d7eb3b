"""The prompt a card makes, over the fields it is made of: laid open by tokens, or as text while no model is loaded."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from rpchat.prompt.tokens import Token
from rpchat.session.inspect import Inspection
from rpchat.session.preview import Preview
from rpchat.tui.prompt_rows import Rows, prompt_rows
from rpchat.tui.widgets.inspector import Inspector
from rpchat.tui.widgets.prompt_head import Head
from rpchat.tui.widgets.prompt_view import PromptView

_UNCOUNTED = "no model is loaded: this is the text it would read; tokens are counted when one is"


class PromptPanel(Vertical):
    """Hidden until it is shown."""

    DEFAULT_CSS = """
    PromptPanel {
        display: none;
        height: 1fr;
        & > #uncounted { height: 1; margin: 0 2 1 2; color: $warning; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._inspector = Inspector()
        self._line = Static(Content(_UNCOUNTED), id="uncounted")
        self._text = PromptView()

    def compose(self) -> ComposeResult:
        """Both ways of showing it."""
        yield self._inspector
        yield self._line
        yield self._text

    @property
    def is_open(self) -> bool:
        """Whether a prompt is shown."""
        return self.display

    def show(self, shown: Preview, laid_open: Inspection | None) -> None:
        """Show a prompt."""
        self.display = True
        self._inspector.display = laid_open is not None
        self._line.display = self._text.display = laid_open is None
        if laid_open is not None:
            self._inspector.show(Head(inspection=laid_open))
            self._inspector.rows.focus()
        else:
            layout = partial(_rows, _letters(shown))
            self._text.show(layout, keep_place=False)
            self._text.focus()

    def leave_find(self) -> bool:
        """Leave the search in the prompt; return whether one was written in."""
        return self.is_open and self._inspector.display and self._inspector.leave_find()

    def close(self) -> None:
        """Hide it."""
        self.display = False


def _letters(shown: Preview) -> list[Token]:
    """Return the segments as if each were one token: what is shown needs no more."""
    return [
        Token(0, b"", "control", segment.text)
        if segment.kind == "c"
        else Token(0, segment.text.encode(), segment.origin)
        for segment in shown.prompt.segments
    ]


def _rows(tokens: list[Token], width: int) -> Rows:
    return prompt_rows(tokens, width=width, ids=False, reused=0)
