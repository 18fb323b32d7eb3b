"""The page walked through: which turn is marked, where it may be cut, and what is unfolded below it.

The mark is shown while the page has the focus. Without it, what is done is about the last turn: that is how the slash
commands of the composer mean it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rpchat.session import Session
from rpchat.story.text import sentence_ends
from rpchat.story.turn import Turn
from rpchat.tui.director import Director
from rpchat.tui.glosses import PLAIN, Gloss, Note, hidden_notes, story_note
from rpchat.tui.widgets.transcript import Transcript

Unfolded = Literal["hidden", "story"]
"""What can be opened below a turn: what is not shown of it, or how it came to be."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked turn as it was when it was marked, its place on the line, and where it may be cut."""

    turn: Turn
    index: int
    cut: int | None = None


def found_again(mark: Mark, line: Sequence[Turn]) -> Mark | None:
    """Return the mark on the line as it is now: on the same turn, else on another version of it, else on the turn that
    stands in its place. The cut point only stays with its turn. None if there are no turns."""
    for index, turn in enumerate(line):
        if turn.id == mark.turn.id:
            return replace(mark, turn=turn, index=index)
    for index, turn in enumerate(line):
        if turn.parent == mark.turn.parent:
            return Mark(turn, index)
    index = min(mark.index, len(line) - 1)
    return Mark(line[index], index) if line else None


def moved_cut(text: str, cut: int | None, step: int) -> int | None:
    """Return the sentence end before (-1) or behind (1) the cut point; the text's own end counts as none."""
    ends = [end for end in sentence_ends(text) if 0 < end < len(text.rstrip())]
    if step < 0:
        return max((end for end in ends if cut is None or end < cut), default=cut)
    return min((end for end in ends if cut is not None and end > cut), default=None)


class Walking:
    """Marks the turns of one session's page. Everything is done in the director's order: a key that comes behind one
    that changes the scene is about the scene as it is then. `leave` gives the focus back to the composer,
    `changed` is called when another turn is marked, or another place in it."""

    def __init__(
        self,
        session: Session,
        page: Transcript,
        *,
        director: Director,
        leave: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._session = session
        self._page = page
        self._director = director
        self._leave = leave
        self._changed = changed
        self._mark: Mark | None = None
        self._unfolded: dict[int, frozenset[Unfolded]] = {}

    @property
    def is_on(self) -> bool:
        """Whether the page has the focus. A terminal that loses it itself changes nothing."""
        if not self._page.is_attached:
            return False
        focused = self._page.screen.focused
        return focused is self._page or (focused is None and self._mark is not None)

    @property
    def has_cut(self) -> bool:
        """Whether there is a cut point."""
        return self.is_on and self._mark is not None and self._mark.cut is not None

    def begin(self, turn_id: int | None = None) -> None:
        """Go to the page and mark that turn, or the last one that is in view."""
        line = self._session.scene.line()
        if not line:
            self._director.remark("there is nothing on the page yet")
        if not line or not self._page.display:
            return
        wanted = turn_id if turn_id is not None or self._page.at_end else self._page.in_view()
        index = next((index for index, turn in enumerate(line) if turn.id == wanted), len(line) - 1)
        self._mark = Mark(line[index], index)
        self._page.screen.set_focus(self._page, scroll_visible=False)
        self._changed()

    def action_read(self) -> None:
        """To the page, or back."""
        if self.is_on or not self._page.display:
            self._leave()
        else:
            self.begin()

    def step_back(self) -> None:
        """Take the cut point away; without one, go back to the composer."""
        if self.has_cut and self._mark is not None:
            self._mark = replace(self._mark, cut=None)
            self._changed()
        else:
            self._leave()

    def look(self) -> None:
        """Put on the page what the reader put on its turns, as the scene is now."""
        turns = self._session.scene.turns
        glosses = {
            turn_id: Gloss(notes=_notes(turns[turn_id], what)) for turn_id, what in self._unfolded.items() if what
        }
        self._mark = mark = self._find() if self.is_on else None
        if mark is not None:
            before = glosses.get(mark.turn.id, PLAIN)
            glosses[mark.turn.id] = replace(before, marked=True, cut=mark.cut)
        self._page.put(glosses)

    def with_mark(self, act: Callable[[Mark], Coroutine[None, None, None]]) -> None:
        """Do something with the marked turn, behind everything that was asked for before: then it may be another."""

        async def on_the_turn() -> None:
            mark = self._find()
            if mark is None:
                self._director.remark("there is nothing on the page yet")
            else:
                await act(mark)

        self._director.do(on_the_turn())

    def _find(self) -> Mark | None:
        """Return where the mark is on the line as it is now; without one, the last turn's."""
        line = self._session.scene.line()
        if self._mark is not None and self.is_on:
            self._mark = found_again(self._mark, line)
            return self._mark
        return Mark(line[-1], len(line) - 1) if line else None

    def _move(self, place: Callable[[int], int]) -> None:
        """Mark the turn that `place` says, from the index of the marked one; beyond the ends, the one at that end."""

        async def move(mark: Mark) -> None:
            line = self._session.scene.line()
            index = max(0, min(place(mark.index), len(line) - 1))
            if index != mark.index:
                self._mark = Mark(line[index], index)
            self._changed()
            self._page.reveal(line[index].id)

        self.with_mark(move)

    def action_next(self) -> None:
        """Mark the next turn."""
        self._move(lambda index: index + 1)

    def action_previous(self) -> None:
        """Mark the turn before."""
        self._move(lambda index: index - 1)

    def action_first(self) -> None:
        """Mark the first turn."""
        self._move(lambda _: 0)

    def action_last(self) -> None:
        """Mark the last turn."""
        self._move(lambda _: sys.maxsize)

    def action_leave(self) -> None:
        """Back to the composer."""
        self._leave()

    def action_cut_earlier(self) -> None:
        """Move the cut point back by a sentence."""
        self._move_cut(-1)

    def action_cut_later(self) -> None:
        """Move the cut point on by a sentence; behind the last one there is none."""
        self._move_cut(1)

    def _move_cut(self, step: int) -> None:
        async def move_cut(mark: Mark) -> None:
            cut = moved_cut(mark.turn.text, mark.cut, step)
            if self.is_on:
                self._mark = replace(mark, cut=cut)
                self._changed()
            if cut is None and step < 0:
                self._director.remark("it has no sentence to cut behind")

        self.with_mark(move_cut)

    def action_unfold(self) -> None:
        """Show what is not shown of the turn by itself, or fold it again."""
        self._toggle("hidden", nothing="nothing was cut off this turn or put away")

    def action_story(self) -> None:
        """Tell how the turn came to be, or fold it again."""
        self._toggle("story", nothing="")

    def _toggle(self, what: Unfolded, *, nothing: str) -> None:
        async def toggle(mark: Mark) -> None:
            turn_id = mark.turn.id
            if not _notes(mark.turn, frozenset({what})):
                self._director.remark(nothing)
                return
            self._unfolded[turn_id] = self._unfolded.get(turn_id, frozenset()) ^ {what}
            self.look()
            self._page.reveal(turn_id)

        self.with_mark(toggle)


def _notes(turn: Turn, unfolded: frozenset[Unfolded]) -> tuple[Note, ...]:
    hidden = hidden_notes(turn) if "hidden" in unfolded else ()
    return (*hidden, *([story_note(turn)] if "story" in unfolded else []))
