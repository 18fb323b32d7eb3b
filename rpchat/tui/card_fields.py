"""The fields of the editor: a card or a persona as texts, and such texts as a card or a persona. A sheet is written as
YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rich.cells import cell_len

from rpchat.errors import FileError, RpchatError
from rpchat.store.parsing import parse
from rpchat.store.reading import load_yaml
from rpchat.story.card import Card, Sheet
from rpchat.story.persona import Persona
from rpchat.story.text import clean

V = TypeVar("V", bound=Card | Persona)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the editor."""

    name: str
    label: str
    hint: str = ""
    """What belongs into it; shown while it is empty."""
    long: bool = False
    """Whether it has lines."""
    read: bool = False
    """Whether the model reads it, so that its tokens count."""


GREETINGS = "alternate_greetings"
"""The one field that is a list of texts."""

CARD_FIELDS = (
    Field(name="name", label="Name", hint="what the card is called; the only field that must be filled"),
    Field(name="nickname", label="Called", hint="what others say; {{char}} gives it"),
    Field(name="language", label="Language", hint="en, ja …"),
    Field(name="summary", label="In one line", hint="for lists; the model never reads it"),
    Field(name="tags", label="Tags", hint="with commas between them"),
    Field(name="talkativeness", label="Talkativeness", hint="0 … 1: how readily the character speaks in a group"),
    Field(name="sheet", label="Sheet", hint="label: text, one to a line", long=True, read=True),
    Field(name="description", label="Description", hint="who and what the character is", long=True, read=True),
    Field(name="personality", label="Personality", long=True, read=True),
    Field(name="scenario", label="Scenario", hint="where it begins, and why", long=True, read=True),
    Field(name="first_message", label="Greeting", hint="how the character opens the scene", long=True, read=True),
    Field(name=GREETINGS, label="Greeting", hint="another beginning", long=True, read=True),
    Field(
        name="example_dialogue", label="Examples", hint="how the character speaks; <START> between scenes", long=True,
        read=True,
    ),
    Field(name="system_prompt", label="Instruction", hint="in place of the format's own", long=True, read=True),
    Field(name="post_history", label="Behind the history", hint="said right before the reply", long=True, read=True),
    Field(name="creator", label="Author"),
    Field(name="version", label="Version"),
    Field(name="creator_notes", label="Author's notes", hint="for the player; the model never reads them", long=True),
)  # fmt: skip

PERSONA_FIELDS = (
    Field(name="name", label="Name", hint="what you are called; the only field that must be filled"),
    Field(name="language", label="Language", hint="en, ja …"),
    Field(name="summary", label="In one line", hint="for lists; the model never reads it"),
    Field(name="sheet", label="Sheet", hint="label: text, one to a line", long=True, read=True),
    Field(name="description", label="Description", hint="who you are in the story", long=True, read=True),
)


class FieldError(RpchatError):
    """What stands in a field cannot be kept. `field` is its name."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What stands in the fields of an editor, by their names, and the greetings."""

    texts: Mapping[str, str]
    greetings: tuple[str, ...] = ()

    def as_data(self) -> dict[str, object]:
        """Return it as it is kept in a draft."""
        return {"texts": dict(self.texts), "greetings": list(self.greetings)}


def fields_of(value: Card | Persona) -> Sequence[Field]:
    """Return the fields a card or a persona is edited in."""
    return CARD_FIELDS if isinstance(value, Card) else PERSONA_FIELDS


def written_of(value: Card | Persona) -> Written:
    """Return the texts of a card or a persona."""
    texts = {field.name: _text(value, field.name) for field in fields_of(value) if field.name != GREETINGS}
    return Written(texts=texts, greetings=value.alternate_greetings if isinstance(value, Card) else ())


def written_in(draft: Mapping[str, object], value: Card | Persona) -> Written:
    """Return the texts of a draft as it was kept; what it does not hold, or holds wrongly, is the value's."""
    mine = written_of(value)
    texts, greetings = draft.get("texts"), draft.get("greetings")
    kept = texts if isinstance(texts, Mapping) else {}
    known = {name: clean(text) for name, text in kept.items() if name in mine.texts and isinstance(text, str)}
    if not isinstance(greetings, list) or not all(isinstance(text, str) for text in greetings):
        return Written(texts={**mine.texts, **known}, greetings=mine.greetings)
    return Written(texts={**mine.texts, **known}, greetings=tuple(clean(text) for text in greetings))


def filled(value: V, written: Written) -> V:
    """Return the value with what is written in its fields. A field whose text has not changed keeps what it holds.

    Raises FieldError.
    """
    before = written_of(value)
    changed = {name: clean(text) for name, text in written.texts.items() if text != before.texts[name]}
    values: dict[str, object] = {name: _value(name, text) for name, text in changed.items()}
    if written.greetings != before.greetings:
        values[GREETINGS] = tuple(clean(text) for text in written.greetings if text.strip())
    if not written.texts["name"].strip():
        raise FieldError("name", "a name is needed", "The first field is for it.")
    return replace(value, **values)  # type: ignore[arg-type]  # the names are fields, each value of its type


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has where no model can count them: one for a wide letter, one for four
    others."""
    wide = sum(1 for letter in text if not letter.isascii() and cell_len(letter) > 1)
    return wide + (len(text) - wide + 3) // 4


def _text(value: Card | Persona, name: str) -> str:
    held = getattr(value, name)
    if name == "sheet":
        return sheet_source(held)
    if name == "tags":
        return ", ".join(held)
    return f"{held:g}" if isinstance(held, float) else str(held)


def _value(name: str, text: str) -> object:
    if name == "sheet":
        return _sheet(text)
    if name == "tags":
        return tuple(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))
    if name == "talkativeness":
        return _talkativeness(text)
    return text


def _talkativeness(text: str) -> float:
    try:
        talks = float(text.strip() or "0.5")
    except ValueError:
        talks = -1.0
    if not 0.0 <= talks <= 1.0:
        raise FieldError("talkativeness", f"talkativeness is a number from 0 to 1, not {text.strip()[:20]!r}")
    return talks


def sheet_source(sheet: Sheet) -> str:
    """Return a sheet as it is written in the editor: as YAML."""
    simple = "\n".join(_line(label, text) for label, text in sheet.items())
    if _means(simple, sheet):
        return simple
    # ruamel.yaml takes longer to import than the home screen to open.
    from rpchat.store.yaml_writer import fresh

    plain = {label: text if isinstance(text, str) else list(text) for label, text in sheet.items()}
    return fresh(plain, name="the sheet").decode().rstrip("\n")


def _line(label: str, text: str | tuple[str, ...]) -> str:
    if isinstance(text, str):
        return f"{label}: {text}"
    return "\n".join([f"{label}:", *[f"  - {point}" for point in text]])


def _means(source: str, sheet: Sheet) -> bool:
    """Whether a text written without YAML's quotes is read as the sheet."""
    try:
        return list(_sheet(source).items()) == list(sheet.items())
    except FieldError:
        return False


def _sheet(text: str) -> Sheet:
    if not text.strip():
        return {}
    try:
        return parse(
            Persona, {"name": "-", "sheet": load_yaml(text.encode(), name="The sheet")}, name="The sheet"
        ).sheet
    except FileError as error:
        raise FieldError("sheet", error.message, error.hint) from error
