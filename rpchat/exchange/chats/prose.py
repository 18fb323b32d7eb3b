"""The told line as text to be read by people: Markdown, or plain."""

from __future__ import annotations

import re

from rpchat.story.scene import Scene
from rpchat.story.text import one_line

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|])")
_LONE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")


def as_markdown(scene: Scene) -> bytes:
    """Return the told line as Markdown: the title, and each turn under its speaker's name."""
    turns = [f"**{_escaped(turn.speaker)}**\n\n{_with_breaks(turn.text.strip())}\n" for turn in scene.line()]
    return "\n".join([f"# {_escaped(scene.title)}\n", *turns]).encode()


def as_text(scene: Scene) -> bytes:
    """Return the told line as plain text: `Name: text`, with an empty line between turns."""
    turns = [f"{one_line(turn.speaker)}: {turn.text.strip()}\n" for turn in scene.line()]
    return "\n".join(turns).encode()


def _escaped(name: str) -> str:
    return _MARKS.sub(r"\\\1", one_line(name))


def _with_breaks(text: str) -> str:
    """The text with its line breaks kept: Markdown joins lines, unless two spaces stand at their end."""
    return _LONE_BREAK.sub("  \n", text)
