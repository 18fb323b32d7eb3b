"""How a scene is played: length, note, what is cut. Every change can be undone."""

from __future__ import annotations

from collections.abc import Callable

from rpchat.errors import RpchatError
from rpchat.session.book import Book
from rpchat.story.scene import Impersonation, OutOfCharacter
from rpchat.story.text import clean, one_line


class Tuning:
    """Sets the settings of one scene. `lengths` tells the length hints of the format it is played in."""

    def __init__(self, book: Book, *, lengths: Callable[[], tuple[str, ...]]) -> None:
        self._book = book
        self._lengths = lengths

    async def set_length(self, length: str) -> None:
        """Ask for replies of this length from now on; empty leaves it to the preset. Raises RpchatError."""
        known = self._lengths()
        if length and length not in known:
            raise RpchatError(
                f"there is no length `{one_line(length, 20)}`" if known else "this format has no length hints",
                f"There are {', '.join(known)}." if known else "",
            )
        await self._set("length", length=length)

    async def set_note(self, note: str, *, every: int | None = None) -> None:
        """Set the author's note, told in front of what is said next and behind `every` so many turns again; empty takes
        it away."""
        before, note = self._book.scene, clean(note).strip()
        changed: dict[str, str | int] = {"note": note}
        if note != before.settings.note:
            changed["note_since"] = max(before.turns, default=0)
        if every is not None:
            changed["note_every"] = max(1, every)
        await self._set("note", **changed)

    async def set_impersonation(self, policy: Impersonation) -> None:
        """Say what happens where a reply begins a line of somebody else's."""
        await self._set("impersonation", impersonation=policy)

    async def set_out_of_character(self, policy: OutOfCharacter) -> None:
        """Say what happens to lines outside the story."""
        await self._set("out of character", out_of_character=policy)

    async def set_model(self, model: str) -> None:
        """Play the scene with the model of that name or path; with an empty one, with that of all scenes."""
        await self._set("model", model=model)

    async def _set(self, action: str, **values: str | int) -> None:
        await self._book.move(self._book.scene.setting(**values), action=action)
