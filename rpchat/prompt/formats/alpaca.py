"""LimaRP-Llama2-7B-v3: Llama-2 vocabulary, `### Instruction:` / `### Input:` / `### Response:` blocks.

A blank line stands between blocks, no `</s>` between turns. The model card writes `### Input` with and without its
colon: it is always rendered, and a reply stops on the word without it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rpchat.prompt.conversation import Character, Conversation, Line
from rpchat.prompt.formats.common import PrimedByName, begin, plain_space, speaker_lines, tidy, told_as
from rpchat.prompt.segment import Segment, Stops, Vocabulary, text
from rpchat.story.card import sheet_texts

_HEADER = re.compile(r"^([ \t]*)###(?=[ \t]*(?:Instruction|Input|Response))", re.IGNORECASE | re.MULTILINE)


def neutral(message: str) -> str:
    """Return the text with block headers at a line start written in full width."""
    return _HEADER.sub(r"\1＃＃＃", plain_space(message))


@dataclass(frozen=True, slots=True)
class Alpaca(PrimedByName):
    """The `alpaca` adapter."""

    name: str = "alpaca"
    controls: tuple[str, ...] = ("</s>",)

    @property
    def lengths(self) -> tuple[str, ...]:
        """The modifiers of the model card."""
        return ("tiny", "short", "medium", "long", "huge", "humongous", "extreme", "unlimited")

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:
        """Return the prompt; the length modifier stands on the pending reply, and on past ones if asked."""
        setup = neutral(tidy(conversation.system or _setup(conversation)))
        segments = [*begin(vocabulary), text("### Instruction:\n"), text(setup, "setup")]
        for line in conversation.lines:
            content = neutral(tidy(line.text))
            if content:
                segments += self._block(line, content, conversation)
        prefill = f" {neutral(conversation.prefill)}" if conversation.prefill else ""
        header = "Input:" if conversation.drafting else f"Response:{_modifier(conversation.length)}"
        return (*segments, text(f"\n\n### {header}\n"), text(f"{neutral(conversation.speaker)}:{prefill}", "cue"))

    def _block(self, line: Line, content: str, conversation: Conversation) -> list[Segment]:
        if line.side not in ("user", "char"):
            return [text("\n\n### Instruction:\n"), text(content, told_as(line), turn=line.turn)]
        length = line.length if line.side == "char" and conversation.length_in_history else ""
        header = "Input:" if line.side == "user" else f"Response:{_modifier(length)}"
        return [text(f"\n\n### {header}\n"), text(f"{neutral(line.by)}: {content}", "history", turn=line.turn)]

    def stops(self, conversation: Conversation) -> Stops:
        """Return `</s>`, the block headers and the lines of everybody else."""
        names = speaker_lines(conversation.silent())
        return Stops(control=("</s>",), line=("### Input", "### Response", "### Instruction", *names))


def _modifier(length: str) -> str:
    return f" (length = {length})" if length else ""


def _setup(conversation: Conversation) -> str:
    user = conversation.user.name
    parts = [f"{char.name}'s Persona: {_persona(char)}" for char in conversation.chars]
    parts.append(f"{user}'s Persona: {_persona(conversation.user)}")
    if conversation.scenario:
        parts.append(f"Scenario: {conversation.scenario}")
    if conversation.lore:
        parts.append(f"Background information: {' '.join(conversation.lore)}")
    names = " and ".join(char.name for char in conversation.chars)
    parts.append(
        conversation.instruction
        or f"Play the role of {names}. You must engage in a roleplaying chat with {user} below this line. Do not "
        f"write dialogues and narration for {user}."
    )
    return "\n\n".join(parts)


def _persona(character: Character) -> str:
    sheet = (f"{label}: {value}" for label, value in sheet_texts(character.sheet))
    texts = (part.strip() for part in (character.description, character.personality) if part.strip())
    return "\n".join([*sheet, *texts])
