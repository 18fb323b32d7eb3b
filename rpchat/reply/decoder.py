"""From the bytes of tokens to text: UTF-8 that may break anywhere, one kind of line break, nothing a terminal obeys."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass, field

from rpchat.story.text import clean


@dataclass(slots=True)
class TextDecoder:
    """Feed it bytes; it gives clean text. What stands for a broken character does not depend on how bytes were cut."""

    broken: bool = False
    """Whether the bytes ended inside a character, or between the two bytes of a line break."""
    _decoder: io.IncrementalNewlineDecoder = field(
        default_factory=lambda: io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder("utf-8")("replace"), translate=True
        )
    )

    def feed(self, data: bytes) -> str:
        """Return the text that these bytes complete."""
        return clean(self._decoder.decode(data))

    def finish(self, *, whole: bool) -> str:
        """Return what is left. Not `whole`: an unfinished character at the end is dropped."""
        tail = self._decoder.decode(b"", final=True)
        self.broken = bool(tail)
        return clean(tail) if whole else ""
