"""ChatML: `<|im_start|>role\\n…<|im_end|>\\n`, for SmolLM2, Qwen, the group model one-on-one, and many more.

Where the vocabulary has the two marks as control tokens they are sent by id; where not they are text, stopped on as
text, and made harmless in everything that others wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

from rpchat.prompt.conversation import Conversation, Line
from rpchat.prompt.formats.common import Unprimed, begin, named_cue, speaker_lines, tidy, told_as
from rpchat.prompt.segment import Origin, Segment, Stops, Vocabulary, control, text
from rpchat.prompt.setup import setup_text

_START, _END = "<|im_start|>", "<|im_end|>"
_ROLES = {"user": "user", "char": "assistant"}


@dataclass(frozen=True, slots=True)
class ChatML(Unprimed):
    """The `chatml` adapter."""

    name: str = "chatml"
    controls: tuple[str, ...] = (_START, _END, "</s>", "[INST]")

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:
        """Return the prompt; every line is a block of its own, a note is a system block."""
        by_id = {_START, _END} <= vocabulary.controls

        def mark(name: str) -> Segment:
            return control(name) if by_id else text(name)

        def harmless(content: str) -> str:
            return content if by_id else content.replace("<|im_", "<¦im_")

        def block(role: str, content: str, origin: Origin, *, turn: int = 0) -> list[Segment]:
            told = text(harmless(content), origin, turn=turn)
            return [mark(_START), text(f"{role}\n"), told, mark(_END), text("\n")]

        segments = begin(vocabulary) + block("system", tidy(setup_text(conversation)), "setup")
        for line in conversation.lines:
            content = self._content(line, names=conversation.names)
            if content:
                segments += block(_ROLES.get(line.side, "system"), content, told_as(line), turn=line.turn)
        role = "user" if conversation.drafting else "assistant"
        return (*segments, mark(_START), text(f"{role}\n"), text(harmless(named_cue(conversation)), "cue"))

    def _content(self, line: Line, *, names: bool) -> str:
        content = tidy(line.text)
        return f"{line.by}: {content}" if names and line.by and content else content

    def stops(self, conversation: Conversation) -> Stops:
        """Return the marks, by id and as text, and the lines of everybody else."""
        return Stops(
            control=("</s>", f"{_END}?", f"{_START}?", "[INST]"),
            any=(_END, _START),
            line=speaker_lines(conversation.silent()),
        )
