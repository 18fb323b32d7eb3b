"""A prompt format told as data: what stands in front of and behind each kind of message.

What other programs call an instruct template. The adapter that renders it is `prompt.formats.sequences`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequences:
    """Every sequence is literal text, line breaks included; names in `controls` become control tokens in it.

    In it, `{{user}}` and `{{char}}` stand for the names, and `{{name}}` for the name of whoever says the message.
    A `first_…` or `last_…` that is not given is the ordinary one.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    controls: tuple[str, ...] = ()
    """Control tokens that occur in the sequences, where the vocabulary has them as one token."""
    system_prefix: str = ""
    system_suffix: str = ""
    system_in_first_user: bool = False
    """The setup opens the first message of the user instead of standing by itself."""
    system_separator: str = "\n\n"
    """Between setup and line, where they share a message."""
    user_prefix: str = ""
    user_suffix: str = ""
    char_prefix: str = ""
    char_suffix: str = ""
    note_prefix: str | None = None
    """Around a note in mid-scene; None has it stand in the user's next message."""
    note_suffix: str = ""
    first_user_prefix: str | None = None
    first_char_prefix: str | None = None
    last_user_prefix: str | None = None
    last_char_prefix: str | None = None
    """In front of the reply that is to be written."""
    names: Literal["never", "groups", "always"] = "groups"
    """When `Name: ` stands in front of a message."""
    user_opening: str = ""
    """What the user is made to say first where a character's line comes first, for models that know no other order."""
    alternate: bool = False
    """Messages of one side in a row are made one, for models that know only strict turns."""
