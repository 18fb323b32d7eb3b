"""Stories of KoboldAI Lite: one text in pieces, in which a chat is told by names and an instruction by tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rpchat.exchange.chats.growing import character, chat_of, named, said, taken
from rpchat.exchange.chats.transcript import MOST_NAMES, messages_in
from rpchat.exchange.chats.values import USER_NAME, ImportedChat, Message, Speaker
from rpchat.exchange.loose import is_mapping, text_of
from rpchat.story.scene import SceneSettings

Values = Mapping[str, object]

_CARRIED = (
    "memory", "authorsnote", "anotetemplate", "anotestr", "worldinfo", "wisearchdepth", "wiinsertlocation",
    "extrastopseq", "regexreplace_data", "personal_notes",
)  # fmt: skip
_TAG = re.compile(r"\{\{\[(INPUT|OUTPUT|SYSTEM)(?:_(END))?\]\}\}")
_SHORTEST_TAG = 5
_NARRATOR = "Narrator"


def is_kobold(file: Values) -> bool:
    """Whether an object is a saved story of KoboldAI Lite's."""
    return isinstance(file.get("actions"), list) and bool({"prompt", "gamestarted", "savedsettings"} & file.keys())


def read_kobold(file: Values, *, title: str) -> ImportedChat:
    """Return the chat in a saved story. Raises FileError if it is empty."""
    told = file.get("savedsettings")
    saved = told if is_mapping(told) else {}
    user = (text_of(saved.get("chatname")) or "").strip() or USER_NAME
    listed = (text_of(saved.get("chatopponent")) or "").split("||$||", MOST_NAMES)[:MOST_NAMES]
    opponents = [name.strip() for name in listed if name.strip()]
    actions = file.get("actions")
    pieces = [text_of(piece) or "" for piece in [file.get("prompt"), *(actions if isinstance(actions, list) else [])]]
    story = _tagged("".join(pieces), saved)
    world = file.get("worldinfo")
    notes = [f"{len(world)} entries of world info are kept, but not told"] if isinstance(world, list) and world else []
    return chat_of(
        taken(_messages(story, pieces, user=user, opponents=opponents), title=title),
        dialect="KoboldAI Lite",
        title=title,
        settings=SceneSettings(note=text_of(file.get("authorsnote")) or "", scenario=text_of(file.get("memory")) or ""),
        carried={"kobold": {key: file[key] for key in _CARRIED if file.get(key)}},
        notes=notes,
    )


def _messages(story: str, pieces: list[str], *, user: str, opponents: list[str]) -> Iterator[Message]:
    speakers = {name: named(name) for name in opponents}
    first = next(iter(speakers.values()), character(""))
    if _TAG.search(story):
        yield from _by_tags(story, user=user, speakers=speakers, first=first)
    elif re.search(rf"^(?:{'|'.join(map(re.escape, (user, *opponents)))}):", story, re.MULTILINE):
        yield from messages_in(story, user=user, speakers=speakers, otherwise=lambda: first)
    else:
        yield from _by_pieces(pieces, user=user, by=first if opponents else named(_NARRATOR))


def _by_tags(story: str, *, user: str, speakers: dict[str, Speaker], first: Speaker) -> Iterator[Message]:
    """Yield what stands behind each tag; the text in front of the first is the character's, as a greeting is."""
    side, start = "OUTPUT", 0
    for tag in _TAG.finditer(story):
        yield from _tagged_part(story[start : tag.start()], side, user=user, speakers=speakers, first=first)
        side, start = tag[1], tag.end()
    yield from _tagged_part(story[start:], side, user=user, speakers=speakers, first=first)


def _tagged_part(part: str, side: str, *, user: str, speakers: dict[str, Speaker], first: Speaker) -> Iterator[Message]:
    if not part.strip():
        return
    if side == "SYSTEM":
        message = said(part.strip(), by=named(_NARRATOR, voice=True))
        version = replace(message.versions[0], record={"narrated": True})
        yield replace(message, versions=(version,))
    elif side == "INPUT":
        yield said(part.strip().removeprefix(f"{user}:").strip(), by=None, name=user)
    else:
        yield from messages_in(part, user="", speakers=speakers, otherwise=lambda: first)


def _by_pieces(pieces: list[str], *, user: str, by: Speaker) -> Iterator[Message]:
    """Yield each piece of a story; what begins with `>` is an action of the user's."""
    for piece in pieces:
        text = piece.strip()
        if text.startswith("> "):
            action, _, told = text[2:].partition("\n")
            yield said(action.strip(), by=None, name=user)
            text = told.strip()
        if text:
            yield said(text, by=by)


def _tagged(story: str, saved: Values) -> str:
    """The story with tags for the words that stood for them when it was saved."""
    if _TAG.search(story):
        return story
    for key, tag in (("instruct_starttag", "{{[INPUT]}}"), ("instruct_endtag", "{{[OUTPUT]}}")):
        words = (text_of(saved.get(key)) or "").replace("\\n", "\n")
        if len(words.strip()) >= _SHORTEST_TAG:
            story = story.replace(words, tag)
    return story
