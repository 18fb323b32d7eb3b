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
from rpchat.prompt.formats.common import Unprimed, cut_controls, named_cue, speaker_lines, tidy
from rpchat.prompt.segment import Origin, Segment, Stops, Vocabulary, control, text
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


@dataclass(frozen=True, slots=True)
class Template(Unprimed):
    """The `template` adapter. Its prompt is made in two steps, around the sandbox."""

    name: str = "template"
    controls: tuple[str, ...] = ()

    def messages(self, conversation: Conversation, *, system: bool = True) -> tuple[list[Message], list[Said]]:
        """Return the messages to render (placeholders) and what stands behind each placeholder, by number.

        Roles alternate; neighbours of one role are one message. Templates that refuse a system message or a first
        line of the model's get `system=False`: the setup then opens the user's first message.
        """
        said = [Said("system" if system else "user", tidy(setup_text(conversation)), "setup")]
        for line in conversation.lines:
            content = tidy(line.text)
            if conversation.names and line.by:
                content = f"{line.by}: {content}"
            role = _ROLES.get(line.side, "user")
            said.append(Said(role, content, "history" if line.side in _ROLES else "note"))
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
        """Return the prompt: `page` as the sandbox rendered it, with the texts put back.

        Raises PromptError if the template lost or repeated a message.
        """
        numbers = [int(match[1]) for match in _HOLDER.finditer(page)]
        if sorted(numbers) != list(range(len(said))):
            raise PromptError("the model's own chat template does not show every message", "Choose a preset.")
        segments: list[Segment] = []
        position = 0
        for match in _HOLDER.finditer(page):
            segments += cut_controls(page[position : match.start()], vocabulary)
            one = said[int(match[1])]
            segments.append(text(one.content, one.origin))
            position = match.end()
        segments += cut_controls(page[position:], vocabulary)
        bos = vocabulary.bos
        if bos is not None and (not segments or segments[0] != control(bos)):
            segments.insert(0, control(bos))
        return (*segments, text(named_cue(conversation), "cue"))

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:  # noqa: ARG002
        """Raise PromptError: this adapter needs the model's template, which only an engine can render."""
        raise PromptError("this preset uses the model's own chat template", "Load a model, or choose a preset.")

    def stops(self, conversation: Conversation) -> Stops:
        """Return the lines of the user and the other members; the vocabulary's own ends stop every reply."""
        return Stops(line=speaker_lines([conversation.user.name, *conversation.others()]))
