"""A format told as data (`story.sequences`): the adapter behind generic and imported instruct presets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rpchat.prompt.conversation import Conversation, Line
from rpchat.prompt.formats.common import Unprimed, begin, cut_controls, named_cue, speaker_lines, tidy
from rpchat.prompt.segment import Origin, Segment, Stops, Vocabulary, text
from rpchat.prompt.setup import setup_text
from rpchat.story.sequences import Sequences

_FULL_WIDTH = {ord(mark): ord(mark) + 0xFEE0 for mark in "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}


@dataclass(frozen=True, slots=True)
class _Block:
    side: str
    texts: tuple[str, ...]
    origin: Origin


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
        marks = self._text_marks(vocabulary)
        segments = begin(vocabulary)

        def add(literal: str) -> None:
            parts = cut_controls(literal, vocabulary)
            # The vocabulary's own beginning is there already.
            segments.extend(parts[1:] if segments[-1:] == parts[:1] == begin(vocabulary) else parts)

        blocks = self._blocks(conversation)
        firsts = {"user": self.sequences.first_user_prefix, "char": self.sequences.first_char_prefix}
        last_user = max((at for at, block in enumerate(blocks) if block.side == "user"), default=-1)
        for at, block in enumerate(blocks):
            prefix, suffix = self._around(block.side)
            prefix = firsts.pop(block.side, "") or prefix
            if at == last_user and self.sequences.last_user_prefix:
                prefix = self.sequences.last_user_prefix
            add(prefix)
            segments.append(text(_harmless("\n".join(block.texts), marks), block.origin))
            add(suffix)
        add(self.sequences.last_char_prefix or self.sequences.char_prefix)
        segments.append(text(_harmless(named_cue(self._named(conversation)), marks), "cue"))
        return tuple(segments)

    def _around(self, side: str) -> tuple[str, str]:
        told = self.sequences
        return {
            "system": (told.system_prefix, told.system_suffix),
            "user": (told.user_prefix, told.user_suffix),
            "char": (told.char_prefix, told.char_suffix),
            "note": (told.note_prefix or "", told.note_suffix),
        }[side]

    def _blocks(self, conversation: Conversation) -> list[_Block]:
        setup = tidy(setup_text(conversation))
        opens = self.sequences.system_in_first_user
        blocks = [] if opens else [_Block("system", (setup,), "setup")]
        waiting = [f"{setup}{self.sequences.system_separator.removesuffix(chr(10))}"] if opens and setup else []
        for line in conversation.lines:
            content = self._content(line, conversation)
            if not content:
                continue
            if line.side not in ("user", "char"):
                if self.sequences.note_prefix is None:
                    waiting.append(content)
                else:
                    blocks.append(_Block("note", (content,), "note"))
                continue
            before: tuple[str, ...] = ()
            if line.side == "user" or (opens and not blocks):
                before, waiting = tuple(waiting), []
            if before and line.side == "char":
                blocks.append(_Block("user", before, "setup"))
                before = ()
            if self.sequences.alternate and blocks and blocks[-1].side == line.side:
                blocks[-1] = _Block(line.side, (*blocks[-1].texts, *before, content), "history")
            else:
                blocks.append(_Block(line.side, (*before, content), "history"))
        if waiting:
            blocks.append(_Block("user", tuple(waiting), "note" if blocks else "setup"))
        return blocks

    def _content(self, line: Line, conversation: Conversation) -> str:
        content = tidy(line.text)
        return f"{line.by}: {content}" if content and line.by and self._named(conversation).names else content

    def _named(self, conversation: Conversation) -> Conversation:
        policy = self.sequences.names
        names = policy == "always" or (policy == "groups" and (conversation.names or len(conversation.chars) > 1))
        return replace(conversation, names=names)

    def _literals(self) -> Iterable[str]:
        told = self.sequences
        yield from (told.system_prefix, told.user_prefix, told.char_prefix, told.system_suffix, told.user_suffix)
        yield from (told.char_suffix, told.first_user_prefix, told.first_char_prefix, told.last_user_prefix)
        yield from (told.last_char_prefix, told.note_prefix or "", told.note_suffix)

    def _text_marks(self, vocabulary: Vocabulary) -> list[str]:
        """The lines of the sequences that are text in this vocabulary and long enough to be marks; longest first."""
        parts = (part for literal in self._literals() for part in cut_controls(literal, vocabulary))
        lines = {line.strip() for part in parts if part.kind == "t" for line in part.text.split("\n")}
        marks = (line for line in lines if len(line) > 2 and any(ord(sign) in _FULL_WIDTH for sign in line))
        return sorted(marks, key=len, reverse=True)

    def stops(self, conversation: Conversation) -> Stops:
        """Return the control tokens, the marks that open another message, and the lines of everybody else."""
        marks = self._text_marks(Vocabulary(bos=None, controls=frozenset(self.sequences.controls)))
        return Stops(
            control=tuple(f"{name}?" for name in self.sequences.controls),
            line=(*marks, *speaker_lines([conversation.user.name, *conversation.others()])),
        )


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
