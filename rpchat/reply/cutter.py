"""The text of a reply up to where the reply ends.

The first stop in the text ends it: a template delimiter, a line of the user's or of another member's, or, as the scene
has it, an out-of-character line. Where such lines are folded, they are taken out and the reply goes on behind them.
"""

from __future__ import annotations

from dataclasses import dataclass

from rpchat.reply.aside import PAUSES, Aside
from rpchat.reply.rules import CutKind, FoundKind
from rpchat.reply.scan import Found, Scanner


@dataclass(slots=True)
class Cutter:
    """Feed it text; it gives what is certain to belong to the reply, and the asides in between, in order.

    Once `cut` is set, nothing more comes.
    """

    scanner: Scanner[FoundKind]
    folds: bool = False
    """Whether an out-of-character line is taken out instead of ending the reply."""
    cut: CutKind | None = None
    removed: str = ""
    """What was cut off: the stop, and all that was fed behind it."""
    _aside: Aside | None = None
    _marks: str = ""
    """Marks that closed an emphasis around the aside just taken out, and go with it."""
    _given: int = 0

    def feed(self, text: str, *, last: bool = False) -> list[str | Aside]:
        """Return what has become certain. `last` says that no more text comes, so nothing is held back."""
        if self.cut is not None:
            self.removed += text
            return []
        parts: list[str | Aside] = []
        more = True
        while more and self.cut is None:
            found = self.scanner.add(text, last=last)
            text = ""
            parts += self._give(self.scanner.safe if found is None else found.start)
            if found is not None:
                parts += self._meet(found)
            more = found is not None or self.scanner.paused
        if self._aside is not None and (last or self.cut is not None):
            parts.append(self._aside)
            self._aside = None
        return parts

    def _meet(self, found: Found[FoundKind]) -> list[str | Aside]:
        """Act on what was found."""
        if found.kind == "label":
            self.scanner.begin_line()
            return self._give(found.end)
        if found.kind == "ooc" and self.folds:
            self._aside = Aside()
            self.scanner.pauses = PAUSES
            return self._give(found.end)
        self.cut = found.kind
        self.removed = self.scanner.text[found.start :]
        return []

    def _give(self, until: int) -> list[str | Aside]:
        """Hand on the text up to `until`: to the aside under way, or as a part of the reply."""
        text = self.scanner.text[self._given : until]
        self._given = until
        if self._aside is None:
            return self._spoken(text)
        aside, rest = self._aside, self._aside.take(text)
        if not aside.over:
            return []
        self._aside = None
        self._marks = "" if rest else aside.marks
        self.scanner.pauses = ""
        if not rest:
            # What stands behind the closing bracket is the beginning of its line once the aside is gone.
            self.scanner.begin_line()
        return [aside, *self._spoken(rest)]

    def _spoken(self, text: str) -> list[str | Aside]:
        while text and self._marks:
            if text[0] == self._marks[0]:
                text, self._marks = text[1:], self._marks[1:]
            else:
                self._marks = ""
        return [text] if text else []
