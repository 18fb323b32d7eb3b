"""F1: every key that does something here, on a panel at the right; it covers the page where there is no room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from rpchat.tui.action import Action, Place
from rpchat.tui.action_table import ACTIONS
from rpchat.tui.actions import shown_key
from rpchat.tui.wrap import breaks

_KEY_CELLS = 7
_TWO_SLASHES = "A line that shall begin with / is sent with //."
_HEADINGS: Mapping[Place, str] = {
    "home": "Scenes and cards", "scene": "In a scene", "transcript": "With a turn marked",
    "cast": "In the cast", "rows": "On the rows (Tab)", "library": "In the library", "seeking": "While you search",
    "asking": "Where something is asked", "editor": "In the editor", "importing": "While files come in",
    "models": "Among the models", "wanted": "While models are searched",
    "adding": "While a card is looked for", "inspector": "In the prompt", "app": "Everywhere",
}  # fmt: skip


class HelpPanel(VerticalScroll, can_focus=True):
    """The keys and slash commands of the given places. `back_to` had the focus before."""

    DEFAULT_CSS = """
    HelpPanel {
        width: 44;
        height: 1fr;
        padding: 0 2;
        border-left: solid $rule;
        scrollbar-size-vertical: 1;
        &:focus { border-left: solid $primary; }
    }
    """

    def __init__(self, places: Sequence[Place], keys: Mapping[str, str], *, back_to: Widget | None = None) -> None:
        super().__init__(id="help")
        self.back_to = back_to
        self._places = places
        self._keys = keys

    def compose(self) -> ComposeResult:
        """One text."""
        yield _HelpText(self._places, self._keys)


class _HelpText(Widget):
    DEFAULT_CSS = """
    _HelpText { height: auto; }
    """

    def __init__(self, places: Sequence[Place], keys: Mapping[str, str]) -> None:
        super().__init__()
        self._places = places
        self._keys = keys

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Return the rows of the text at that width."""
        return help_text(self._places, self._keys, width=width).plain.count("\n") + 1

    def render(self) -> Content:
        """Return the text at the width there is."""
        return help_text(self._places, self._keys, width=self.content_size.width)


def help_text(places: Sequence[Place], keys: Mapping[str, str], *, width: int) -> Content:
    """Return the help of these places under the keymap `keys`: keys on the left, what they do on the right."""
    lines = [Content.assemble(("Keys", "bold $accent"), ("  F1 or Esc closes", "$ooc"))]
    for place in places:
        lines += [Content(), Content(_HEADINGS[place]).stylize("bold $speech")]
        for action in ACTIONS:
            if action.place == place:
                lines += _entry(action, keys, width)
    lines += [Content(), *_wrapped(Content(_TWO_SLASHES).stylize("$ooc"), width)]
    return Content("\n").join(lines)


def _entry(action: Action, keys: Mapping[str, str], width: int) -> list[Content]:
    command = f"  /{action.commands[0]}" if action.commands else ""
    text = Content.assemble((action.help, "$action"), (command, "$ooc"))
    rows = _wrapped(text, max(10, width - _KEY_CELLS))
    key = shown_key(action, keys)
    if len(key) >= _KEY_CELLS:
        rows = [Content(), *rows]
    left = [Content(key.ljust(_KEY_CELLS)).stylize("$accent"), *[Content(" " * _KEY_CELLS)] * (len(rows) - 1)]
    return [margin + row for margin, row in zip(left, rows, strict=True)]


def _wrapped(text: Content, width: int) -> list[Content]:
    cuts = [0, *breaks(text.plain, width), len(text.plain)]
    return [text[start:end].rstrip() for start, end in pairwise(cuts)]
