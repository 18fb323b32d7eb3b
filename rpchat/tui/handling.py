"""What is done with the marked turn, or without a mark with the last one: other versions of it, edits, cuts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rpchat.session import Session
from rpchat.story.turn import Turn
from rpchat.tui.director import Begin, Director
from rpchat.tui.glosses import removed
from rpchat.tui.walking import Mark, Walking


class Handling:
    """Does to one turn of a session what its keys ask for. `edit` lets the reader edit a turn, `copy` puts a text on
    the clipboard, `key` names the key of an action."""

    def __init__(
        self,
        session: Session,
        walking: Walking,
        *,
        director: Director,
        edit: Callable[[Turn], None],
        copy: Callable[[str], None],
        key: Callable[[str], str],
    ) -> None:
        self._session = session
        self._with_mark = walking.with_mark
        self._director = director
        self._edit_turn = edit
        self._copy_text = copy
        self._key = key

    def action_swipe_previous(self) -> None:
        """Tell the version before."""
        self._with_mark(lambda mark: self._director.swipe(-1, mark.turn))

    def action_swipe_next(self) -> None:
        """Tell the next version."""
        self._with_mark(lambda mark: self._director.swipe(1, mark.turn))

    def action_again(self) -> None:
        """Write it again, from the cut point on if there is one."""
        self._with_mark(lambda mark: self._again(mark) if mark.cut is None else self._reroll(mark))

    async def _again(self, mark: Mark) -> None:
        await self._write(mark.turn, partial(self._session.regenerate, mark.turn.id))

    def action_continue(self) -> None:
        """Go on inside it."""
        self._with_mark(self._go_on)

    async def _go_on(self, mark: Mark) -> None:
        await self._write(mark.turn, partial(self._session.continue_, mark.turn.id))

    def action_reroll(self) -> None:
        """Write it on from the cut point."""
        self._with_mark(self._reroll)

    async def _reroll(self, mark: Mark) -> None:
        if mark.cut is None:
            earlier, later = self._key("transcript.cut_earlier"), self._key("transcript.cut_later")
            self._director.remark(f"{earlier} and {later} choose where it is written on from")
        else:
            await self._write(mark.turn, partial(self._session.reroll, mark.turn.id, mark.cut))

    def action_take_back(self) -> None:
        """Put back what was cut off, and let it go on."""
        self._with_mark(self._take_back)

    async def _take_back(self, mark: Mark) -> None:
        if not removed(mark.turn):
            self._director.remark("nothing was cut off this turn")
        else:
            await self._write(mark.turn, partial(self._session.take_back, mark.turn.id))

    async def _write(self, turn: Turn, begin: Begin) -> None:
        if turn.side == "user":
            self._director.remark(f"you wrote this · {self._key('transcript.edit')} edits it")
        else:
            await self._director.write(begin, at=turn)

    def action_trim(self) -> None:
        """Cut at the cut point, or take the last sentence off."""
        self._with_mark(self._trim)

    async def _trim(self, mark: Mark) -> None:
        await self._director.stop()
        if await self._session.turns.trim(mark.turn.id, mark.cut) is None:
            self._director.remark("there is nothing left to cut")
        else:
            await self._director.refresh(f"cut · {self._key('scene.undo')} takes that back")

    def action_edit(self) -> None:
        """Edit it."""
        self._with_mark(self._edit)

    async def _edit(self, mark: Mark) -> None:
        await self._director.stop()
        self._edit_turn(mark.turn)

    def action_delete(self) -> None:
        """Delete it."""
        self._with_mark(lambda mark: self._director.delete(mark.turn))

    def action_copy(self) -> None:
        """Copy it as it was written."""
        self._with_mark(self._copy)

    async def _copy(self, mark: Mark) -> None:
        self._copy_text(mark.turn.text)
        self._director.remark("copied, where the terminal lets programs copy")
