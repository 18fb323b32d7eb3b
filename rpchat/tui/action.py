"""What an action is: one thing the reader can do, with its keys, its slash commands and its help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

Place = Literal[
    "app",
    "home",
    "scene",
    "transcript",
    "cast",
    "adding",
    "inspector",
    "rows",
    "library",
    "seeking",
    "asking",
    "editor",
    "importing",
    "models",
    "wanted",
]
"""Where an action applies: anywhere, on the home screen, while a scene is played, to the turn marked on its page, to
the member marked in the cast, in the search for a card to add, or in the prompt laid open; to the rows of the home
screen, to those of the library, in its search, where something is asked, in the editor, while files come in; to the
models, or in their search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that can be done."""

    id: str
    help: str
    """What it does, for F1 and the palette."""
    keys: str = ""
    """Textual's key names, separated by commas; the first is the one that is shown."""
    label: str = ""
    """One or two words for the line of keys; empty: not shown there."""
    commands: tuple[str, ...] = ()
    """Slash commands without the slash; the first is the proper one, the others are accepted."""
    argument: str = ""
    """What the slash command takes behind its name, in words; empty: nothing."""
    optional: bool = False
    """Whether the argument may be left out: then the command does what the action's method does."""
    while_writing: bool = False
    """Bound around the composer, before the text field itself sees the key."""
    empty_line: bool = False
    """Only where the composer is empty; otherwise the key moves the cursor or edits as everywhere."""
    on_page: bool = False
    """An action of the composer whose key does the same while a turn or a member is marked."""
    in_cast: bool = False
    """An action of the page whose key does the same in the cast."""
    by_key: bool = False
    """What is done depends on which of its keys is pressed: the method is given its name. Those keys are fixed."""

    @property
    def place(self) -> Place:
        """Where it applies."""
        return cast("Place", self.id.split(".")[0])

    @property
    def name(self) -> str:
        """The name of the action method."""
        return self.id.split(".")[1]
