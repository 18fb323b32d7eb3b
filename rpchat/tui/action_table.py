"""The one table of what the reader can do. What belongs to groups of members is in `cast_table`.

An action's `id` is `place.name`: the name a keymap uses, and `action_<name>` is the method that does it. Those of a
scene, its page and its cast go through the scene screen's `perform`, which knows the part that does each.
"""

from __future__ import annotations

from rpchat.tui.action import Action
from rpchat.tui.cast_table import CAST_ACTIONS
from rpchat.tui.library_table import LIBRARY_ACTIONS
from rpchat.tui.models_table import MODELS_ACTIONS

ACTIONS: tuple[Action, ...] = (
    Action(id="home.play", keys="enter", label="play", help="Play the scene or the card under the bar"),
    Action(id="home.row_up", keys="up", help="One row up"),
    Action(id="home.row_down", keys="down", help="One row down"),
    Action(id="home.page_up", keys="pageup", help="One page up"),
    Action(id="home.page_down", keys="pagedown", help="One page down"),
    Action(id="home.new_scene", keys="ctrl+n", label="new scene", help="Begin a new scene with that cast"),
    Action(id="home.library", keys="ctrl+l", label="library", help="To the library: cards, personas, the trash"),
    Action(id="home.next_part", keys="tab", label="rows", help="To the rows, where letters are keys; and back"),
    Action(id="home.previous_part", keys="shift+tab", help="The other way round"),
    Action(id="home.clear", keys="escape", help="Empty the search"),
    Action(
        id="scene.send", keys="enter", label="send", while_writing=True,
        help="Send what you wrote; on an empty line, let the story go on; @Name chooses who answers",
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
    Action(
        id="scene.complete", keys="tab", while_writing=True,
        help="Complete the name behind an @; again: the next name",
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
        id="scene.note", commands=("note",), argument="the note, `every 4`, or `off`", optional=True,
        help="Show the author's note, which is told to the model near the end of every prompt; /note TEXT sets it",
    ),
    Action(
        id="scene.preset", commands=("preset",), argument="the name of a preset, or `auto`", optional=True,
        help="Show the preset and why it was chosen; /preset NAME changes it for this scene and this model",
    ),
    Action(
        id="scene.overflow", commands=("overflow",), argument="`reread` or `shift`", optional=True,
        help="Show what happens when the context is full and what it costs; /overflow reread or shift chooses",
    ),
    Action(
        id="scene.impersonation", commands=("impersonation",), argument="`cut`, `keep` or `hand over`", optional=True,
        help="Show what happens where a reply speaks for somebody else; /impersonation cut, keep or hand over sets it",
    ),
    Action(
        id="scene.out_of_character", commands=("ooc",), argument="`cut`, `keep` or `fold`", optional=True,
        help="Show what happens to what a reply says outside the story; /ooc cut, keep or fold sets it",
    ),
    *CAST_ACTIONS,
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
    *LIBRARY_ACTIONS,
    *MODELS_ACTIONS,
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
