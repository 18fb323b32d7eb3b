"""ShoriRP v0.75d: Mistral-7B vocabulary, "BlockML": `▀role\\n{body}▄\\n`, several characters.

Order: title, tags, lore, one description per character, then the user's, scenario, the optional `[INST]` instruction,
messages. `▀` and `▄` are ordinary tokens, so they are text here, and made harmless in what others wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rpchat.prompt.conversation import Character, Conversation, Line
from rpchat.prompt.formats.common import PrimedByName, begin, speaker_lines, tidy, told_as, without_instruction_marks
from rpchat.prompt.segment import Segment, Stops, Vocabulary, text
from rpchat.story.card import sheet_texts

# Where one class ends and the next begins is our estimate, doubling from step to step around the card's examples: it
# names the classes and recommends `medium`, but gives no figures.
_WORDS = {
    "nano": 8.0, "micro": 16.0, "tiny": 32.0, "short": 75.0, "medium": 150.0, "long": 250.0, "massive": 400.0,
    "huge": 600.0, "enormous": float("inf"),
}  # fmt: skip
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_NAME_LABEL = re.compile(r"^[*_]*(?:full |character )?name[*_]*\s*[:：][*_]*\s*", re.IGNORECASE)


def neutral(message: str) -> str:
    """Return the text without block marks."""
    return without_instruction_marks(message).replace("▀", "■").replace("▄", "■")


@dataclass(frozen=True, slots=True)
class BlockML(PrimedByName):
    """The `blockml` adapter."""

    name: str = "blockml"
    controls: tuple[str, ...] = ("</s>",)

    @property
    def lengths(self) -> tuple[str, ...]:
        """The hints of the model card."""
        return tuple(_WORDS)

    def length_of(self, message: str) -> str:
        """Return the class by the number of words; an ideograph or kana counts as half a word."""
        wide = len(_WIDE.findall(message))
        words = len(_WIDE.sub(" ", message).split()) + wide / 2
        return next(name for name, most in _WORDS.items() if words <= most)

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:
        """Return the prompt; a message tells its length where it is known."""
        segments = begin(vocabulary)
        if conversation.system:
            segments.append(text(tidy(conversation.system) + "\n", "setup"))
        else:
            segments += self._setup(conversation)
        for line in conversation.lines:
            content = neutral(tidy(line.text))
            if content:
                told = line.length or (self.length_of(content) if conversation.length else "")
                segments += self._block(replace(line, length=told), content)
        prefill = f" {neutral(conversation.prefill)}" if conversation.prefill else ""
        header = f"▀message{_hint(conversation.length)}\n"
        return (*segments, text(header), text(f"{neutral(conversation.speaker)}:{prefill}", "cue"))

    def _setup(self, conversation: Conversation) -> list[Segment]:
        blocks = [("title", conversation.title), ("tags", ", ".join(conversation.tags))]
        blocks += [("lore", lore) for lore in conversation.lore]
        blocks += [("description", _description(char)) for char in (*conversation.chars, conversation.user)]
        blocks.append(("scenario", conversation.scenario))
        segments: list[Segment] = []
        for role, body in blocks:
            if body.strip():
                segments += _wrapped(role, text(neutral(tidy(body)), "setup"))
        if conversation.instruction:
            segments += _instruction(text(neutral(tidy(conversation.instruction)), "setup"))
        return segments

    def _block(self, line: Line, content: str) -> list[Segment]:
        if line.side in ("user", "char"):
            said = text(f"{neutral(line.by)}: {content}", "history", turn=line.turn)
            return _wrapped(f"message{_hint(line.length)}", said)
        told = text(content, told_as(line), turn=line.turn)
        return _instruction(told) if line.side == "note" else _wrapped(line.side, told)

    def stops(self, conversation: Conversation) -> Stops:
        """Return `</s>`, the block marks and the lines of everybody else; the user's also while drafting, because here
        every line is a block of its own."""
        names = speaker_lines([conversation.user.name, *conversation.others()])
        return Stops(control=("</s>",), any=("▄", "▀", "[INST]"), line=names)


def _wrapped(role: str, body: Segment) -> list[Segment]:
    return [text(f"▀{role}\n"), body, text("▄\n")]


def _instruction(body: Segment) -> list[Segment]:
    return [text("[INST] "), body, text(" [/INST]\n")]


def _hint(length: str) -> str:
    return f" (length: {length})" if length else ""


def _description(character: Character) -> str:
    sheet = (f"**{label}:** {value}" for label, value in sheet_texts(character.sheet))
    texts = (part.strip() for part in (character.description, character.personality) if part.strip())
    body = "\n".join([*sheet, *texts])
    if not body or _NAME_LABEL.sub("", body).startswith(character.name):
        return body
    return f"{character.name}\n{body}"
