"""From a scene and a preset to the prompt a model reads, and which turns no longer fit.

Old turns are dropped in blocks, so that the front of the prompt stays the same for many turns and what was read is not
read again. The sheets and everything from the user's last turn on are never dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rpchat.errors import PromptError
from rpchat.prompt.conversation import Conversation, converse
from rpchat.prompt.formats.common import Adapter
from rpchat.prompt.segment import Segment, Stops, Vocabulary, joined, with_gap
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene
from rpchat.story.turn import Turn

KEPT_SHARE = 0.75
"""How much of the room for history is still used after a block was dropped."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads, and what ends its reply."""

    segments: tuple[Segment, ...]
    stops: Stops
    conversation: Conversation
    dropped_turns: int

    @property
    def text(self) -> str:
        """The prompt as one text, control tokens by name; without the beginning-of-sequence token."""
        pairs = joined(self.segments)
        if pairs and pairs[0] == ("c", "<s>"):
            pairs = pairs[1:]
        return "".join(content for _, content in pairs)


def assemble(
    scene: Scene,
    preset: Preset,
    adapter: Adapter,
    vocabulary: Vocabulary,
    line: Sequence[Turn],
    *,
    speaker: str,
    prefill: str = "",
) -> Prompt:
    """Return the prompt for `speaker`'s reply to the told `line`, nothing dropped."""
    conversation = converse(scene, preset, line, speaker=speaker, prefill=prefill)
    return prompt_of(preset, adapter, conversation, adapter.render(conversation, vocabulary))


def prompt_of(
    preset: Preset,
    adapter: Adapter,
    conversation: Conversation,
    segments: Sequence[Segment],
    *,
    dropped: int = 0,
    noted: int = 0,
) -> Prompt:
    """Return the prompt of rendered `segments`, with the adapter's stops and the preset's own.

    `dropped` turns are left out for want of room, and what may be, in front of turn `noted`, is a note.
    """
    stops = adapter.stops(conversation)
    told = with_gap(segments, behind=noted) if dropped or noted else tuple(segments)
    return Prompt(told, replace(stops, any=(*stops.any, *preset.stop)), conversation, dropped)


def last_needed(line: Sequence[Turn]) -> int:
    """Return the place in `line` from which on no turn may be dropped: the user's last one, else the last of all."""
    last = max(len(line) - 1, 0)
    return max((index for index, turn in enumerate(line) if turn.side == "user"), default=last)


def turns_to_drop(line: Sequence[Turn], *, dropped: int, tokens: int, budget: int) -> int:
    """Return how many turns of `line` to leave out, now that with `dropped` left out the prompt has `tokens` tokens,
    more than `budget`.

    The share of each turn is estimated from its length; the caller counts again and asks again if need be. Raises
    PromptError when nothing more may be dropped.
    """
    droppable = line[dropped : last_needed(line)]
    if not droppable:
        raise PromptError(
            f"the character sheets and the last turn need {tokens:,} tokens, {tokens - budget:,} more than fit",
            "Shorten the sheet, or give the model a larger context (n_ctx).",
        )
    sizes = [len(turn.text) + 20 for turn in line[dropped:]]
    per_character = min(1.0, tokens / sum(sizes))
    goal = (tokens - budget) + (1 - KEPT_SHARE) * budget
    freed = 0.0
    for count, size in enumerate(sizes[: len(droppable)], start=1):
        freed += size * per_character
        if freed >= goal:
            return dropped + count
    return dropped + len(droppable)
