"""A character card: what a person wrote about a character. The words of the field, as values.

Cards are validated where they are read (`store`); here they are only held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from annotated_types import Interval, MinLen

Sheet = Mapping[str, str | tuple[str, ...]]
"""Labels in their order, each with one text or a list of points: `名前: 桜`, `Equipment: [lantern, knife]`."""


def sheet_texts(sheet: Sheet, *, comma: str = ", ") -> list[tuple[str, str]]:
    """Return the labels with their texts, a list of points joined by `comma`."""
    return [(label, value if isinstance(value, str) else comma.join(value)) for label, value in sheet.items()]


Talkativeness = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One character. Only `name` is required; every text may hold the macros `{{char}}` and `{{user}}`."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: Annotated[str, MinLen(1)]
    nickname: str = ""
    """What others call the character; `{{char}}` gives it where it is set."""
    language: str = ""
    """Primary language tag (`ja`, `en`): decides the language of the text around the sheet."""
    summary: str = ""
    """One line for lists. The model never reads it."""
    tags: tuple[str, ...] = ()
    sheet: Sheet = field(default_factory=dict)
    description: str = ""
    personality: str = ""
    scenario: str = ""
    first_message: str = ""
    alternate_greetings: tuple[str, ...] = ()
    example_dialogue: str = ""
    """Exchanges that show how the character speaks; `<START>` on a line of its own separates them."""
    system_prompt: str = ""
    """Replaces the format's opening instruction."""
    post_history: str = ""
    """An instruction behind the history, right before the reply."""
    talkativeness: Talkativeness = 0.5
    creator: str = ""
    version: str = ""
    creator_notes: str = ""
    """From the author to the player. The model never reads it."""
    extensions: Mapping[str, object] = field(default_factory=dict)
    """What other programs keep in a card; carried along untouched."""

    @property
    def spoken_name(self) -> str:
        """The name the character answers to."""
        return self.nickname or self.name
