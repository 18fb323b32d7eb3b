"""What is to be told to a model, before any format: who takes part, what was said, who speaks next.

`converse()` makes it from a scene; a format adapter turns it into segments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Literal

from rpchat.prompt.notes import note_places
from rpchat.prompt.story_string import fill_story
from rpchat.story.card import Card, Sheet, sheet_texts
from rpchat.story.macros import expand
from rpchat.story.persona import Persona
from rpchat.story.preset import Preset
from rpchat.story.scene import NEVER, Member, Scene
from rpchat.story.text import fold
from rpchat.story.turn import Turn

_SPEAKER = re.compile(r"([^:：\n]{1,80})[:：][ \t]*")

LineSide = Literal["user", "char", "note", "title", "description", "lore", "scenario", "ooc", "tags"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """Someone who takes part. Macros are already expanded."""

    name: str
    sheet: Sheet = field(default_factory=dict)
    description: str = ""
    personality: str = ""
    examples: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something said, or something told in between: a note, or a block in mid-scene where a format has them."""

    side: LineSide
    text: str
    by: str = ""
    length: str = ""
    """The length class the line has, where the format tells it."""
    turn: int = 0
    """The id of the turn that is told, or of the one behind which this is told in between. 0: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Everything a prompt is made of. Nothing in it depends on a format, except a finished `system` text."""

    user: Character
    chars: tuple[Character, ...]
    lines: tuple[Line, ...] = ()
    speaker: str = ""
    """Who speaks next; empty lets the model choose, where the format can. The user's own name asks for a draft of the
    user's next line."""
    prefill: str = ""
    """The beginning of the reply, as it stands in the prompt."""
    length: str = ""
    """The length asked for, where the format has hints."""
    length_in_history: bool = False
    language: str = ""
    system: str = ""
    """The finished setup text; empty has the adapter write it."""
    instruction: str = ""
    """Replaces the adapter's own opening instruction."""
    title: str = ""
    tags: tuple[str, ...] = ()
    lore: tuple[str, ...] = ()
    scenario: str = ""
    names: bool = False
    """Names in front of lines, where the format leaves the choice."""
    bystanders: tuple[str, ...] = ()
    """Who else is in the scene, without a sheet in this prompt."""

    @property
    def drafting(self) -> bool:
        """Whether the line that is to be written is the user's own. A character who has the user's name speaks for
        itself."""
        return (
            bool(self.speaker) and self.speaker == self.user.name and all(name != self.speaker for name in self._cast())
        )

    def _cast(self) -> tuple[str, ...]:
        return (*(char.name for char in self.chars), *self.bystanders)

    def others(self) -> tuple[str, ...]:
        """The names of the characters who do not speak next; none while the model is to choose."""
        return tuple(name for name in self._cast() if self.speaker and name != self.speaker)

    def silent(self) -> tuple[str, ...]:
        """The names of everybody who is not to speak now, the user first: a line of theirs ends the reply."""
        return self.others() if self.drafting else (self.user.name, *self.others())


def converse(scene: Scene, preset: Preset, turns: Iterable[Turn], *, speaker: str, prefill: str = "") -> Conversation:
    """Return the conversation of `turns` (oldest first, as many as are to be told) in `scene`.

    Who came in behind one of these turns is introduced there, so that the front stays what it was; who was there
    before them, or came before them, stands in the setup.
    """
    user = scene.persona.name
    turns = tuple(turns)
    told_ids = {turn.id for turn in turns}
    here = _sheets(scene, told_ids, speaker=speaker)
    cards = [member.card for member in here]
    first = cards[0]

    def told(text: str, card: Card = first) -> str:
        return expand(text, char=card.spoken_name, user=user)

    settings = scene.settings
    names = ", ".join(member.card.spoken_name for member in scene.present())
    length = settings.length or preset.length
    lines = _history(scene, turns, speaker=speaker, hinted=bool(length), note=told(settings.note))
    # What an author wants told behind the history stands in front of the last line of the user: the formats place
    # a note there, and the reply stays a reply to the user.
    at = len(lines) - 1 if lines and lines[-1].side == "user" else len(lines)
    after = [_note(told(card.post_history, card), behind=lines[:at]) for card in cards if card.post_history.strip()]
    characters = tuple(_character(card, user=user) for card in cards)
    examples: list[Line] = []
    if preset.examples == "turns":
        examples = [line for char in characters for line in example_lines(char.examples, char=char.name, user=user)]
        characters = tuple(replace(char, examples="") for char in characters)
    own = "\n".join(told(card.scenario, card) for card in cards if card.scenario.strip())
    described = {char.name for char in characters}
    told_by_format = Conversation(
        user=_persona(scene.persona, char=first.spoken_name),
        chars=characters,
        lines=(*examples, *lines[:at], *after, *lines[at:]),
        speaker=speaker,
        prefill=prefill,
        length=length,
        length_in_history=preset.length_in_history,
        title=scene.title if scene.title != names else "",
        language=first.language,
        instruction=told(first.system_prompt or preset.instruction),
        scenario=told(settings.scenario.strip()) or own,
        tags=first.tags,
        names=preset.names or len(scene.present()) > 1,
        bystanders=tuple(name for member in scene.present() if (name := member.card.spoken_name) not in described),
    )
    if not preset.story:
        return told_by_format
    return replace(told_by_format, system=fill_story(preset.story, _words(told_by_format)))


def _sheets(scene: Scene, told: Set[int], *, speaker: str) -> list[Member]:
    """Whose sheets stand in the setup: of everybody who was there from the first told turn on, even if they left since;
    or the speaker's alone. Never empty."""
    members = [
        member
        for member in scene.cast
        if member.left != NEVER
        and member.joined not in told
        and (member.here or member.left in told)
        and (scene.settings.sheets != "unmuted" or not member.muted or member.card.spoken_name == speaker)
    ]
    if scene.settings.sheets == "own":
        own = [member for member in scene.present() if member.card.spoken_name == speaker]
        members = own or members
    return members or list(scene.present()) or list(scene.cast)


def _history(scene: Scene, turns: Sequence[Turn], *, speaker: str, hinted: bool, note: str) -> list[Line]:
    """The told turns as lines, with the note, and a word where somebody came or went; where presence counts, only the
    turns that the speaker was there for."""
    listener = next((member for member in scene.present() if member.card.spoken_name == speaker), None)
    noted = note_places(scene, turns)
    lines: list[Line] = []
    for at, turn in enumerate(turns):
        if at in noted:
            lines.append(_note(note, behind=lines))
        known = not (scene.settings.presence and listener is not None) or scene.knows(listener.card_id, turn)
        if known and not turn.unheard:
            lines.append(_line(turn, hinted=hinted))
        lines += [line for member in scene.cast for line in _passage(scene, member, turn)]
    if len(turns) in noted:
        lines.append(_note(note, behind=lines))
    return lines


def _passage(scene: Scene, member: Member, turn: Turn) -> list[Line]:
    """What is told behind a turn of a member who came in or went there."""
    if member.left == NEVER or turn.id not in (member.joined, member.left):
        return []
    name, japanese = member.card.spoken_name, scene.cast[0].card.language == "ja"
    if turn.id == member.left:
        return [Line(side="note", text=f"{name}は立ち去った。" if japanese else f"{name} leaves.", turn=turn.id)]
    sheet = _described(_character(member.card, user=scene.persona.name))
    coming = Line(side="note", text=f"{name}がやって来た。" if japanese else f"{name} joins.", turn=turn.id)
    return [Line(side="description", text=f"{name}\n{sheet}".strip(), by=name, turn=turn.id), coming]


def _words(conversation: Conversation) -> dict[str, str]:
    """What a story string may name."""
    chars, user = conversation.chars, conversation.user
    return {
        "char": ", ".join(char.name for char in chars),
        "user": user.name,
        "instruction": conversation.instruction,
        "description": "\n\n".join(_described(char) for char in chars),
        "personality": "\n".join(char.personality for char in chars if char.personality.strip()),
        "persona": _described(user),
        "scenario": conversation.scenario,
        "lore": "\n".join(conversation.lore),
        "examples": "\n".join(char.examples for char in chars if char.examples.strip()),
        "title": conversation.title,
        "tags": ", ".join(conversation.tags),
    }


def _described(character: Character) -> str:
    sheet = [f"{label}: {value}" for label, value in sheet_texts(character.sheet)]
    return "\n".join([*sheet, character.description.strip()]).strip()


def example_lines(examples: str, *, char: str, user: str) -> list[Line]:
    """Return example dialogue as lines: each begins with a name and a colon, or in the manner `名前「…`; what stands
    between belongs to the line before."""
    lines: list[Line] = []
    for row in examples.replace("<START>", "").split("\n"):
        opening = _SPEAKER.match(row)
        name = next((name for name in (char, user) if opening and fold(opening[1]) == fold(name)), None)
        spoken = next((name for name in (char, user) if row.startswith(name + "「")), None)
        if name is not None and opening is not None:
            lines.append(Line(side="char" if name == char else "user", by=name, text=row[opening.end() :]))
        elif spoken is not None:
            lines.append(Line(side="char" if spoken == char else "user", by=spoken, text=row))
        elif lines and row.strip():
            lines[-1] = replace(lines[-1], text=f"{lines[-1].text}\n{row}")
    return lines


def _line(turn: Turn, *, hinted: bool) -> Line:
    if turn.narrated:
        return Line(side="note", text=turn.text, turn=turn.id)
    length = turn.record.get("length") if hinted else ""
    return Line(
        side="user" if turn.side == "user" else "char",
        by=turn.speaker,
        text=turn.text,
        length=length if isinstance(length, str) else "",
        turn=turn.id,
    )


def _note(text: str, *, behind: Sequence[Line]) -> Line:
    return Line(side="note", text=text, turn=behind[-1].turn if behind else 0)


def _character(card: Card, *, user: str) -> Character:
    def told(text: str) -> str:
        return expand(text, char=card.spoken_name, user=user)

    return Character(
        name=card.spoken_name,
        sheet=_expand_sheet(card.sheet, char=card.spoken_name, user=user),
        description=told(card.description),
        personality=told(card.personality),
        examples=told(card.example_dialogue),
    )


def _persona(persona: Persona, *, char: str) -> Character:
    return Character(
        name=persona.name,
        sheet=_expand_sheet(persona.sheet, char=char, user=persona.name),
        description=expand(persona.description, char=char, user=persona.name),
    )


def _expand_sheet(sheet: Sheet, *, char: str, user: str) -> Sheet:
    return {
        label: expand(value, char=char, user=user)
        if isinstance(value, str)
        else tuple(expand(point, char=char, user=user) for point in value)
        for label, value in sheet.items()
    }
