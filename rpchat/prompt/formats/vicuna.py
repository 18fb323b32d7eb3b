"""Ninja-v1-RP-expressive: Mistral-7B vocabulary, `USER:` / `ASSISTANT:` lines, Japanese manner.

`<s>{setup}\\nUSER: {line}\\nASSISTANT: {reply}</s>\\nUSER: {line}\\nASSISTANT:`
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rpchat.prompt.conversation import Conversation
from rpchat.prompt.formats.common import JapaneseManner, begin, japanese_stops, plain_space, tidy
from rpchat.prompt.formats.turns import cue, exchanges, stacked
from rpchat.prompt.segment import Segment, Stops, Vocabulary, control, text
from rpchat.prompt.setup import setup_text

_ROLE = re.compile(r"^([ \t*_]*(?:USER|ASSISTANT)):", re.IGNORECASE | re.MULTILINE)


def neutral(message: str) -> str:
    """Return the text with role words at a line start followed by a full-width colon instead."""
    return _ROLE.sub(r"\1：", plain_space(message))


@dataclass(frozen=True, slots=True)
class Vicuna(JapaneseManner):
    """The `vicuna` adapter."""

    name: str = "vicuna"
    controls: tuple[str, ...] = ("</s>",)

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:
        """Return the prompt; no preamble stands before the setup. A draft stands behind an open `USER: `."""
        segments = [*begin(vocabulary), text(neutral(tidy(setup_text(conversation))), "setup")]
        told = exchanges(conversation, neutral)
        for index, exchange in enumerate(told):
            if exchange.user:
                segments += [text("\nUSER: "), *stacked(exchange.user)]
            if exchange.drafted:
                return tuple(segments)
            segments.append(text("\nASSISTANT:"))
            if exchange.model:
                segments += [text(" "), *stacked(exchange.model)]
            if index < len(told) - 1:
                segments.append(control("</s>"))
        return (*segments, *cue(told[-1], neutral(conversation.prefill)))

    def stops(self, conversation: Conversation) -> Stops:
        """Return `</s>`, the role words and the lines of everybody else."""
        anywhere, line = japanese_stops(conversation)
        return Stops(control=("</s>",), any=anywhere, line=("USER:", "ASSISTANT:", *line))
