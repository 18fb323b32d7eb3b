"""From the text of a reply to what the reader sees while it is written: it only ever grows.

The speaker's own name is taken off every line start, white space is held back until something visible follows, and
what a prefill already said is not said again. Where something was folded away, the white space on both sides of it
becomes one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rpchat.reply.manners import Fold
from rpchat.reply.rules import OwnKind, own_name_rules
from rpchat.reply.scan import Scanner


@dataclass(slots=True)
class Cleaner:
    """Feed it certain text; it gives visible text. `prefill` is what is already visible in front."""

    speaker: str
    prefill: str = ""
    visible: str = ""
    """Everything given so far, without the prefill."""
    folds: list[Fold] = field(default_factory=list)
    """The out-of-character lines behind which something visible came."""
    _scanner: Scanner[OwnKind] = field(init=False)
    _taken: int = 0
    _space: str = ""
    _space_before_fold: str | None = None
    _waiting: list[str] = field(default_factory=list)
    _skip_quote: bool = False

    def __post_init__(self) -> None:
        self._scanner = Scanner(own_name_rules(self.speaker))

    @property
    def held_back(self) -> str:
        """White space that nothing visible has followed yet."""
        return self._one_space(self._space)

    def feed(self, text: str, *, last: bool = False) -> str:
        """Return what has become visible."""
        shown = ""
        found = self._scanner.add(text, last=last)
        while found is not None:
            shown += self._show(self._scanner.text[self._taken : found.end if found.kind == "marks" else found.start])
            self._taken = found.end
            if found.kind != "quote":
                self._scanner.begin_line()
            elif found.start == 0 and self.prefill.endswith("「"):
                self._skip_quote = True
            found = self._scanner.add("", last=last)
        shown += self._show(self._scanner.text[self._taken : self._scanner.safe])
        self._taken = self._scanner.safe
        return shown

    def fold(self, text: str) -> None:
        """Note that an out-of-character line stood here."""
        self._waiting.append(text.strip())
        self._space_before_fold = self.held_back
        self._space = ""

    def finish(self) -> list[Fold]:
        """Return all folds, those at the very end too."""
        self._settle(len(self.prefill) + len(self.visible))
        return self.folds

    def _show(self, text: str) -> str:
        if self._skip_quote and text:
            text, self._skip_quote = text.removeprefix("「"), False
        body = text.strip()
        if not body:
            self._space += text
            return ""
        space = self._one_space(self._space + text[: text.index(body)])
        self._space, self._space_before_fold = text[len(text.rstrip()) :], None
        shown = space + body if self.visible or self.prefill else body
        self.visible += shown
        self._settle(len(self.prefill) + len(self.visible) - len(body))
        return shown

    def _one_space(self, behind: str) -> str:
        """The white space to show: around a fold, the one of more lines."""
        before = self._space_before_fold
        return before if before is not None and before.count("\n") > behind.count("\n") else behind

    def _settle(self, at: int) -> None:
        self.folds += [Fold(kind="ooc", text=text, at=at) for text in self._waiting]
        self._waiting.clear()
