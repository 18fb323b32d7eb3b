"""YAML 1.2 into plain data, event by event, so that a hostile file is refused before it costs anything.

Imported inside `reading.load_yaml` only. The data is built here and not by ruamel's constructor: that one expands
aliases and merges before anybody can count, and gives up the spelling of numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.scanner import Scanner

from rpchat.errors import FileError
from rpchat.store.scalars import WrittenFloat, WrittenInt
from rpchat.story.text import clean, one_line

_MAX_LINES = 50_000
_MAX_DEPTH = 50
_MAX_NODES = 20_000
_MAX_PLAIN_WORDS = 60_000
_MAX_CHARACTERS = 4 << 20
_LONGEST_NUMBER = 40

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def read_yaml(text: str, *, name: str) -> object:
    """Return the data of the one document in `text`, None for an empty one. Raises FileError naming `name`."""
    if text.count("\n") > _MAX_LINES:
        raise FileError(f"{name} is too long: at most {_MAX_LINES} lines are read")
    reader = YAML(typ="safe", pure=True)
    reader.Scanner = _ThriftyScanner
    builder = _Builder(events=reader.parse(text))
    try:
        return builder.document()
    except _RefusedError as error:
        raise FileError(f"{name}, line {error.line}: {error}") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        problem = one_line(error.problem or error.context or "this is not YAML")
        raise FileError(f"{name}{where}: {problem}") from error
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ReaderError (a control character), and numbers in escapes and directives that fit no character.
        raise FileError(f"{name} is not YAML: {one_line(str(error))}") from error


class _RefusedError(Exception):
    """Why a document is refused, and in which line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _ThriftyScanner(Scanner):
    """Refuses, where it begins, what ruamel takes long to read.

    That is a tag, which takes time that grows with its square, and prose by the hundred thousand words outside of
    quotes and blocks, which is read word by word.
    """

    _words = 0

    def fetch_tag(self) -> None:
        raise _RefusedError("a YAML tag (`!…`) is not read; put the text in quotes", self.reader.line + 1)

    def scan_plain_spaces(self, indent: object, start_mark: object) -> object:
        self._words += 1
        if self._words > _MAX_PLAIN_WORDS:
            raise _RefusedError("too much text without quotes; use a block (`|`)", self.reader.line + 1)
        return super().scan_plain_spaces(indent, start_mark)


@dataclass(frozen=True, slots=True)
class _Node:
    """A value, and what it costs once every alias in it is written out."""

    value: object
    count: int
    characters: int


class _Builder:
    """Makes plain data of events, and counts while it does."""

    def __init__(self, *, events: Iterator[Event]) -> None:
        self._events = events
        self._anchors: dict[str, _Node] = {}
        self._nodes = 0

    def document(self) -> object:
        """Return the value of the only document."""
        next(self._events)  # the stream begins
        if not isinstance(next(self._events), DocumentStartEvent):
            return None
        node = self._node(next(self._events), 0)
        next(self._events)  # the document ends
        event = next(self._events)
        if isinstance(event, DocumentStartEvent):
            raise _RefusedError("a second document begins here (`---`)", _line(event))
        return node.value

    def _node(self, event: Event, depth: int) -> _Node:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _RefusedError(f"more than {_MAX_NODES} values", _line(event))
        if depth > _MAX_DEPTH:
            raise _RefusedError(f"nested more than {_MAX_DEPTH} levels deep", _line(event))
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if isinstance(event, ScalarEvent):
            text = clean(event.value)
            node = _Node(_resolved(text) if event.style is None else text, 1, len(text))
        elif isinstance(event, MappingStartEvent):
            node = self._mapping(event, depth)
        else:
            node = self._sequence(event, depth)
        if isinstance(event, NodeEvent) and event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: AliasEvent) -> _Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _RefusedError(f"nothing is named `&{one_line(event.anchor, 40)}` above here", _line(event))
        return node

    def _sequence(self, event: Event, depth: int) -> _Node:
        items: list[object] = []
        tally = _Tally(event)
        while not isinstance(following := next(self._events), SequenceEndEvent):
            items.append(tally.add(self._node(following, depth + 1)))
        return tally.node(items)

    def _mapping(self, event: Event, depth: int) -> _Node:
        own: dict[str, object] = {}
        merged: dict[str, object] = {}
        tally = _Tally(event)
        while not isinstance(following := next(self._events), MappingEndEvent):
            key = self._key(following)
            value = tally.add(self._node(next(self._events), depth + 1))
            if key == "<<" and isinstance(following, ScalarEvent) and following.style is None:
                _merge(merged, value, _line(following))
            elif key in own:
                raise _RefusedError(f"the key `{one_line(key, 40)}` stands there twice", _line(following))
            else:
                own[key] = value
        return tally.node({**merged, **own})

    def _key(self, event: Event) -> str:
        if isinstance(event, AliasEvent):
            value = self._alias(event).value
            if isinstance(value, str):
                return value
        elif isinstance(event, ScalarEvent):
            if event.anchor:
                self._anchors[event.anchor] = _Node(clean(event.value), 1, len(event.value))
            return clean(event.value)
        if isinstance(event, CollectionStartEvent | AliasEvent):
            raise _RefusedError("a key must be a text", _line(event))
        raise _RefusedError("a key was expected", _line(event))


class _Tally:
    """Adds up what a collection costs, and refuses it while it grows too large."""

    def __init__(self, event: Event) -> None:
        self._line = _line(event)
        self._count = 1
        self._characters = 0

    def add(self, node: _Node) -> object:
        """Count `node` in and return its value."""
        self._count += node.count
        self._characters += node.characters
        if self._count > _MAX_NODES or self._characters > _MAX_CHARACTERS:
            raise _RefusedError("too much stands here once every alias is written out", self._line)
        return node.value

    def node(self, value: object) -> _Node:
        """Return the collection as a node."""
        return _Node(value, self._count, self._characters)


def _merge(target: dict[str, object], value: object, line: int) -> None:
    """Add the mapping, or the list of mappings, behind `<<`; what is there already stays, as YAML has it."""
    for mapping in value if isinstance(value, list) else [value]:
        if not isinstance(mapping, dict):
            raise _RefusedError("`<<` needs a mapping", line)
        for key, item in mapping.items():
            target.setdefault(key, item)


def _resolved(text: str) -> object:
    """Return the value of a plain scalar by the core schema of YAML 1.2; a number out of range stays a text."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return WrittenInt(int(text[2:], base) if base != 10 else int(text), text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return text if math.isinf(number) else WrittenFloat(number, text)
    if _INFINITY.fullmatch(text):
        return WrittenFloat(-math.inf if text[0] == "-" else math.inf, text)
    return text


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1
