"""A format told as data (`story.sequences`): the adapter behind generic and imported instruct presets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rpchat.prompt.conversation import Conversation, Line
from rpchat.prompt.formats.common import (
    Unprimed,
    begin,
    cut_controls,
    named_cue,
    speaker_lines,
    tidy,
    told_as,
    without_last_space,
)
from rpchat.prompt.segment import Segment, Stops, Vocabulary, text
from rpchat.prompt.setup import setup_text
from rpchat.story.macros import expand
from rpchat.story.sequences import Sequences

_MACRO = re.compile(r"\{\{(char|user|name)\}\}", re.IGNORECASE)
_MACRO_APART = re.compile(_MACRO.pattern.replace("(", "(?:"), re.IGNORECASE)
_NOBODY = "System"
_COLONS = " :："
_FULL_WIDTH = {ord(mark): ord(mark) + 0xFEE0 for mark in "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}


@dataclass(frozen=True, slots=True)
class _Block:
    side: str
    content: tuple[Segment, ...]
    by: str = ""
    """Who says it."""
    drafted: bool = False
    """Whether it ends with the beginning of a line that is to be written."""


@dataclass(frozen=True, slots=True)
class SequencesAdapter(Unprimed):
    """The `sequences` adapter of one preset."""

    sequences: Sequences
    name: str = "sequences"

    @property
    def controls(self) -> tuple[str, ...]:
        """The control tokens the sequences name."""
        return self.sequences.controls

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:
        """Return the prompt; a sequence's text that is no control token here is made harmless in messages."""
        marks = self._text_marks(vocabulary, _everybody(conversation))
        segments = begin(vocabulary)

        def add(literal: str, by: str) -> None:
            names = {"user": conversation.user.name, "char": _char(conversation, by), "name": by or _NOBODY}
            parts = _spelt(literal, vocabulary, {macro: _harmless(name, marks) for macro, name in names.items()})
            # The vocabulary's own beginning is there already.
            segments.extend(parts[1:] if segments[-1:] == parts[:1] == begin(vocabulary) else parts)

        blocks = self._blocks(conversation, marks)
        firsts = {"user": self.sequences.first_user_prefix, "char": self.sequences.first_char_prefix}
        cue = text(_harmless(named_cue(self._named(conversation)), marks), "cue")
        # A draft does not make the line in front of it any less the last one the user said.
        said = [at for at, block in enumerate(blocks) if block.side == "user" and block.content]
        for at, block in enumerate(blocks):
            prefix, suffix = self._around(block.side)
            if at == max(said, default=-1) or block.drafted:
                prefix = _given(self.sequences.last_user_prefix, prefix)
            add(_given(firsts.pop(block.side, None), prefix), block.by)
            segments.extend(block.content)
            if not block.drafted:
                add(suffix, block.by)
        if not conversation.drafting:
            add(_given(self.sequences.last_char_prefix, self.sequences.char_prefix), conversation.speaker)
        elif not cue.text:
            segments = without_last_space(segments)
        return (*segments, cue)

    def _around(self, side: str) -> tuple[str, str]:
        told = self.sequences
        return {
            "system": (told.system_prefix, told.system_suffix),
            "user": (told.user_prefix, told.user_suffix),
            "char": (told.char_prefix, told.char_suffix),
            "note": (told.note_prefix or "", told.note_suffix),
        }[side]

    def _blocks(self, conversation: Conversation, marks: list[str]) -> list[_Block]:
        setup = text(_harmless(tidy(setup_text(conversation)), marks), "setup")
        blocks = [] if self.sequences.system_in_first_user else [_Block("system", (setup,))]
        waiting = (setup, text(self.sequences.system_separator)) if self.sequences.system_in_first_user else ()
        opening, user = self._opening(conversation, marks), conversation.user.name
        for line in conversation.lines:
            content = _harmless(self._content(line, conversation), marks)
            if not content:
                continue
            if line.side in ("user", "char"):
                if line.side == "char" and (opening or (waiting and not blocks)):
                    blocks.append(_Block("user", (*waiting, *opening) if opening else waiting[:1], user))
                    waiting = ()
                before = waiting if line.side == "user" else ()
                waiting, opening = () if line.side == "user" else waiting, ()
                said = (*before, text(content, "history", turn=line.turn))
                self._append(blocks, _Block(line.side, said, line.by))
                continue
            told = text(content, told_as(line), turn=line.turn)
            if self.sequences.note_prefix is not None:
                blocks.append(_Block("note", (told,)))
            else:
                waiting = (*waiting, told, text("\n"))
        if conversation.drafting:
            self._append(blocks, _Block("user", waiting, user, drafted=True))
        elif opening or waiting:
            self._append(blocks, _Block("user", (*waiting, *opening) if opening else waiting[:-1], user))
        return blocks

    def _opening(self, conversation: Conversation, marks: list[str]) -> tuple[Segment, ...]:
        """What the user is made to say in front of a character's first line; most formats have nothing of the kind."""
        told = expand(self.sequences.user_opening, char=_char(conversation, ""), user=conversation.user.name)
        return (text(_harmless(told, marks), "setup"),) if told else ()

    def _append(self, blocks: list[_Block], block: _Block) -> None:
        if self.sequences.alternate and blocks and blocks[-1].side == block.side:
            content = (*blocks[-1].content, text("\n"), *block.content)
            blocks[-1] = _Block(block.side, content, blocks[-1].by, drafted=block.drafted)
        else:
            blocks.append(block)

    def _content(self, line: Line, conversation: Conversation) -> str:
        content = tidy(line.text)
        return f"{line.by}: {content}" if content and line.by and self._named(conversation).names else content

    def _named(self, conversation: Conversation) -> Conversation:
        policy = self.sequences.names
        names = policy == "always" or (policy == "groups" and (conversation.names or len(conversation.chars) > 1))
        return replace(conversation, names=names)

    def _literals(self) -> list[str]:
        told = self.sequences
        given = [
            told.system_prefix, told.system_suffix, told.system_separator, told.user_prefix, told.user_suffix,
            told.char_prefix, told.char_suffix, told.note_prefix, told.note_suffix, told.first_user_prefix,
            told.first_char_prefix, told.last_user_prefix, told.last_char_prefix,
        ]  # fmt: skip
        return [literal for literal in given if literal]

    def _text_marks(self, vocabulary: Vocabulary, names: Iterable[str]) -> list[str]:
        """The lines of the sequences that are text in this vocabulary and long enough to be marks; longest first.

        One with a name in it is a mark with any of the `names`; one that is nothing but a name is none.
        """
        parts = (part for literal in self._literals() for part in cut_controls(literal, vocabulary))
        told = {line.strip() for part in parts if part.kind == "t" for line in part.text.split("\n")}
        plain = {line for line in told if not _MACRO.search(line)}
        named = {line for line in told - plain if _MACRO.sub("", line).strip(_COLONS)}
        lines = plain | {name.join(_MACRO_APART.split(line)) for line in named for name in names}
        marks = (line for line in lines if len(line) > 2 and any(ord(sign) in _FULL_WIDTH for sign in line))
        return sorted(marks, key=len, reverse=True)

    def stops(self, conversation: Conversation) -> Stops:
        """Return the control tokens, the marks that open another message, and the lines of everybody else."""
        everything = Vocabulary(bos=None, controls=frozenset(self.sequences.controls))
        marks = self._text_marks(everything, conversation.silent())
        return Stops(
            control=tuple(f"{name}?" for name in self.sequences.controls),
            line=(*marks, *speaker_lines(conversation.silent())),
        )


def _everybody(conversation: Conversation) -> tuple[str, ...]:
    return (conversation.user.name, *(char.name for char in conversation.chars), *conversation.bystanders)


def _char(conversation: Conversation, by: str) -> str:
    """Whom `{{char}}` names in a sequence: the character whose message it is, else the first."""
    if by and by != conversation.user.name:
        return by
    return conversation.chars[0].name if conversation.chars else conversation.speaker


def _spelt(literal: str, vocabulary: Vocabulary, names: Mapping[str, str]) -> list[Segment]:
    """Return a sequence as control tokens and text; a name in it is text, whatever it looks like."""
    segments: list[Segment] = []
    for at, piece in enumerate(_MACRO.split(literal)):
        segments += [text(names[piece.lower()])] if at % 2 else cut_controls(piece, vocabulary)
    return segments


def _given(special: str | None, ordinary: str) -> str:
    return ordinary if special is None else special


def _harmless(message: str, marks: list[str]) -> str:
    """Return the message with the first sign of every mark in full width, wherever it stands and in any case."""
    for mark in marks:
        message = re.sub(re.escape(mark), lambda match: _widened(match[0]), message, flags=re.IGNORECASE)
    return message


def _widened(mark: str) -> str:
    for at, sign in enumerate(mark):
        if ord(sign) in _FULL_WIDTH:
            return mark[:at] + sign.translate(_FULL_WIDTH) + mark[at + 1 :]
    return mark
