"""Antler-7B-RP-v3: Mistral-7B vocabulary, `[INST]` as plain text, Japanese lines.

`<s>[INST] {setup}\\n{line} [/INST] {reply} </s>[INST] {line} [/INST]` — the space before `</s>` is the model card's;
the card's space behind the last `[/INST]` is not sent, the model's first piece carries its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from rpchat.prompt.conversation import Conversation
from rpchat.prompt.formats.common import JapaneseManner, begin, japanese_stops, tidy, without_instruction_marks
from rpchat.prompt.formats.turns import cue, exchanges, stacked
from rpchat.prompt.segment import Segment, Stops, Vocabulary, control, text
from rpchat.prompt.setup import setup_text


@dataclass(frozen=True, slots=True)
class Mistral(JapaneseManner):
    """The `mistral` adapter."""

    name: str = "mistral"
    controls: tuple[str, ...] = ("</s>",)

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:
        """Return the prompt; the setup stands in the first `[INST]`, alone if a greeting comes first. A draft
        stands in the last `[INST]`, which stays open."""
        setup = without_instruction_marks(tidy(setup_text(conversation)))
        told = exchanges(conversation, without_instruction_marks)
        segments = begin(vocabulary)
        for index, exchange in enumerate(told):
            segments.append(text("[INST] "))
            if index == 0:
                segments.append(text(setup, "setup"))
                segments.append(text("\n" if exchange.user else ""))
            segments += stacked(exchange.user)
            if exchange.drafted:
                return tuple(segments)
            segments.append(text(" [/INST]"))
            if exchange.model:
                segments += [text(" "), *stacked(exchange.model)]
            if index < len(told) - 1:
                segments += [text(" "), control("</s>")]
        return (*segments, *cue(told[-1], without_instruction_marks(conversation.prefill)))

    def stops(self, conversation: Conversation) -> Stops:
        """Return `</s>`, everybody else's lines, and the delimiters."""
        anywhere, line = japanese_stops(conversation)
        return Stops(control=("</s>",), any=(*anywhere, "[INST]", "[/INST]"), line=line)
