"""Story strings of SillyTavern into story strings of ours (`prompt.story_string`), and back.

The text in front of the first tag and behind the last is always told, and often holds the marks of the system message:
it is taken off, so that it can stand around the setup as what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rpchat.errors import FileError, PromptError
from rpchat.prompt.story_string import fill_story

WORDS: Mapping[str, str] = {
    "char": "char",
    "user": "user",
    "system": "instruction",
    "description": "description",
    "personality": "personality",
    "persona": "persona",
    "scenario": "scenario",
    "wiBefore": "lore",
    "loreBefore": "lore",
    "mesExamples": "examples",
    "mesExamplesRaw": "examples",
}
"""The words of their story strings, and ours."""

OURS = frozenset({*WORDS.values(), "title", "tags"})
THEIRS: Mapping[str, str] = {ours: theirs for theirs, ours in reversed(list(WORDS.items()))}

_UNSAID = frozenset({"wiAfter", "loreAfter", "anchorBefore", "anchorAfter"})
"""What nothing is ever put into here: lore stands in one place, and there are no extensions."""

_SYNONYMS = {"charIfNotGroup": "char", "group": "char"}
_TAG = re.compile(r"\{\{([^{}]{0,200})\}\}")
_RAW_TAG = re.compile(r"\{\{\{([^{}]{0,200})\}\}\}")
_BRACES = re.compile(r"\{{2,}")
_LONGEST = 100_000
_DEEPEST = 50
_TRIM = "{{trim}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story string, taken apart."""

    frame: str
    """What is told between the two, in our words; empty if there are no words at all."""
    before: str = ""
    after: str = ""
    notes: tuple[str, ...] = ()

    @property
    def tells_examples(self) -> bool:
        """Whether example dialogue stands in it."""
        return "{{examples}}" in self.frame


def read_story(source: str) -> Story:
    """Return a story string in our words. Raises FileError if it is too long or its tags do not close."""
    if len(source) > _LONGEST:
        raise FileError("The story string is too long")
    notes: list[str] = []
    pieces = _pieces(_RAW_TAG.sub(r"{{\1}}", source), notes)
    first = next((at for at, piece in enumerate(pieces) if piece.startswith("{{")), len(pieces))
    last = next((at for at in range(len(pieces), first, -1) if pieces[at - 1].startswith("{{")), first)
    before, told, after = "".join(pieces[:first]), pieces[first:last], "".join(pieces[last:])
    trimmed = told[-1:] == [_TRIM]
    frame = _untrimmed(told)
    if trimmed:
        after = after.lstrip("\n")
    elif frame.endswith("\n{{/if}}") and not after.startswith("\n"):
        after = f"\n{after}"
    check_frame(frame)
    lines = tuple(dict.fromkeys(notes))
    return Story(frame=f"{frame}{_TRIM}" if frame else "", before=before.lstrip("\n"), after=after, notes=lines)


def write_story(frame: str) -> str:
    """Return a story string of ours in their words."""

    def renamed(match: re.Match[str]) -> str:
        tag = _tag(match)
        if tag.mark == "#":
            return f"{{{{#{tag.word} {THEIRS.get(tag.rest, tag.rest)}}}}}"
        return f"{{{{{tag.mark}{THEIRS.get(tag.word, tag.word)}}}}}"

    told = _TAG.sub(renamed, frame)
    return told if _TRIM in told else f"{told}{_TRIM}"


def _pieces(source: str, notes: list[str]) -> list[str]:
    """Return text and tags by turns, every tag one of ours."""
    pieces: list[str] = []
    position = 0
    stack: list[_Open] = []
    for match in _TAG.finditer(source):
        _add_text(source[position : match.start()], pieces)
        position = match.end()
        _add(_tag(match), pieces, stack, notes)
    _add_text(source[position:], pieces)
    if stack:
        raise FileError(f"The story string has a `{{{{#{stack[-1].kind}}}}}` that is not closed")
    return pieces


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag: `#` or `/` or nothing, a word, and what stands behind it."""

    mark: str
    word: str
    rest: str


def _tag(match: re.Match[str]) -> _Tag:
    content = match[1].strip()
    mark = content[:1] if content[:1] in ("#", "/") else ""
    word, _, rest = content.removeprefix(mark).strip().partition(" ")
    return _Tag(mark, word, rest.strip())


def _add_text(text: str, pieces: list[str]) -> None:
    """Add text, in which nothing can be taken for a tag."""
    if text:
        pieces.append(_BRACES.sub("{", text))


@dataclass(slots=True)
class _Open:
    """A block that is open: where its first and its second half begin in the pieces."""

    kind: str
    begins: int
    other: int | None = None


def _add(tag: _Tag, pieces: list[str], stack: list[_Open], notes: list[str]) -> None:
    """Add a tag in our words to the pieces; a block that is not said here, or said the other way, is put right when it
    closes."""
    match (tag.mark, tag.word):
        case ("#", "if" | "unless" as kind):
            if len(stack) >= _DEEPEST:
                raise FileError("The story string is nested too deeply")
            stack.append(_Open(kind, len(pieces)))
            pieces.append(f"{{{{#if {_word(tag.rest, notes) or _NOTHING}}}}}")
        case ("#", kind):
            raise FileError(f"The story string has a `{{{{#{kind[:20]}}}}}`, which has no counterpart")
        case ("", "else"):
            if not stack or stack[-1].other is not None:
                raise FileError("The story string has an `{{else}}` without its `{{#if}}`")
            stack[-1].other = len(pieces)
            pieces.append("{{else}}")
        case ("/", kind):
            if not stack or stack[-1].kind != kind:
                raise FileError(f"The story string has a `{{{{/{kind[:20]}}}}}` without its beginning")
            _close(stack.pop(), pieces)
        case ("", "trim"):
            pieces.append(_TRIM)
        case (_, word):
            ours = _word(f"{word} {tag.rest}".strip(), notes)
            pieces.extend([f"{{{{{ours}}}}}"] if ours else [])


_NOTHING = "-"


def _close(block: _Open, pieces: list[str]) -> None:
    opening, body = pieces[block.begins], pieces[block.begins + 1 :]
    split = len(body) if block.other is None else block.other - block.begins - 1
    then, otherwise = body[:split], body[split + 1 :]
    if block.kind == "unless":
        then, otherwise = otherwise, then
    del pieces[block.begins :]
    if opening == f"{{{{#if {_NOTHING}}}}}":
        pieces += otherwise
        return
    pieces += [opening, *then, *(["{{else}}", *otherwise] if otherwise else []), "{{/if}}"]


def _word(name: str, notes: list[str]) -> str:
    """Return our word for one of theirs; nothing where there is none, with a note unless nobody misses it."""
    name = _SYNONYMS.get(name, name)
    if name in WORDS:
        return WORDS[name]
    if name not in _UNSAID and name:
        notes.append(f"The story string names `{name[:40]}`, which has no counterpart and is left out")
    return ""


def _untrimmed(pieces: list[str]) -> str:
    """Return the pieces as one text, without the trim tags and the line breaks that stand around them."""
    told = ""
    eating = False
    for piece in pieces:
        if piece == _TRIM:
            told, eating = told.rstrip("\n"), True
            continue
        told += piece.lstrip("\n") if eating else piece
        eating = eating and not piece.strip("\n")
    return told


def check_frame(frame: str) -> None:
    """Raise FileError if a story string of ours cannot be read."""
    try:
        fill_story(frame, dict.fromkeys(OURS, ""))
    except PromptError as error:
        raise FileError(f"The story string cannot be read: {error.message}") from error


def words_in(frame: str) -> Iterator[str]:
    """Yield the words that a frame of ours names."""
    for match in _TAG.finditer(frame):
        tag = _tag(match)
        word = tag.rest if tag.word == "if" else tag.word
        if word in OURS:
            yield word
