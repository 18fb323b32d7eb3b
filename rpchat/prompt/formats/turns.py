"""The exchange of blocks that Antler and Ninja share: the user's side, then the model's, in turns.

Characters who speak in a row share one block, a line each. A note is a `(note)` line in front of the user's next
line; with none to come it stands at the end of the user's last block, or makes one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rpchat.prompt.conversation import Conversation
from rpchat.prompt.formats.common import japanese_line, tidy
from rpchat.prompt.segment import Segment, text


@dataclass(slots=True)
class Exchange:
    """One block of the user's and the model's answer to it. An empty user block opens with a greeting."""

    user: list[str] = field(default_factory=list)
    model: list[str] = field(default_factory=list)


def exchanges(conversation: Conversation, neutral: Callable[[str], str]) -> list[Exchange]:
    """Return the conversation in exchanges, every name and text made harmless by `neutral`. Never empty; the last
    one is answered by the reply, or, if its `model` has lines, goes on with it."""
    told = [Exchange()]
    notes: list[str] = []
    for line in conversation.lines:
        by, text = neutral(line.by), neutral(tidy(line.text))
        if not text:
            continue
        if line.side == "char":
            told[-1].model.append(japanese_line(by, text))
        elif line.side == "user":
            if told[-1].model:
                told.append(Exchange())
            told[-1].user += [*notes, japanese_line(by, text)]
            notes.clear()
        else:
            notes.append(f"({text})")
    if notes:
        if told[-1].model:
            told.append(Exchange())
        told[-1].user += notes
    return told


def cue(exchange: Exchange, prefill: str) -> list[Segment]:
    """Return how the reply to the last exchange begins: behind a space, or on a line of its own in an open block."""
    if prefill:
        return [text(("\n" if exchange.model else " ") + prefill, "cue")]
    return [text("\n")] if exchange.model else []
