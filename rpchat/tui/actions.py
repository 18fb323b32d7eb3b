"""What is read from the table of actions: bindings, the keymap, the names of keys, and the slash commands.

The line of keys, F1 and the palette read the same table, so none of them can promise what another does not keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from textual.binding import Binding

from rpchat.errors import RpchatError
from rpchat.tui.action import Action, Place
from rpchat.tui.action_table import ACTIONS

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

PERFORMED: frozenset[Place] = frozenset(
    {"home", "scene", "transcript", "cast", "rows", "library", "seeking", "models", "wanted"}
)
"""The places whose actions are done by parts of their screen."""

COMPOSE_KEYS: Mapping[str, str] = {"scene.send": "ctrl+s", "scene.newline": "enter,ctrl+j"}
"""The keymap while Enter makes a new line."""


def bindings(place: Place, *, while_writing: bool = False) -> list[Binding]:
    """Return Textual's bindings of a place, for page and cast also those they share with the composer.

    All come before the focused field's own keys, so that any key of a keymap works while something is written.
    """
    return [
        binding
        for action in ACTIONS
        if action.keys
        and (
            (action.place == place and action.while_writing == while_writing)
            or (place in ("transcript", "cast") and action.on_page)
            or (place == "cast" and action.in_cast)
        )
        for binding in _bindings(action)
    ]


def _bindings(action: Action) -> list[Binding]:
    if not action.by_key:
        return [Binding(action.keys, _method(action), action.help, id=action.id, show=False, priority=True)]
    # Without an id: a keymap gives all bindings of an id the same keys.
    return [
        Binding(key, f"screen.perform({action.id!r}, {key!r})", action.help, show=False, priority=True)
        for key in action.keys.split(",")
    ]


def _method(action: Action) -> str:
    """Return how Textual calls what does the action."""
    return f"screen.perform({action.id!r})" if action.place in PERFORMED else action.name


def keymap(overrides: Mapping[str, str], *, enter_sends: bool) -> tuple[dict[str, str], list[str]]:
    """Return the keymap of a configuration, and one line for every id in it that is no action or has fixed keys."""
    problems = [f"keys: there is no action {name!r}{nearest(name, BY_ID)}" for name in overrides if name not in BY_ID]
    known = {name: keys for name, keys in overrides.items() if name in BY_ID and not BY_ID[name].by_key}
    problems += [f"keys: those of {name} are fixed" for name in overrides if name in BY_ID and name not in known]
    return ({} if enter_sends else dict(COMPOSE_KEYS)) | known, problems


def shown_key(action: Action, keys: Mapping[str, str]) -> str:
    """Return an action's first key as people write it: `^R`, `Enter`, `←`; several fixed ones as `1–7`. Empty if it has
    none."""
    if action.by_key:
        return f"{action.keys[0]}–{action.keys[-1]}"
    first = keys.get(action.id, action.keys).split(",")[0].strip()
    return key_name(first) if first else ""


_KEY_NAMES = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "enter": "Enter", "escape": "Esc", "pageup": "PgUp",
    "pagedown": "PgDn", "home": "Home", "end": "End", "tab": "Tab", "space": "Space", "slash": "/",
    "plus": "+", "minus": "-", "delete": "Del", "left_square_bracket": "[", "right_square_bracket": "]",
}  # fmt: skip


def key_name(key: str) -> str:
    """Return Textual's name of a key as people write it."""
    *modifiers, last = key.split("+")
    name = _KEY_NAMES.get(last, last if len(last) == 1 and not modifiers else last.upper())
    for modifier in reversed(modifiers):
        name = f"^{name}" if modifier == "ctrl" else f"{modifier.capitalize()}+{name}"
    return name


def command(text: str, places: Iterable[Place] = ("app", "scene", "transcript")) -> tuple[Action, str] | None:
    """Return the action and the argument of a slash command, or None where `text` is none.

    A text that begins with `//` is no command. Raises RpchatError for an unknown command, naming the nearest one, and
    for an argument where none is taken or one is missing.
    """
    if not text.startswith("/") or text.startswith("//"):
        return None
    word, _, argument = text[1:].strip().partition(" ")
    argument = argument.strip()
    known = {name: action for action in ACTIONS if action.place in set(places) for name in action.commands}
    action = known.get(word.casefold())
    if action is None:
        raise RpchatError(
            f"there is no command /{word}{nearest(word, known, prefix='/')}",
            "A line that shall begin with / is sent with //",
        )
    if argument and not action.argument:
        raise RpchatError(f"/{word} takes nothing behind it")
    if action.argument and not argument and not action.optional:
        raise RpchatError(f"/{word} needs {action.argument} behind it")
    return action, argument


def nearest(word: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Return the end of a sentence that names the likest of the known words; empty if none is like it."""
    matches = get_close_matches(word.casefold(), list(known), n=1, cutoff=0.5)
    return f"; the nearest is {prefix}{matches[0]}" if matches else ""
