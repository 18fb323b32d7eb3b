"""A card or a persona as a text to read, with its parts under their names. Pure."""

from __future__ import annotations

from textual.content import Content

from rpchat.story.card import Card, sheet_texts
from rpchat.story.persona import Persona
from rpchat.story.text import clean, one_line
from rpchat.tui.prose import to_content

_LONGEST = 6_000
"""Characters of one part; the rest is in the editor."""


def card_text(card: Card | Persona, *, colour: str) -> Content:
    """Return its name, what it is, and every text it holds."""
    parts = [Content(one_line(card.name, 120)).stylize(f"bold {colour}")]
    if card.summary:
        parts.append(Content(one_line(card.summary, 400)).stylize("$action"))
    if isinstance(card, Card):
        about = [card.creator and f"by {card.creator}", card.version, card.language, *card.tags]
        told = " · ".join(one_line(part, 60) for part in about if part)
        parts += [Content(told).stylize("$ooc")] if told else []
    sections = _card_sections(card) if isinstance(card, Card) else [("Description", card.description)]
    sheet = "\n".join(f"{label}: {text}" for label, text in sheet_texts(card.sheet))
    for label, text in [("Sheet", sheet), *sections]:
        if text.strip():
            parts.append(Content.assemble(("\n" + label, "$accent"), "\n", to_content(_shortened(text))))
    return Content("\n").join(parts)


def _card_sections(card: Card) -> list[tuple[str, str]]:
    greetings = [(f"Greeting {number}", text) for number, text in enumerate(card.alternate_greetings, start=2)]
    return [
        ("Notes of the author", card.creator_notes),
        ("Description", card.description),
        ("Personality", card.personality),
        ("Scenario", card.scenario),
        ("Greeting", card.first_message),
        *greetings,
        ("Examples", card.example_dialogue),
        ("Instruction", card.system_prompt),
        ("Behind the history", card.post_history),
    ]


def _shortened(text: str) -> str:
    text = clean(text).strip("\n")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
