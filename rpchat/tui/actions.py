"""Everything the reader can do, in one table. Bindings, the keymap, the line of keys, F1, the palette and the slash
commands are all read from it, so none of them can promise what another does not keep.

An action's `id` is `place.name`: the name a keymap uses, and `action_<name>` is the method that does it. Those of a
scene and its page go through the scene screen's `perform`, which knows the part that does each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, cast

from textual.binding import Binding

from rpchat.errors import RpchatError

Place = Literal["app", "home", "scene", "transcript", "inspector"]
"""Where an action applies: anywhere, on the home screen, while a scene is played, to the turn marked on its page, or in
the prompt laid open."""


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
    """An action of the composer whose key does the same while a turn is marked."""

    @property
    def place(self) -> Place:
        """Where it applies."""
        return cast("Place", self.id.split(".")[0])

    @property
    def name(self) -> str:
        """The name of the action method."""
        return self.id.split(".")[1]


ACTIONS: tuple[Action, ...] = (
    Action(id="home.play", keys="enter", label="play", help="Play the scene or the card under the bar"),
    Action(id="home.row_up", keys="up", help="One row up"),
    Action(id="home.row_down", keys="down", help="One row down"),
    Action(id="home.page_up", keys="pageup", help="One page up"),
    Action(id="home.page_down", keys="pagedown", help="One page down"),
    Action(id="home.new_scene", keys="ctrl+n", label="new scene", help="Begin a new scene with that cast"),
    Action(id="home.clear", keys="escape", help="Empty the search"),
    Action(
        id="scene.send", keys="enter", label="send", while_writing=True,
        help="Send what you wrote; on an empty line, let the character go on talking",
    ),
    Action(
        id="scene.newline", keys="ctrl+j,shift+enter", while_writing=True, help="A new line in what you write",
    ),
    Action(
        id="scene.regenerate", keys="ctrl+r,ctrl+enter", label="again", commands=("again", "regenerate", "regen"),
        help="Write the reply again, as one more version; none is overwritten",
    ),
    Action(
        id="scene.swipe_previous", keys="left", label="swipe", while_writing=True, empty_line=True,
        commands=("previous",), help="The version before this one (on an empty line)",
    ),
    Action(
        id="scene.swipe_next", keys="right", while_writing=True, empty_line=True, commands=("next", "swipe"),
        help="The next version; behind the last one a new one is written (on an empty line)",
    ),
    Action(
        id="scene.continue", keys="ctrl+g", label="go on", commands=("continue", "cont", "goon"),
        help="Go on inside the last reply",
    ),
    Action(
        id="scene.edit_last", keys="up", label="edit", while_writing=True, empty_line=True, commands=("edit",),
        help="Edit the last message (on an empty line); what it was stays as a version",
    ),
    Action(
        id="scene.edit_own", keys="ctrl+up", while_writing=True, empty_line=True,
        help="Edit the last message of your own (on an empty line)",
    ),
    Action(id="scene.delete_last", commands=("delete", "del"), help="Delete the last message; undo brings it back"),
    Action(
        id="scene.stop", keys="escape", label="stop", commands=("stop",),
        help="Stop writing; else close what is open; else mark a turn on the page, and back",
    ),
    Action(
        id="scene.read", keys="shift+tab", commands=("read",),
        help="To the page: mark a turn and do something with it, as Esc does; or back",
    ),
    Action(
        id="scene.draft", keys="alt+i", commands=("imp", "impersonate"),
        help="Let the model write your line, behind what you wrote; it is yours to change and to send",
    ),
    Action(
        id="scene.undo", keys="ctrl+z", while_writing=True, empty_line=True, on_page=True, commands=("undo",),
        help="Take back the last thing done in the scene (on an empty line)",
    ),
    Action(
        id="scene.redo", keys="ctrl+y", while_writing=True, empty_line=True, on_page=True, commands=("redo",),
        help="Do again what was taken back (on an empty line)",
    ),
    Action(id="scene.page_up", keys="pageup", while_writing=True, on_page=True, help="Scroll one page up"),
    Action(id="scene.page_down", keys="pagedown", while_writing=True, on_page=True, help="Scroll one page down"),
    Action(id="scene.top", keys="ctrl+home", while_writing=True, on_page=True, help="To the beginning of the scene"),
    Action(id="scene.bottom", keys="ctrl+end", while_writing=True, on_page=True, help="To the end of the scene"),
    Action(
        id="scene.compose_mode", keys="f4", commands=("compose",),
        help="Change what Enter does: send, or a new line (then Ctrl+S sends)",
    ),
    Action(
        id="scene.inspect", keys="ctrl+o,f5", label="prompt", commands=("prompt", "inspect"),
        help="Show the exact prompt the model would read next, token by token",
    ),
    Action(
        id="scene.length", keys="f6", label="length", commands=("length",), argument="a length, or `auto`",
        optional=True, help="The next length for the replies, where the format has lengths",
    ),
    Action(
        id="scene.note", commands=("note",), argument="the note, `depth 4`, or `off`", optional=True,
        help="Show the author's note, which is told to the model near the end of every prompt; /note TEXT sets it",
    ),
    Action(
        id="scene.preset", commands=("preset",), argument="the name of a preset, or `auto`", optional=True,
        help="Show the preset and why it was chosen; /preset NAME changes it for this scene and this model",
    ),
    Action(
        id="scene.impersonation", commands=("impersonation",), argument="`cut` or `keep`", optional=True,
        help="Show what happens where a reply speaks for somebody else; /impersonation cut or keep sets it",
    ),
    Action(
        id="scene.out_of_character", commands=("ooc",), argument="`cut`, `keep` or `fold`", optional=True,
        help="Show what happens to what a reply says outside the story; /ooc cut, keep or fold sets it",
    ),
    Action(id="transcript.next", keys="j,down", label="move", help="Mark the next turn"),
    Action(id="transcript.previous", keys="k,up", help="Mark the turn before"),
    Action(id="transcript.first", keys="g,home", help="Mark the first turn of the scene"),
    Action(id="transcript.last", keys="G,end", help="Mark the last turn"),
    Action(id="transcript.swipe_previous", keys="h,left", label="swipe", help="The version before this one"),
    Action(
        id="transcript.swipe_next", keys="l,right",
        help="The next version of this turn; behind the last one of the last turn a new one is written",
    ),
    Action(
        id="transcript.again", keys="r", label="again",
        help="Write this turn again, as one more version; from the cut point on, if there is one",
    ),
    Action(id="transcript.continue", keys="c", label="go on", help="Go on inside this turn"),
    Action(id="transcript.edit", keys="e", label="edit", help="Edit this turn; what it was stays as a version"),
    Action(id="transcript.delete", keys="d", help="Delete this turn; undo brings it back"),
    Action(id="transcript.copy", keys="y", commands=("copy",), help="Copy this turn as it was written"),
    Action(
        id="transcript.trim", keys="t", label="trim", commands=("trim",),
        help="Cut this turn at the cut point, or take its last sentence off; what it was stays as a version",
    ),
    Action(
        id="transcript.cut_earlier", keys="left_square_bracket", label="cut point",
        help="Move the cut point back by a sentence",
    ),
    Action(id="transcript.cut_later", keys="right_square_bracket", help="Move the cut point on by a sentence"),
    Action(
        id="transcript.reroll", keys="R", label="write on from there",
        help="Cut this turn at the cut point and let it be written on from there",
    ),
    Action(
        id="transcript.unfold", keys="x", label="what was cut", commands=("cut",),
        help="Show what was cut off this turn, its thoughts, what was said outside the story; or fold them again",
    ),
    Action(
        id="transcript.take_back", keys="u", label="put back", commands=("takeback",),
        help="Put back what was cut off this turn, and let it go on, as one more version",
    ),
    Action(
        id="transcript.story", keys="i", label="its story", commands=("info",),
        help="Tell how this turn came to be: tries, what was cut, tokens, speed",
    ),
    Action(id="transcript.leave", keys="o,enter", label="write", help="Back to the line you write"),
    Action(id="inspector.ids", keys="t", label="ids", help="Show or hide the id behind each token"),
    Action(id="inspector.find", keys="slash", label="search", help="Search in what is shown"),
    Action(id="inspector.find_next", keys="n", help="To the next hit"),
    Action(id="inspector.find_previous", keys="N", help="To the hit before"),
    Action(id="inspector.dropped", keys="d", label="dropped", help="Show the turns that no longer fit, or the prompt"),
    Action(id="inspector.stops", keys="s", label="stops", help="Show what ends the reply, or the prompt"),
    Action(id="scene.home", keys="ctrl+n", label="scenes", commands=("home", "new"), help="To your scenes and cards"),
    Action(id="app.help", keys="f1", label="keys", commands=("help", "keys", "?"), help="Show or hide the keys"),
    Action(id="app.command_palette", keys="ctrl+p", label="find", help="Find an action, a scene or a card"),
    Action(
        id="app.theme", commands=("theme",), argument="the name of a theme",
        help="Change the colours: ink, paper, yozakura, or one of Textual's themes",
    ),
    Action(id="app.quit", keys="ctrl+q", label="quit", commands=("quit", "exit", "q"), help="Quit; everything is kept"),
)  # fmt: skip

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

COMPOSE_KEYS: Mapping[str, str] = {"scene.send": "ctrl+s", "scene.newline": "enter,ctrl+j"}
"""The keymap while Enter makes a new line."""


def bindings(place: Place, *, while_writing: bool = False) -> list[Binding]:
    """Return Textual's bindings of a place, for the page also those it shares with the composer.

    All come before the focused field's own keys, so that any key of a keymap works while something is written.
    """
    return [
        Binding(action.keys, _method(action), action.help, id=action.id, show=False, priority=True)
        for action in ACTIONS
        if action.keys
        and (
            (action.place == place and action.while_writing == while_writing)
            or (place == "transcript" and action.on_page)
        )
    ]


def _method(action: Action) -> str:
    """Return how Textual calls what does the action."""
    return f"screen.perform({action.id!r})" if action.place in ("scene", "transcript") else action.name


def keymap(overrides: Mapping[str, str], *, enter_sends: bool) -> tuple[dict[str, str], list[str]]:
    """Return the keymap of a configuration, and one line for every id in it that is no action."""
    problems = [f"keys: there is no action {name!r}{_nearest(name, BY_ID)}" for name in overrides if name not in BY_ID]
    known = {name: keys for name, keys in overrides.items() if name in BY_ID}
    return ({} if enter_sends else dict(COMPOSE_KEYS)) | known, problems


def shown_key(action: Action, keys: Mapping[str, str]) -> str:
    """Return an action's first key as people write it: `^R`, `Enter`, `←`. Empty if it has none."""
    first = keys.get(action.id, action.keys).split(",")[0].strip()
    return key_name(first) if first else ""


_KEY_NAMES = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "enter": "Enter", "escape": "Esc", "pageup": "PgUp",
    "pagedown": "PgDn", "home": "Home", "end": "End", "tab": "Tab", "space": "Space", "slash": "/",
    "left_square_bracket": "[", "right_square_bracket": "]",
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
            f"there is no command /{word}{_nearest(word, known, prefix='/')}",
            "A line that shall begin with / is sent with //",
        )
    if argument and not action.argument:
        raise RpchatError(f"/{word} takes nothing behind it")
    if action.argument and not argument and not action.optional:
        raise RpchatError(f"/{word} needs {action.argument} behind it")
    return action, argument


def _nearest(word: str, known: Iterable[str], *, prefix: str = "") -> str:
    matches = get_close_matches(word.casefold(), list(known), n=1, cutoff=0.5)
    return f"; the nearest is {prefix}{matches[0]}" if matches else ""
