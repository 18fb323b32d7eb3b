"""Text in which each line that is said begins with a name and a colon."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from rpchat.exchange.chats.growing import chat_of, check_length, named, said, taken
from rpchat.exchange.chats.values import MESSAGE_LIMIT, ImportedChat, Message, Speaker
from rpchat.story.text import clean, fold

_OPENING = re.compile(r"^([^\s:：\d][^:：\n]{0,39})(?::(?:[ \t　]+|$)|：)", re.MULTILINE)
_NO_NAME = re.compile(r"[.!?,;\"“”()\[\]{}<>/\\|=*#]|https?$|\s\S+\s\S+\s\S+\s")
_LOOKED_AT = 1 << 20
MOST_NAMES = 50
"""Nobody chats with more; each costs time on every line."""
_USERS = frozenset({"you", "user", "me", "anon", "anonymous", "あなた"})


def is_transcript(text: str) -> bool:
    """Whether a text begins with a name and a colon, and at least two names speak, one of them more than once.

    Of a long text the beginning is looked at.
    """
    text = text[:_LOOKED_AT].lstrip()
    first = _OPENING.match(text)
    names = _names(text)
    return first is not None and first[1].strip() in names and len(names) > 1 and max(names.values()) > 1


def read_transcript(text: str, *, title: str) -> ImportedChat:
    """Return the chat in a text. Raises FileError if nothing is said in it.

    Who is the user is told by the name, such as `You`; else it is the one who speaks second.
    """
    text = clean(text)
    counted = _names(text)
    check_length(sum(counted.values()), 0, title=title)
    names = list(counted)
    user = next((name for name in names if fold(name) in _USERS), names[1] if len(names) > 1 else "")
    notes = [] if fold(user) in _USERS else [f"Nothing says who the user is: {user} is taken for it"]
    speakers = {name: named(name) for name in names if name != user}
    messages = (said(part, by=speakers.get(name), name=name) for name, part in spoken(text, names) if name)
    return chat_of(taken(messages, title=title), dialect="transcript", title=title, notes=notes)


def spoken(text: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield who says what in `text`: each line that begins with one of `names` and a colon begins something.

    What stands in front of the first is said by nobody (""). What is empty is left out.
    """
    if not names:
        yield from [("", text.strip())] if text.strip() else []
        return
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    name, start = "", 0
    for opening in re.finditer(rf"^({longest_first})[ \t]*[:：][ \t]*", text, flags=re.MULTILINE):
        if part := text[start : opening.start()].strip():
            yield name, part
        name, start = opening[1], opening.end()
    if part := text[start:].strip():
        yield name, part


def messages_in(
    text: str, *, user: str, speakers: dict[str, Speaker], otherwise: Callable[[], Speaker]
) -> Iterator[Message]:
    """Yield the messages in a text whose speakers are known; what nobody is named for is said by `otherwise`."""
    names = [name for name in (user, *speakers) if name]
    for name, part in spoken(text, names):
        if name == user and name:
            yield said(part, by=None, name=user)
        else:
            yield said(part, by=speakers.get(name) or otherwise())


def _names(text: str) -> dict[str, int]:
    """The names that lines begin with, in their order, and how often; of very many the most frequent."""
    openings = islice(_OPENING.finditer(text), MESSAGE_LIMIT + 1)
    found = Counter(match[1].strip() for match in openings)
    frequent = {name for name, _ in found.most_common(MOST_NAMES)}
    return {name: count for name, count in found.items() if name in frequent and not _NO_NAME.search(name)}
