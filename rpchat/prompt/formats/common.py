"""What the formats share: the rules every message text obeys, and the names at the start of a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from rpchat.prompt.conversation import Conversation, Line
from rpchat.prompt.segment import Origin, Segment, Stops, Vocabulary, control, text


class Adapter(Protocol):
    """A prompt format. Pure: the same conversation and vocabulary give the same segments.

    Where the conversation is `drafting`, the prompt ends with the open side of the user instead of a character's; what
    stands in front of that is the same, so that nothing is read again.
    """

    @property
    def name(self) -> str:
        """The name presets use."""
        ...

    @property
    def controls(self) -> tuple[str, ...]:
        """Control tokens it uses where the vocabulary has them as one token."""
        ...

    def render(self, conversation: Conversation, vocabulary: Vocabulary) -> tuple[Segment, ...]:
        """Return the prompt."""
        ...

    def stops(self, conversation: Conversation) -> Stops:
        """Return what ends the reply."""
        ...

    @property
    def lengths(self) -> tuple[str, ...]:
        """The length hints the format knows, shortest first; empty where it has none."""
        ...

    def length_of(self, message: str) -> str:
        """Return the length hint a finished message would have; empty where the format tells none of past ones."""
        ...

    def opening(self, speaker: str) -> str:
        """Return how a line of the speaker begins: what primes a model that would not begin by itself."""
        ...

    def draft_opening(self, user: str) -> str:
        """Return the prefill a draft of the user's line is asked for with; empty where the cue says enough."""
        ...

    def resume(self, speaker: str, shown: str) -> str:
        """Return the prefill with which a reply goes on behind `shown`, which the reader already sees."""
        ...


def told_as(line: Line) -> Origin:
    """Return what the text of a line is there for."""
    if line.side in ("user", "char"):
        return "history"
    return "lore" if line.side == "lore" else "note"


def begin(vocabulary: Vocabulary) -> list[Segment]:
    """Return the beginning-of-sequence token, once, where the vocabulary wants one."""
    return [control(vocabulary.bos)] if vocabulary.bos is not None else []


def cut_controls(literal: str, vocabulary: Vocabulary) -> list[Segment]:
    """Return a format's own text as control tokens, where the vocabulary has them, and text; longer names win."""
    names = sorted(vocabulary.controls, key=len, reverse=True)
    if not names:
        return [text(literal)] if literal else []
    pattern = re.compile("(" + "|".join(re.escape(name) for name in names) + ")")
    return [control(part) if at % 2 else text(part) for at, part in enumerate(pattern.split(literal)) if part]


def without_last_space(segments: list[Segment]) -> list[Segment]:
    """Return the segments without spaces at their end, where nothing stands behind them: a model's first piece carries
    its own."""
    if not segments or segments[-1].kind == "c":
        return segments
    return [*segments[:-1], replace(segments[-1], text=segments[-1].text.rstrip(" "))]


def tidy(text: str) -> str:
    """Return message text as every format wants it: LF, no newlines at the ends, no white space at the end."""
    return text.replace("\r\n", "\n").strip("\n").rstrip()


def plain_space(text: str) -> str:
    """Return `text` without U+2581, which SentencePiece vocabularies read as their space."""
    return text.replace("\u2581", "_")


def without_instruction_marks(text: str) -> str:
    """Return `text` with `[INST]` and `[/INST]` made harmless, for formats that write them as text."""
    return plain_space(text).replace("[INST]", "(INST)").replace("[/INST]", "(/INST)")


def speaker_lines(names: Iterable[str]) -> tuple[str, ...]:
    """Return the stops at a line start that open a line of these speakers: `Name:` in both widths."""
    return tuple(name + colon for name in names for colon in ":：")


def named_cue(conversation: Conversation) -> str:
    """Return how the reply begins in a format that may put names in front: `Name:`, then the prefill."""
    name, prefill = conversation.speaker, conversation.prefill
    if not (conversation.names and name):
        return prefill
    rest = prefill.removeprefix(f"{name}:").lstrip()
    return f"{name}: {rest}" if rest else f"{name}:"


_SPOKEN = re.compile(r"[「『]")
_NARRATED = re.compile(r"[(（]")


def japanese_opening(name: str) -> str:
    """Return how speech begins in the manner `名前「speech」`."""
    return f"{name}「"


def japanese_line(name: str, text: str) -> str:
    """Return a line in the manner `名前「speech」(scene)`: speech gets the name in front, narration and lines that
    already open with the name stay, bare text is speech."""
    if _SPOKEN.match(text):
        return name + text
    if _NARRATED.match(text) or text.startswith(name):
        return text
    return f"{japanese_opening(name)}{text}」"


def japanese_stops(conversation: Conversation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stops `(anywhere, at a line start)` of the Japanese manner: the other side's lines in every form, and
    of the members who share the reply's side their speech."""
    answering = conversation.others() if conversation.drafting else (conversation.user.name,)
    line = [*speaker_lines(answering), *(name + bracket for name in answering for bracket in "(（")]
    line += [japanese_opening(name) for name in conversation.others() if name not in answering]
    return tuple(japanese_opening(name) for name in answering), tuple(line)


class WithoutLengths:
    """Adapters whose format has no length hints."""

    __slots__ = ()

    @property
    def lengths(self) -> tuple[str, ...]:
        """None."""
        return ()

    def length_of(self, message: str) -> str:  # noqa: ARG002
        """Return nothing."""
        return ""


class JapaneseManner(WithoutLengths):
    """Adapters whose lines read `名前「speech」(scene)`."""

    __slots__ = ()

    def opening(self, speaker: str) -> str:
        """Return `名前「`."""
        return japanese_opening(speaker)

    def draft_opening(self, user: str) -> str:
        """Return `名前「`: the block alone does not say whose line it is."""
        return japanese_opening(user)

    def resume(self, speaker: str, shown: str) -> str:
        """Return the shown text, the speaker's name in front if it opens with speech."""
        kept = shown.rstrip()
        return speaker + kept if _SPOKEN.match(kept) else kept


class PrimedByName(WithoutLengths):
    """Adapters whose cue ends with the speaker's name in any case."""

    __slots__ = ()

    def opening(self, speaker: str) -> str:  # noqa: ARG002
        """Return nothing: the name is there already."""
        return ""

    def draft_opening(self, user: str) -> str:  # noqa: ARG002
        """Return nothing: the name is there already."""
        return ""

    def resume(self, speaker: str, shown: str) -> str:  # noqa: ARG002
        """Return the shown text without white space at its end."""
        return shown.rstrip()


class Unprimed(WithoutLengths):
    """Adapters whose cue holds the speaker's name only where names stand in front of every line."""

    __slots__ = ()

    def opening(self, speaker: str) -> str:
        """Return `Name:`."""
        return f"{speaker}:"

    def draft_opening(self, user: str) -> str:  # noqa: ARG002
        """Return nothing: the block says that it is the user's."""
        return ""

    def resume(self, speaker: str, shown: str) -> str:  # noqa: ARG002
        """Return the shown text without white space at its end."""
        return shown.rstrip()
