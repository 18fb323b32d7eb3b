"""The line that says how far a model is on its way, with a bar; hidden while nothing is fetched."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from rpchat.fetch.events import Checking, Fetching, told
from rpchat.tui.fetching import ModelFetching
from rpchat.tui.widgets.status import bar

_BAR = 20


class FetchLine(Widget):
    """Shows one fetching; `bring_up_to_date` draws it as it is now."""

    DEFAULT_CSS = """
    FetchLine {
        display: none;
        height: auto;
        padding: 0 2;
        border-top: solid $rule;
        &.-shown { display: block; }
    }
    """
    ALLOW_SELECT = False

    def __init__(self, fetching: ModelFetching) -> None:
        super().__init__()
        self._fetching = fetching

    def bring_up_to_date(self) -> None:
        """Show how far it is, why it ended, or nothing."""
        self.set_class(bool(self._fetching.event or self._fetching.error), "-shown")
        self.refresh(layout=True)

    def render(self) -> Content:
        """Return the line."""
        event = self._fetching.event
        if event is None:
            return Content(self._fetching.error).stylize("$error")
        line = Content(told(event, self._fetching.pace)).stylize("$foreground")
        if isinstance(event, Fetching | Checking):
            return Content.assemble(bar(event.done, max(1, event.total), cells=_BAR), " ", line)
        return line
