"""What is done to the turns of a scene without a model: swipe, edit, cut, delete, undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rpchat.errors import RpchatError
from rpchat.session.book import Book
from rpchat.story.text import said, sentence_ends
from rpchat.story.turn import Turn


class Turns:
    """Acts on the turns of one scene. Nothing is destroyed: `undo` takes every action back. `follow` is called when
    that leads to another preset."""

    def __init__(self, book: Book, *, follow: Callable[[], Awaitable[None]]) -> None:
        self._book = book
        self._follow = follow

    def has_swipe(self, step: int, turn_id: int | None = None) -> bool:
        """Return whether there is a version `step` places from the told one, of the last turn or of `turn_id`."""
        return self._version(step, turn_id) is not None

    async def swipe(self, step: int, turn_id: int | None = None) -> Turn | None:
        """Tell the version `step` places from the told one, of the last turn or of `turn_id`; None if there is none.

        In front of the first continuation of a version comes that version itself; a version that was gone on from is
        told as far as it went.
        """
        version = self._version(step, turn_id)
        if version is not None:
            await self._book.move(self._book.scene.choosing(version.id), action="swipe")
        return version

    def _version(self, step: int, turn_id: int | None) -> Turn | None:
        scene = self._book.scene
        told = scene.last() if turn_id is None else scene.turns[turn_id]
        if told is None:
            return None
        versions = scene.swipes(told.id)
        at = next((index for index, turn in enumerate(versions) if turn.id == told.id), -1) + step
        if at < 0 and told.continues not in (0, *scene.hidden):
            return scene.turns[told.continues]
        return scene.furthest(versions[at].id) if 0 <= at < len(versions) else None

    async def edit(self, turn_id: int, text: str) -> Turn:
        """Store `text` as another version of the turn and tell it; return it. Raises RpchatError for empty text."""
        return await self.reword(self._book.scene.turns[turn_id], text, action="edit")

    async def trim(self, turn_id: int, at: int | None = None) -> Turn | None:
        """Cut a turn at index `at` of its text, or take its last sentence off, as another version; return it.

        None if nothing would be cut off, or nothing left.
        """
        turn = self._book.scene.turns[turn_id]
        if at is None:
            at = max((end for end in sentence_ends(turn.text) if end < len(turn.text.rstrip())), default=0)
        text = turn.text[:at].rstrip()
        return await self.reword(turn, text, action="trim") if text and text != turn.text else None

    async def say_as(self, card_id: str, text: str) -> Turn:
        """Store a line that the user wrote for a member and tell it; return it. Raises RpchatError for empty text."""
        line, scene = said(text), self._book.scene
        if not line:
            raise RpchatError("there is nothing to say", "Type a line behind the name.")
        member = scene.member(card_id)
        return await self._book.add(
            Turn(
                id=0, parent=scene.tip(), side="member", speaker=member.card.spoken_name, member=card_id, text=line,
                record=scene.witnesses(),
            ),
            action="say",
        )  # fmt: skip

    async def reword(self, old: Turn, text: str, *, action: str, told_behind: bool = True) -> Turn:
        """Store `text` as another version of `old` and tell it; return it.

        Without `told_behind`, the line ends there. Raises RpchatError for empty text.
        """
        line = said(text)
        if not line:
            raise RpchatError("a turn cannot be empty", "Delete it instead.")
        draft = Turn(
            id=0, parent=old.parent, side=old.side, speaker=old.speaker, member=old.member, text=line, edited=True,
            record=old.standing,
        )  # fmt: skip
        return await self._book.add(draft, action=action, instead_of=old.id if told_behind else 0)

    async def delete(self, turn_id: int) -> None:
        """Hide the turn. `undo` brings it back."""
        await self._book.move(self._book.scene.hiding(turn_id), action="delete")

    async def undo(self) -> str | None:
        """Take the latest action back; return its name, or None if there is none."""
        return await self._going(self._book.undo)

    async def redo(self) -> str | None:
        """Do the latest undone action again; return its name, or None if there is none."""
        return await self._going(self._book.redo)

    async def _going(self, walk: Callable[[], Awaitable[str | None]]) -> str | None:
        before = self._book.scene.settings.preset
        action = await walk()
        if self._book.scene.settings.preset != before:
            await self._follow()
        return action
