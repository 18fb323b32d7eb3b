"""From the text of a reply to what the reader sees while it is written: it only ever grows.

The speaker's own name is taken off every line start, white space is held back until something visible follows, and
what a prefill already said is not said again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rpchat.reply.scan import Rule, Scanner

_INDENT = r"[ \t\u3000]{0,8}"


def own_name_rules(speaker: str) -> list[Rule[str]]:
    """Return the rules that find the speaker's own name as a label: plain or emphasised, before a colon of either
    width, or before an opening 「 or 『. The quote itself stays."""
    if not speaker:
        return []
    name = re.escape(speaker)
    labels = [rf"{marks}{name}{marks}[:：]|{marks}{name}[:：]{marks}" for marks in (r"\*\*", r"\*", "__", "_")]
    label = "|".join([*labels, rf"{name}[:：]"])
    return [
        Rule(rf"{_INDENT}(?:{label})[ \t\u3000]?", "label", at_line_start=True, greedy=True),
        Rule(rf"{_INDENT}{name}(?=[「『])", "quote", at_line_start=True),
    ]


@dataclass(slots=True)
class Cleaner:
    """Feed it certain text; it gives visible text. `prefill` is what is already visible in front."""

    speaker: str
    prefill: str = ""
    visible: str = ""
    """Everything given so far, without the prefill."""
    _scanner: Scanner[str] = field(init=False)
    _taken: int = 0
    _space: str = ""
    _skip_quote: bool = False

    def __post_init__(self) -> None:
        self._scanner = Scanner(own_name_rules(self.speaker))

    @property
    def held_back(self) -> str:
        """White space that nothing visible has followed yet."""
        return self._space

    def feed(self, text: str, *, last: bool = False) -> str:
        """Return what has become visible."""
        shown = ""
        found = self._scanner.add(text, last=last)
        while found is not None:
            shown += self._show(self._scanner.text[self._taken : found.start])
            self._taken = found.end
            if found.kind == "quote" and found.start == 0 and self.prefill.endswith("「"):
                self._skip_quote = True
            found = self._scanner.add("", last=last)
        shown += self._show(self._scanner.text[self._taken : self._scanner.safe])
        self._taken = self._scanner.safe
        return shown

    def _show(self, text: str) -> str:
        if self._skip_quote and text:
            text, self._skip_quote = text.removeprefix("「"), False
        body = text.rstrip()
        if not body:
            self._space += text
            return ""
        shown = self._space + body
        self._space = text[len(body) :]
        if not self.visible and not self.prefill:
            shown = shown.lstrip()
        self.visible += shown
        return shown
