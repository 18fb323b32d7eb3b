"""From bytes to text that ends where the reply ends.

Bytes are decoded as they come, characters a terminal could obey are dropped, and the first stop in the text ends it:
a template delimiter, a line of the user's or of another member's, an out-of-character line.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass, field
from typing import Literal

from rpchat.prompt.segment import Stops
from rpchat.reply.scan import Found, Rule, Scanner
from rpchat.story.text import clean

CutKind = Literal["stop", "user_turn", "other_turn", "ooc"]
OocPolicy = Literal["cut", "keep"]

INDENT = r"[ \t\u3000]{0,8}[*_]{0,2}"
"""What may stand between the start of a line and a name: indentation, then marks of emphasis."""

_NAME_TAIL = re.compile(r"[:：(（「]$")
# Each form ends in a character of its own, never in a look-ahead: what stands there must not depend on what follows.
_OOC = INDENT + r"(?:[(（\[]{1,2}[ \t]*OOC[\s:：,.)）\]-]|OOC[ \t]*[:：]|\(\(|（（)"


def cut_rules(stops: Stops, *, user: str, others: tuple[str, ...], ooc: OocPolicy) -> list[Rule[CutKind]]:
    """Return the scanner's rules for these stops. `others` are the members who do not speak.

    A stop at a line start also counts indented, in bold or italics (`**Name:**`, `**Name**:`), in any case, and with
    either width of colon. A stop anywhere that begins with a name does not count as the tail of a longer name.
    """

    def kind(stop: str) -> CutKind:
        who = _NAME_TAIL.sub("", stop)
        if who == user:
            return "user_turn"
        return "other_turn" if who in others else "stop"

    longer = tuple(name[: -len(user)] for name in others if name.endswith(user) and len(name) > len(user))
    rules = [
        Rule(re.escape(stop), kind(stop), not_behind=longer if kind(stop) == "user_turn" else ()) for stop in stops.any
    ]
    rules += [Rule(_line_pattern(stop), kind(stop), at_line_start=True) for stop in stops.line]
    if ooc == "cut":
        rules.append(Rule(_OOC, "ooc", at_line_start=True))
    return rules


def _line_pattern(stop: str) -> str:
    tail = _NAME_TAIL.search(stop)
    if tail is None:
        return INDENT + re.escape(stop)
    mark = "[:：]" if tail.group() in ":：" else re.escape(tail.group())
    return INDENT + re.escape(stop[: tail.start()]) + r"[*_]{0,2}" + mark


@dataclass(slots=True)
class Cutter:
    """Feed it bytes; it gives text that is certain to belong to the reply. Once `cut` is set, nothing more comes."""

    scanner: Scanner[CutKind]
    cut: Found[CutKind] | None = None
    broken: bool = False
    """Whether the bytes ended inside a character, or between the two bytes of a line break."""
    _given: int = 0
    _decoder: io.IncrementalNewlineDecoder = field(
        default_factory=lambda: io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder("utf-8")("replace"), translate=True
        )
    )

    def feed(self, data: bytes) -> str:
        """Return the text that has become certain."""
        return self._scan(self._decoder.decode(data), last=False)

    def finish(self, *, whole: bool) -> str:
        """Return the rest, held back until now. Not `whole`: an unfinished character at the end is dropped."""
        tail = self._decoder.decode(b"", final=True)
        self.broken = bool(tail)
        return self._scan(tail if whole else "", last=True)

    def _scan(self, text: str, *, last: bool) -> str:
        if self.cut is not None:
            return ""
        self.cut = self.scanner.add(clean(text), last=last)
        until = self.cut.start if self.cut is not None else self.scanner.safe
        certain = self.scanner.text[self._given : until]
        self._given = until
        return certain

    @property
    def removed(self) -> str:
        """What was cut off, as far as it had arrived."""
        return self.scanner.text[self.cut.start :] if self.cut is not None else ""
