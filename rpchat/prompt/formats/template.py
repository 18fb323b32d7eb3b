"""The GGUF's own Jinja template: the adapter for every model nobody has described here.

A template is code from a stranger, so it is rendered elsewhere, in a sandbox (`Engine.render_template`), and it never
sees a word of the conversation: each text is a placeholder, put back as a plain text segment. What the template itself
writes is cut into control tokens and text by the vocabulary; so nothing a user or card says can become a control token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rpchat.errors import PromptError
from rpchat.prompt.conversation import Conversation
from rpchat.prompt.formats.common import (
    Unprimed,
    begin,
    cut_controls,
    named_cue,
    speaker_lines,
    tidy,
    told_as,
    without_last_space,
)
from rpchat.prompt.segment import Origin, Segment, Stops, Vocabulary, text
from rpchat.prompt.setup import setup_text

_HOLDER = re.compile("\ue000([0-9]+)\ue001")
_ROLES = {"user": "user", "char": "assistant"}

Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """One message for the template, with what its text is there for."""

    role: str
    content: str
    origin: Origin
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Template(Unprimed):
    """The `template` adapter. Its prompt is made in two steps, around the sandbox."""

    name: str = "template"
    controls: tuple[str, ...] = ()

    def messages(self, conversation: Conversation, *, system: bool = True) -> tuple[list[Message], list[Said]]:
        """Return the messages to render (placeholders) and what stands behind each placeholder, by number.

        Roles alternate; neighbours of one role are one message. Templates that refuse a system message or a first
        line of the model's get `system=False`: the setup then opens the user's first message. A draft is one more
        message of the user's, behind whose beginning `fill` cuts the page.
        """
        said = [Said("system" if system else "user", tidy(setup_text(conversation)), "setup")]
        for line in conversation.lines:
            content = tidy(line.text)
            if conversation.names and line.by:
                content = f"{line.by}: {content}"
            said.append(Said(_ROLES.get(line.side, "user"), content, told_as(line), line.turn))
        if conversation.drafting:
            said.append(Said("user", named_cue(conversation), "cue"))
        merged: list[list[int]] = []
        for number, one in enumerate(said):
            if merged and said[merged[-1][0]].role == one.role:
                merged[-1].append(number)
            else:
                merged.append([number])
        messages = [
            {
                "role": said[numbers[0]].role,
                "content": "\n".join(f"\ue000{number}\ue001" for number in numbers),
            }
            for numbers in merged
        ]
        return list(messages), said

    def fill(
        self, page: str, said: Sequence[Said], conversation: Conversation, vocabulary: Vocabulary
    ) -> tuple[Segment, ...]:
        """Return the prompt: `page` as the sandbox rendered it, with the texts put back; of a draft's message only the
        beginning.

        Raises PromptError if the template lost or repeated a message, or shows a draft anywhere but at the end.
        """
        holders = list(_HOLDER.finditer(page))
        numbers = [int(match[1]) for match in holders]
        if sorted(numbers) != list(range(len(said))):
            raise PromptError("the model's own chat template does not show every message", "Choose a preset.")
        if conversation.drafting and numbers[-1] != len(said) - 1:
            raise PromptError("the model's own chat template does not end with the last message", "Choose a preset.")
        segments: list[Segment] = []
        position = 0
        for match, number in zip(holders, numbers, strict=True):
            segments += cut_controls(page[position : match.start()], vocabulary)
            one = said[number]
            segments.append(text(one.content, one.origin, turn=one.turn))
            position = match.end()
        if conversation.drafting:
            *segments, last = segments
            segments = without_last_space(segments) if not last.text else [*segments, last]
        else:
            segments += [*cut_controls(page[position:], vocabulary), text(named_cue(conversation), "cue")]
        return tuple(_begun(segments, vocabulary))

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:  # noqa: ARG002
        """Raise PromptError: this adapter needs the model's template, which only an engine can render."""
        raise PromptError("this preset uses the model's own chat template", "Load a model, or choose a preset.")

    def stops(self, conversation: Conversation) -> Stops:
        """Return the lines of everybody else; the vocabulary's own ends stop every reply."""
        return Stops(line=speaker_lines(conversation.silent()))


def _begun(segments: list[Segment], vocabulary: Vocabulary) -> list[Segment]:
    """The segments with the beginning-of-sequence token in front, which a template may have written or not."""
    beginning = begin(vocabulary)
    return segments if segments[: len(beginning)] == beginning else [*beginning, *segments]
