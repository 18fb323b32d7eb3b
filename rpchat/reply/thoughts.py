"""What a model thinks before it speaks, told apart from what it says.

Thoughts stand at the beginning of a reply, white space aside, between the marks of a `Reasoning`. A mark that could
still come is held back, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rpchat.story.preset import Reasoning


def closed_thoughts(reasoning: Reasoning) -> str:
    """Return what, written for the model behind the prompt, ends its thoughts before they begin."""
    prefix, suffix = _marks(reasoning)
    opening = "" if reasoning.opened else f"{prefix}\n"
    return f"{opening}\n{suffix}\n\n"


@dataclass(slots=True)
class Thoughts:
    """Feed it the text of a reply; it gives what is said behind the thoughts.

    Without `reasoning`, or once something was said, all text passes.
    """

    reasoning: Reasoning | None
    inside: bool = False
    """Whether the model is thinking now."""
    seen: bool = False
    """Whether it has begun to think, even without a word."""
    blocks: list[str] = field(default_factory=list)
    """Finished thoughts, without white space around them; empty ones are left out."""
    _open: str = ""
    """The thoughts under way, as far as no suffix can begin in them."""
    _held: str = ""
    _speaking: bool = False

    def __post_init__(self) -> None:
        self._speaking = self.reasoning is None
        self.seen = self.inside

    @property
    def text(self) -> str:
        """Everything thought so far."""
        return "\n\n".join([*self.blocks, *([self._open.lstrip()] if self._open.strip() else [])])

    def feed(self, text: str, *, last: bool = False) -> str:
        """Return what is said. `last` says that no more text comes, so nothing is held back."""
        self._held += text
        if self.reasoning is not None:
            prefix, suffix = _marks(self.reasoning)
            moved = True
            while moved and not self._speaking:
                moved = self._think(suffix, last=last) if self.inside else self._begin(prefix, last=last)
        if not self._speaking:
            return ""
        said, self._held = self._held, ""
        return said

    def _begin(self, prefix: str, *, last: bool) -> bool:
        """Decide, if it can be decided, whether thoughts begin here or the model speaks."""
        start = self._held.lstrip()
        if start.startswith(prefix):
            self._held = start[len(prefix) :]
            self.inside = self.seen = True
            return True
        self._speaking = last or not prefix.startswith(start)
        return self._speaking

    def _think(self, suffix: str, *, last: bool) -> bool:
        """Take thoughts up to their end; return whether it was reached."""
        end = self._held.find(suffix)
        if end < 0:
            kept = 0 if last else _overlap(self._held, suffix)
            certain = len(self._held) - kept
            self._open, self._held = self._open + self._held[:certain], self._held[certain:]
            if last:
                self._close()
            return False
        self._open, self._held = self._open + self._held[:end], self._held[end + len(suffix) :]
        self.inside = False
        self._close()
        return True

    def _close(self) -> None:
        if self._open.strip():
            self.blocks.append(self._open.strip())
        self._open = ""


def _marks(reasoning: Reasoning) -> tuple[str, str]:
    """The marks without white space around them, which models leave out or double."""
    return reasoning.prefix.strip() or reasoning.prefix, reasoning.suffix.strip() or reasoning.suffix


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` could be the beginning of `mark`."""
    return next((size for size in range(min(len(text), len(mark) - 1), 0, -1) if text.endswith(mark[:size])), 0)
