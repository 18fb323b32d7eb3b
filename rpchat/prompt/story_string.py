"""A preset's own setup text: words of the scene put into a frame the preset gives.

`{{name}}` stands for a text, `{{#if name}} … {{else}} … {{/if}}` keeps a part only where there is one (also nested),
`{{trim}}` at the end takes white space off both ends: the part of Handlebars that story strings are written in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from rpchat.errors import PromptError

# Nothing is given back here, so that a file with ten thousand spaces in a tag costs no time.
_TAG = re.compile(r"\{\{\s*+(#if|/if|else|trim)?+\s*+([A-Za-z_]*+)\s*+\}\}")


def fill_story(frame: str, words: Mapping[str, str]) -> str:
    """Return the frame with the words put in. Raises PromptError for an unknown name or an `if` that is not closed.

    Words are put in once: what looks like a tag inside them stays as it is.
    """
    parts = _parts(frame)
    text, closed_by = _block(parts, words)
    if closed_by:
        raise PromptError(f"the story string has a `{{{{{closed_by}}}}}` without its `{{{{#if}}}}`")
    return text.strip() if "{{trim}}" in frame.replace(" ", "") else text


def _parts(frame: str) -> Iterator[tuple[str, str]]:
    """The frame as `(kind, content)`: `text`, or a tag's kind (`word` for a plain one) with its name."""
    position = 0
    for match in _TAG.finditer(frame):
        yield "text", frame[position : match.start()]
        yield match[1] or "word", match[2]
        position = match.end()
    yield "text", frame[position:]


def _block(parts: Iterator[tuple[str, str]], words: Mapping[str, str]) -> tuple[str, str]:
    """Read up to the end or to an `else` or `/if` that belongs to an outer block; return the text and that tag."""
    told = ""
    for kind, content in parts:
        match kind:
            case "text":
                told += content
            case "word":
                told += _word(content, words)
            case "#if":
                told += _choice(_word(content, words), parts, words)
            case "else" | "/if":
                return told, kind
    return told, ""


def _choice(condition: str, parts: Iterator[tuple[str, str]], words: Mapping[str, str]) -> str:
    then, closed_by = _block(parts, words)
    otherwise = ""
    if closed_by == "else":
        otherwise, closed_by = _block(parts, words)
    if closed_by != "/if":
        raise PromptError("the story string has an `{{#if}}` without its `{{/if}}`")
    return then if condition.strip() else otherwise


def _word(name: str, words: Mapping[str, str]) -> str:
    if name not in words:
        near = get_close_matches(name, words, n=1)
        hint = f"Did you mean `{near[0]}`?" if near else f"There are {', '.join(words)}."
        raise PromptError(f"the story string names `{name}`, which there is not", hint)
    return words[name]
