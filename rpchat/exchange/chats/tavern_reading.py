"""Chats of SillyTavern, alone and in groups, with all versions: from its lines to messages.

A message comes as one object: what we have no place for is carried in the record of the version that is told
(`message`), what belongs to one version in that version's own (`swipe`). `tavern_writing` puts them together again.

    carried.message  the object without its texts, and without what name and side say already
    carried.listed   the versions stood in a list, even if there is only one
    carried.swipe    the version's entry in `swipe_info`
    carried.infos    `swipe_info` was there; the entries that belong to no version
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rpchat.errors import FileError
from rpchat.exchange.chats.dates import date_in, read_date
from rpchat.exchange.chats.growing import chat_of, check_length, marks
from rpchat.exchange.chats.metadata import MAIN_CHAT, METADATA, metadata_in, settings_of
from rpchat.exchange.chats.notes import Notes
from rpchat.exchange.chats.values import (
    CARRIED_KEY,
    CHARACTER_NAME,
    TAVERN_KEY,
    USER_NAME,
    ImportedChat,
    Message,
    Speaker,
    Version,
)
from rpchat.exchange.loose import is_mapping, text_of
from rpchat.story.scene import SceneSettings

Values = Mapping[str, object]

_HEADER_NAMES = frozenset({"user_name", "character_name"})
_NOBODY = "unused"
"""What newer headers say instead of a name."""
_VOICES = frozenset({
    "narrator", "comment", "assistant_note", "help", "welcome", "group", "empty", "generic", "slash_commands",
    "formatting", "hotkeys", "macros", "welcome_prompt",
})  # fmt: skip
"""The types of messages that no character says."""
_CARD_ENDINGS = (".png", ".webp", ".json", ".charx")


def is_header(value: Values) -> bool:
    """Whether an object is what stands in front of a chat's messages."""
    if "mes" in value or "members" in value:  # a group's own file has metadata too
        return False
    return METADATA in value or bool(value.keys() & _HEADER_NAMES)


def is_message(value: object) -> bool:
    """Whether a value is a message of SillyTavern's."""
    return is_mapping(value) and "mes" in value and bool(value.keys() & {"name", "is_user", "send_date", "swipes"})


def read_tavern(values: Iterable[tuple[int, Values]], *, title: str, notes: Notes) -> ImportedChat:
    """Return the chat in these numbered objects; what is odd about them goes into `notes`. Raises FileError."""
    header: Values | None = None
    messages: list[tuple[int, Values]] = []
    versions = 0
    for number, value in values:
        if is_header(value) and header is None and not messages:
            header = value
        elif "mes" in value or "swipes" in value:
            messages.append((number, value))
            swipes = value.get("swipes")
            versions += len(swipes) if isinstance(swipes, list) else 1
            check_length(len(messages), versions, title=title)
        else:
            notes.add(f"Line {number} is no message: it is left out")
    if not messages:
        raise FileError(f"{title} holds no messages")
    metadata = metadata_in(header or {})
    speakers = _Speakers(header or {}, [value for _, value in messages])
    return chat_of(
        [_message(value, speakers, notes, number=number) for number, value in messages],
        dialect="SillyTavern",
        title=title,
        settings=SceneSettings().changed(settings_of(metadata)),
        carried={TAVERN_KEY: {"header": header}},
        branch_of=text_of(metadata.get(MAIN_CHAT)) or "",
        notes=notes.lines,
    )


class _Speakers:
    """Who speaks in a chat. One name may be several cards', and a card's messages do not all name it."""

    def __init__(self, header: Values, messages: Sequence[Values]) -> None:
        self._user = _name(header.get("user_name"), instead=USER_NAME)
        self._character = _name(header.get("character_name"), instead=CHARACTER_NAME)
        self._files: dict[str, str] = {}
        for message in messages:
            if file := _card_file(message):
                self._files.setdefault(self.name_of(message), file)
        self._known: dict[tuple[str, str, bool], Speaker] = {}

    def name_of(self, message: Values) -> str:
        """Return the name on a message's line."""
        return _name(message.get("name"), instead=self._user if is_true(message.get("is_user")) else self._character)

    def of(self, message: Values, *, voice: bool) -> Speaker:
        """Return who says a message that is not the user's."""
        name = self.name_of(message)
        file = "" if voice else _card_file(message) or self._files.get(name, "")
        found = (file, "" if file else name, voice)
        if found not in self._known:
            key = f"({name})" if voice else file or name
            self._known[found] = Speaker(key=key, name=name, card_file=file, voice=voice)
        return self._known[found]


def _message(raw: Values, speakers: _Speakers, notes: Notes, *, number: int) -> Message:
    kind = _kind(raw)
    voice = kind in _VOICES
    texts, told, listed = _texts(raw, notes, number=number)
    name = speakers.name_of(raw)
    rest = {key: value for key, value in raw.items() if not _is_told(key, value, name=name, listed=listed)}
    infos = raw.get("swipe_info")
    listed_infos = infos if isinstance(infos, list) else []
    marked = marks(unheard=is_true(raw.get("is_system")), narrated=voice)
    versions = []
    for at, text in enumerate(texts):
        info = listed_infos[at] if at < len(listed_infos) else None
        carried: dict[str, object] = {"swipe": info} if at < len(listed_infos) else {}
        created = date_in(info, "send_date")
        if at == told:
            created = read_date(raw.get("send_date")) or created
            carried |= {"message": rest, **({"listed": True} if listed else {})}
            carried |= {"infos": listed_infos[len(texts) :]} if isinstance(infos, list) else {}
        versions.append(Version(text=text, created=created, record={**marked, CARRIED_KEY: carried}))
    speaker = None if is_true(raw.get("is_user")) else speakers.of(raw, voice=voice)
    return Message(speaker=speaker, name=name, versions=tuple(versions), told=told)


def _texts(raw: Values, notes: Notes, *, number: int) -> tuple[list[str], int, bool]:
    """Return the versions of a message, which of them is told, and whether they stood in a list.

    What the message says counts, whatever its list of versions says.
    """
    swipes = raw.get("swipes")
    texts = [_wording(swipe) for swipe in swipes] if isinstance(swipes, list) else []
    text = _wording(raw.get("mes"))
    if text is None:
        notes.add(f"Line {number} says something that is no text: it is read as empty")
    mes = text or ""
    if not texts or None in texts:
        return [mes], 0, False
    versions = [text or "" for text in texts]
    at = raw.get("swipe_id")
    told = at if isinstance(at, int) and not isinstance(at, bool) and 0 <= at < len(versions) else -1
    if "mes" not in raw:
        return versions, max(told, 0), True
    if told < 0 or versions[told] != mes:
        notes.add(f"Line {number} says something else than its chosen version: what it says counts")
        if mes in versions:
            told = versions.index(mes)
        elif told >= 0:
            versions[told] = mes
        else:
            versions.append(mes)
            told = len(versions) - 1
    return versions, told, True


def _wording(value: object) -> str | None:
    """The text of a version; Chub puts it into an object."""
    if is_mapping(value) and "message" in value:
        value = value["message"]
    return text_of(value)


def _is_told(key: str, value: object, *, name: str, listed: bool) -> bool:
    """Whether the turn says what stands under a message's key, so that it need not be carried."""
    match key:
        case "mes":
            return True
        case "swipes":
            return listed
        case "swipe_info":
            return isinstance(value, list)
        case "name":
            return value == name
        case "is_user":
            return isinstance(value, bool)
    return False


def _kind(raw: Values) -> str:
    extra = raw.get("extra")
    kind = extra.get("type") if is_mapping(extra) else None
    return kind if isinstance(kind, str) and not is_true(raw.get("is_user")) else ""


def is_true(value: object) -> bool:
    """Whether a flag is set, however it is written."""
    return value.strip().lower() in ("true", "1") if isinstance(value, str) else value in (True, 1)


def _name(value: object, *, instead: str) -> str:
    name = text_of(value) or ""
    return instead if not name.strip() or name == _NOBODY else name


def _card_file(message: Values) -> str:
    """The stem of the card file that a message names as its speaker's."""
    file = text_of(message.get("original_avatar"))
    if not file:
        return ""
    stem = file.replace("\\", "/").rpartition("/")[2]
    ending = next((ending for ending in _CARD_ENDINGS if stem.lower().endswith(ending)), "")
    return stem[: len(stem) - len(ending)].strip()
