"""BackyardAI Party 12B: Mistral-Nemo vocabulary, `[INST]role\\n…[/INST]` blocks by control token, several characters.

Turns need not alternate. One newline stands between blocks, none before `[/INST]`; the model's end of text is
`[/INST]` itself. Every sheet stands in the system block, so a change of speaker costs only its name.
"""

from __future__ import annotations

from dataclasses import dataclass

from rpchat.prompt.conversation import Character, Conversation
from rpchat.prompt.formats.common import PrimedByName, begin, speaker_lines, tidy, told_as
from rpchat.prompt.segment import Origin, Segment, Stops, Vocabulary, control, text

_OPEN, _CLOSE = "[INST]", "[/INST]"
_ROLES = {"user": "user", "char": "model"}


@dataclass(frozen=True, slots=True)
class Party(PrimedByName):
    """The `party` adapter."""

    name: str = "party"
    controls: tuple[str, ...] = ("</s>", _OPEN, _CLOSE, "<|im_end|>")

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:
        """Return the prompt; without a speaker it ends behind `model\\n` and the model chooses."""

        def block(role: str, content: str, origin: Origin, *, turn: int = 0) -> list[Segment]:
            told = text(content, origin, turn=turn)
            return [control(_OPEN), text(f"{role}\n"), told, control(_CLOSE), text("\n")]

        segments = begin(vocabulary) + block("system", system_text(conversation), "setup")
        for line in conversation.lines:
            content = tidy(line.text)
            if content and line.side in _ROLES:
                segments += block(_ROLES[line.side], f"{line.by}: {content}", "history", turn=line.turn)
            elif content:
                segments += block("system", content, told_as(line), turn=line.turn)
        segments += [control(_OPEN), text("user\n" if conversation.drafting else "model\n")]
        if conversation.speaker:
            prefill = f" {conversation.prefill}" if conversation.prefill else ""
            segments.append(text(f"{conversation.speaker}:{prefill}", "cue"))
        return tuple(segments)

    def stops(self, conversation: Conversation) -> Stops:
        """Return the ids that end a block, their spellings as text, and the lines of everybody else."""
        return Stops(
            control=("</s>", _OPEN, _CLOSE, "<|im_end|>?"),
            any=("<|im_end|>", _OPEN, _CLOSE),
            line=speaker_lines(conversation.silent()),
        )


def system_text(conversation: Conversation) -> str:
    """Return the system block's text in the model card's layout, or the finished one."""
    if conversation.system:
        return tidy(conversation.system)
    user = conversation.user
    opening = conversation.instruction or (
        f"You are involved in a multi-character internet-style roleplaying session with a human user, who is "
        f"playing as {user.name}. Do not generate dialogue for the user's character, {user.name}. Focus on the "
        f"other characters."
    )
    parts = [
        opening,
        f"[Human User]\n{_bio(user)}",
        "\n".join(["[Involved Characters]", *(f"{_bio(char)}\n---" for char in conversation.chars)]),
    ]
    if conversation.lore:
        parts.append("\n".join(["[World]", *conversation.lore]))
    if conversation.scenario:
        parts.append(f"[Scenario]\n{conversation.scenario}")
    return "\n\n".join([*parts, "The roleplay begins now."])


def _bio(character: Character) -> str:
    lines = []
    for label, value in character.sheet.items():
        if isinstance(value, str):
            lines.append(f"**{label}**: {value}")
        else:
            lines += [f"**{label}**:", *(f"- {point}" for point in value)]
    lines += [part.strip() for part in (character.description, character.personality) if part.strip()]
    colon = "Character Bio:\n" if character.sheet else "Character Bio: "
    return f"{character.name}\n{colon}" + "\n".join(lines)
