"""What the reader can do with the library: on its rows, while searching it, in the editor, and while files come in."""

from __future__ import annotations

from rpchat.tui.action import Action

_ROWS = (
    Action(id="rows.library", keys="l", label="library", help="To the library: every card, persona and the trash"),
    Action(id="rows.new_card", keys="n", label="new card", help="Write a new card"),
    Action(id="rows.import_files", keys="i", label="import", help="Take cards, chats and more in from files"),
    Action(id="rows.edit", keys="e", label="edit", help="Edit the card under the bar"),
)

_LIBRARY = (
    Action(id="library.next", keys="j,down", help="Mark the next row"),
    Action(id="library.previous", keys="k,up", help="Mark the row before"),
    Action(id="library.page_down", keys="pagedown", help="One page down"),
    Action(id="library.page_up", keys="pageup", help="One page up"),
    Action(id="library.first", keys="g,home", help="Mark the first row"),
    Action(id="library.last", keys="G,end", help="Mark the last row"),
    Action(
        id="library.play", keys="enter", label="play",
        help="Play the marked card, or the group that was picked; play as the marked persona; put back from the trash",
    ),
    Action(id="library.pick", keys="space", label="group", help="Pick the card for a group, or leave it out again"),
    Action(id="library.search", keys="slash", label="search", help="Search names, tags and summaries; #tag for tags"),
    Action(id="library.tags", keys="t", label="tag", help="Show only what has a tag: the next one, after the last all"),
    Action(id="library.order", keys="o", label="sort", help="Sort by name, by what was played or added last, ★ first"),
    Action(id="library.edit", keys="e", label="edit", help="Edit the marked card or persona"),
    Action(id="library.new", keys="n", label="new", help="Write a new card or persona"),
    Action(id="library.import_files", keys="i", label="import", help="Take cards, chats and more in from files"),
    Action(id="library.export", keys="x", label="export", help="Write the marked card to a file for other programs"),
    Action(id="library.favourite", keys="f", label="★", help="Make the card a favourite, or no longer"),
    Action(id="library.own_tags", keys="T", help="Give the card tags of your own"),
    Action(id="library.delete", keys="delete,d", label="delete", help="Move it to the trash; u brings it back"),
    Action(id="library.undo", keys="u,ctrl+z", help="Bring back what was moved to the trash last"),
    Action(id="library.next_kind", keys="tab", label="next shelf", help="Cards, personas, or the trash"),
    Action(id="library.preview", keys="v", help="Show the card's texts, or hide them"),
    Action(id="library.pictures", keys="p", help="Show pictures, or none"),
    Action(id="library.leave", keys="escape", help="Show all again; else back to your scenes"),
)  # fmt: skip

_SEEKING = (
    Action(id="seeking.next", keys="down", help="The next row"),
    Action(id="seeking.previous", keys="up", help="The row before"),
    Action(id="seeking.take", keys="enter", help="To the rows that were found"),
    Action(id="seeking.leave", keys="escape", help="Stop searching"),
)

_ASKING = (
    Action(id="asking.take", keys="enter", help="Do it with what is written"),
    Action(id="asking.complete", keys="tab", help="Complete the path; in an export, the next format"),
    Action(id="asking.leave", keys="escape", help="Leave it"),
)

_EDITOR = (
    Action(id="editor.save", keys="ctrl+s", label="save", help="Save the card; a shipped one is copied first"),
    Action(id="editor.preview", keys="ctrl+o,f5", label="prompt", help="Show the prompt the model would read"),
    Action(id="editor.elsewhere", keys="ctrl+t", label="$EDITOR", help="Write in the field with your own editor"),
    Action(id="editor.add_greeting", keys="ctrl+n", label="greeting", help="Add another greeting"),
    Action(id="editor.remove_greeting", keys="ctrl+r", help="Remove the greeting one is in; undo: Ctrl+G"),
    Action(id="editor.restore_greeting", keys="ctrl+g", help="Put the greeting back that was removed last"),
    Action(id="editor.greeting_up", keys="alt+up", help="Move the greeting one is in up"),
    Action(id="editor.greeting_down", keys="alt+down", help="Move the greeting one is in down"),
    Action(id="editor.revert", keys="f8", label="as it was", help="Drop the draft: the card as it was saved"),
    Action(id="editor.leave", keys="escape", label="back", help="Back; what is not saved is kept as a draft"),
)

_IMPORTING = (
    Action(id="importing.take", keys="enter", label="import", help="Take the files in, or go back when it is done"),
    Action(id="importing.complete", keys="tab", label="complete", help="Complete the path"),
    Action(id="importing.copy", keys="ctrl+y", label="copy", help="Copy the summary"),
    Action(id="importing.page_down", keys="pagedown", help="Scroll the summary down"),
    Action(id="importing.page_up", keys="pageup", help="Scroll the summary up"),
    Action(
        id="importing.leave", keys="escape", label="stop, back", help="Stop behind the file that is read; else back"
    ),
)

LIBRARY_ACTIONS: tuple[Action, ...] = (*_ROWS, *_LIBRARY, *_SEEKING, *_ASKING, *_EDITOR, *_IMPORTING)
