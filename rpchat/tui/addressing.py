"""Which member is meant by what is typed: `@Name hello`, `/mute Name`, and the name that Tab completes. Pure.

Names are those a member answers to, in any case and width. The longest one counts, and where a script writes no spaces
(花) none is needed behind it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rpchat.errors import RpchatError
from rpchat.story.mentions import names_of
from rpchat.story.scene import Member
from rpchat.story.text import fold, one_line
from rpchat.tui.actions import nearest

_LONGEST_NAME = 120
_BEHIND_NAME = re.compile(r"[\s,、，:：]+")
_QUOTED = re.compile(r"(?:name=)?\"([^\"]+)\"|name=(\S+)")


@dataclass(frozen=True, slots=True)
class Address:
    """A line for one member to answer; without a text, it just speaks."""

    member: Member
    text: str


def addressed(text: str, members: Sequence[Member]) -> Address | None:
    """Return whom an `@Name` at the beginning means and what is said to them; None where the text has none.

    `@@` is no address. Raises RpchatError where nobody has that name.
    """
    if not text.startswith("@") or text.startswith("@@"):
        return None
    found = _beginning(text[1:], members)
    if found is None:
        word = one_line(text[1:].split(maxsplit=1)[0] if text[1:].strip() else "", 30)
        raise RpchatError(_nobody(word, members), "A line that shall begin with @ is sent with @@")
    return Address(*found)


def member_called(name: str, members: Sequence[Member]) -> Member:
    """Return the member of that name, or of that number in the cast. Raises RpchatError, naming the nearest."""
    wanted = name.strip().removeprefix("@")
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted) <= len(members):
        return members[int(wanted) - 1]
    for member in members:
        if any(fold(wanted) == fold(one) for one in names_of(member.card)):
            return member
    raise RpchatError(_nobody(one_line(wanted, 30), members))


def named_line(argument: str, members: Sequence[Member]) -> Address:
    """Return whom the name in front means, and the line behind it: `Name text`, or `name="Name" text`.

    Raises RpchatError where nobody has that name, or nothing stands behind it.
    """
    quoted = _QUOTED.match(argument)
    if quoted:
        found = Address(member_called(quoted[1] or quoted[2], members), argument[quoted.end() :].strip())
    else:
        begun = _beginning(argument.removeprefix("@"), members)
        if begun is None:
            raise RpchatError(_nobody(one_line(argument.split(maxsplit=1)[0], 30), members))
        found = Address(*begun)
    if not found.text:
        raise RpchatError(f"there is nothing for {found.member.card.spoken_name} to say", "Write it behind the name.")
    return found


def completed(text: str, members: Sequence[Member]) -> str | None:
    """Return the text with the name behind its `@` completed; where it is whole already, with the next member's.

    None where the text is more than an `@` and the beginning of somebody's name.
    """
    names = [member.card.spoken_name for member in members]
    if not text.startswith("@") or not names:
        return None
    stem = text[1:].strip()
    if stem in names and text.endswith(" "):
        return f"@{names[(names.index(stem) + 1) % len(names)]} "
    matching = [name for name in names if fold(name).startswith(fold(stem))]
    return f"@{matching[0]} " if matching else None


def _beginning(text: str, members: Sequence[Member]) -> tuple[Member, str] | None:
    """Return the member whose name the text begins with, and what stands behind it."""
    named = {fold(name): member for member in reversed(members) for name in reversed(names_of(member.card))}
    for end in range(min(len(text), _LONGEST_NAME), 0, -1):
        member = named.get(fold(text[:end]))
        if member is not None and not _goes_on(text, end):
            behind = text[end:]
            gap = _BEHIND_NAME.match(behind)
            return member, behind[gap.end() :].strip() if gap else behind.strip()
    return None


def _goes_on(text: str, end: int) -> bool:
    """Whether the word goes on behind a name: in scripts with spaces, Al is nobody in Alas."""
    return _spaced(text[end - 1]) and _spaced(text[end : end + 1])


def _spaced(character: str) -> bool:
    """Whether a character is a letter or digit of a script that puts spaces between words: below U+1100, all do but
    the scripts of South East Asia."""
    return character.isalnum() and character < "\u1100" and not "\u0e00" <= character <= "\u109f"


def _nobody(name: str, members: Sequence[Member]) -> str:
    known = {fold(one.card.spoken_name): one.card.spoken_name for one in members}
    return f"nobody here is called {name or 'that'}{nearest(fold(name), known.values())}"
