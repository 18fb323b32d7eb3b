"""The exchange of blocks that Antler and Ninja share: the user's side, then the model's, in turns.

Characters who speak in a row share one block, a line each. A note is a `(note)` line in front of the user's next
line; with none to come it stands at the end of the user's last block, or makes one. A draft is the last line of the
user's last block, which stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rpchat.prompt.conversation import Conversation
from rpchat.prompt.formats.common import japanese_line, japanese_opening, tidy, told_as
from rpchat.prompt.segment import Segment, text


@dataclass(slots=True)
class Exchange:
    """One block of the user's and the model's answer to it, a segment a line. An empty user block opens with a
    greeting."""

    user: list[Segment] = field(default_factory=list)
    model: list[Segment] = field(default_factory=list)
    drafted: bool = False
    """Whether the user's block ends with the beginning of a line that is to be written."""


def exchanges(conversation: Conversation, neutral: Callable[[str], str]) -> list[Exchange]:
    """Return the conversation in exchanges, every name and text made harmless by `neutral`. Never empty; the last
    one is answered by the reply, or, if its `model` has lines, goes on with it."""
    told = [Exchange()]
    notes: list[Segment] = []
    for line in conversation.lines:
        by, content = neutral(line.by), neutral(tidy(line.text))
        if not content:
            continue
        if line.side == "char":
            told[-1].model.append(text(japanese_line(by, content), "history", turn=line.turn))
        elif line.side == "user":
            _asking(told).user += [*notes, text(japanese_line(by, content), "history", turn=line.turn)]
            notes.clear()
        else:
            notes.append(text(f"({content})", told_as(line), turn=line.turn))
    if notes:
        _asking(told).user += notes
    if conversation.drafting:
        asking = _asking(told)
        begun = conversation.prefill or japanese_opening(conversation.user.name)
        asking.user.append(text(neutral(begun), "cue"))
        asking.drafted = True
    return told


def _asking(told: list[Exchange]) -> Exchange:
    """The last exchange while nobody has answered it, else a new one behind it."""
    if told[-1].model:
        told.append(Exchange())
    return told[-1]


def stacked(lines: Iterable[Segment]) -> list[Segment]:
    """Return the lines of a block, each on a line of its own."""
    return [part for line in lines for part in (text("\n"), line)][1:]


def cue(exchange: Exchange, prefill: str) -> list[Segment]:
    """Return how the reply to the last exchange begins: behind a space, or on a line of its own in an open block."""
    if prefill:
        return [text(("\n" if exchange.model else " ") + prefill, "cue")]
    return [text("\n")] if exchange.model else []
