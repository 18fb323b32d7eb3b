"""An out-of-character line while it arrives: `((brb))`, `(OOC: …)`, `OOC: …`."""

from __future__ import annotations

from dataclasses import dataclass

_OPENING = "(（["
_CLOSING = ")）]"
_MARKS = "*_"

PAUSES = _OPENING + _CLOSING + "\n"
"""The characters at which an aside may end, or nest."""


@dataclass(slots=True)
class Aside:
    """It goes to its closing bracket, inner brackets counted; without one on its line, to the end of that line."""

    text: str = ""
    over: bool = False
    _depth: int = 0

    @property
    def marks(self) -> str:
        """The marks of emphasis in front of it, as they are to come again behind it."""
        start = self.text.lstrip()
        return start[: len(start) - len(start.lstrip(_MARKS))][::-1]

    def take(self, text: str) -> str:
        """Take more of it; return what stands behind its end. The line break that ends it is not a part of it."""
        for index, char in enumerate(text):
            if char == "\n":
                return self._end(text, index)
            if char in _OPENING:
                self._depth += self._bracketed(text[:index])
            elif char in _CLOSING and self._depth:
                self._depth -= 1
                if not self._depth:
                    return self._end(text, index + 1)
        self.text += text
        return ""

    def _bracketed(self, behind: str) -> bool:
        """Whether a bracket counts that stands behind `behind`: one of an aside that began with one."""
        return self._depth > 0 or not (self.text + behind).strip(" \t\u3000" + _MARKS)

    def _end(self, text: str, at: int) -> str:
        self.text += text[:at]
        self.over = True
        return text[at:]
