"""Ctrl+O: the prompt laid open over the page, with its search. What it shows is given to it; it asks nobody."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from rpchat.session.inspect import Inspection
from rpchat.tui.actions import bindings
from rpchat.tui.prompt_rows import Rows, prompt_rows, stop_rows, turn_rows
from rpchat.tui.widgets.clean_fields import CleanLine
from rpchat.tui.widgets.prompt_head import Head, PromptHead
from rpchat.tui.widgets.prompt_view import Layout, PromptView

View = Literal["prompt", "dropped", "stops"]

_VIEWS = {"prompt": "", "dropped": "the turns that no longer fit", "stops": "what ends the reply"}


class Inspector(Vertical):
    """The head, the rows, and a field to search in while it is asked for."""

    DEFAULT_CSS = """
    Inspector {
        height: 1fr;
        & > #find { display: none; margin: 0 2; height: 1; background: $background; }
        & > #find.-shown { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("inspector")]

    def __init__(self) -> None:
        super().__init__(id="inspector")
        self._head = PromptHead()
        self.rows = PromptView()
        """What can be scrolled."""
        self._find = CleanLine(id="find", placeholder="search · Enter finds", compact=True)
        self._ids = False
        self._view: View = "prompt"

    def compose(self) -> ComposeResult:
        """Head, rows, search."""
        yield self._head
        yield self.rows
        yield self._find

    @property
    def head(self) -> Head:
        """What is shown."""
        return self._head.head

    def show(self, head: Head) -> None:
        """Show a prompt, or the line that says why there is none."""
        another = head.inspection is not self.head.inspection
        self._head.show(head)
        if another:
            self._lay_out(keep_place=True)

    def _tell(self, line: str) -> None:
        """Say something in the head until there is something else to say."""
        self._head.show(replace(self.head, line=line, error=False))

    def _lay_out(self, *, keep_place: bool) -> None:
        self.rows.show(self._layout(), keep_place=keep_place)

    def _layout(self) -> Layout:
        inspection = self.head.inspection
        if inspection is None:
            return lambda width: Rows(())  # noqa: ARG005
        if self._view == "dropped":
            return lambda width: turn_rows(inspection.dropped, width=width)
        if self._view == "stops":
            return lambda width: stop_rows(inspection.stops, width=width)
        return partial(_prompt, inspection, ids=self._ids)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave every letter to the search while it is written in."""
        return not self._find.has_focus

    def leave_find(self) -> bool:
        """Close the search; return whether it was open."""
        was_open = self._find.has_class("-shown")
        self._find.remove_class("-shown")
        self.rows.focus()
        return was_open

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search."""
        event.stop()
        self.leave_find()
        found = self.rows.find(event.value)
        self._tell(_hits(1 if found else 0, found) if event.value else "")

    def action_find(self) -> None:
        """Ask for what is to be found."""
        self._find.add_class("-shown")
        self._find.focus()

    def action_find_next(self) -> None:
        """To the next hit."""
        self._tell(_hits(*self.rows.find_on(1)))

    def action_find_previous(self) -> None:
        """To the hit before."""
        self._tell(_hits(*self.rows.find_on(-1)))

    def action_ids(self) -> None:
        """Show or hide the ids."""
        self._ids = not self._ids
        self._lay_out(keep_place=True)

    def action_dropped(self) -> None:
        """Show the turns that no longer fit, or the prompt again."""
        inspection = self.head.inspection
        if inspection is not None and not inspection.dropped:
            self._tell("nothing was dropped: every turn fits")
            return
        self._change("dropped")

    def action_stops(self) -> None:
        """Show what ends the reply, or the prompt again."""
        self._change("stops")

    def _change(self, view: View) -> None:
        self._view = "prompt" if self._view == view else view
        self._tell(_VIEWS[self._view])
        self._lay_out(keep_place=False)


def _prompt(inspection: Inspection, width: int, *, ids: bool) -> Rows:
    return prompt_rows(inspection.tokens, width=width, ids=ids, reused=inspection.reused)


def _hits(number: int, of: int) -> str:
    return f"hit {number} of {of} · n next · N before" if of else "no hit"
