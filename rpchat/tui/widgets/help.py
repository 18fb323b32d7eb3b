"""F1: every key that does something here, on a panel at the right; it covers the page where there is no room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from rpchat.tui.actions import ACTIONS, Action, Place, shown_key

_HEADINGS: Mapping[Place, str] = {"home": "Scenes and cards", "scene": "In a scene", "app": "Everywhere"}


class HelpPanel(VerticalScroll, can_focus=True):
    """The keys and slash commands of the given places."""

    DEFAULT_CSS = """
    HelpPanel {
        width: 44;
        height: 1fr;
        padding: 0 2;
        border-left: solid $rule;
        scrollbar-size-vertical: 1;
        &:focus { border-left: solid $primary; }
    }
    .-narrow HelpPanel {
        width: 1fr;
        border-left: none;
    }
    """

    def __init__(self, places: Sequence[Place], keys: Mapping[str, str]) -> None:
        super().__init__(id="help")
        self._places = places
        self._keys = keys

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(help_text(self._places, self._keys))


def help_text(places: Sequence[Place], keys: Mapping[str, str]) -> Content:
    """Return the help of these places under the keymap `keys`."""
    blocks = [Content.assemble(("Keys", "bold $accent"), ("  F1 or Esc closes", "$ooc"))]
    for place in places:
        blocks.append(Content(f"\n{_HEADINGS[place]}").stylize("bold $speech"))
        blocks += [_entry(action, keys) for action in ACTIONS if action.place == place]
    blocks.append(Content("\nA line that shall begin with / is sent with two of them.").stylize("$ooc"))
    return Content("\n").join(blocks)


def _entry(action: Action, keys: Mapping[str, str]) -> Content:
    names = " ".join(filter(None, [shown_key(action, keys), *(f"/{name}" for name in action.commands[:1])]))
    return Content.assemble((names, "$accent"), "  ", (action.help, "$action"))
