"""Several files of one chat made one tree: what they have in common is shared, and where they part is a branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rpchat.errors import FileError
from rpchat.exchange.chats.notes import Notes
from rpchat.exchange.chats.values import TURN_LIMIT, ImportedChat
from rpchat.story.turn import ROOT, Turn

_Wording = tuple[int, str, str, str, int]
"""Parent, side, speaker, text, and which of several equal versions it is."""


def join_chats(chats: Sequence[ImportedChat]) -> ImportedChat:
    """Return one chat of all, which tells what the first one tells and has its title and settings.

    A turn is shared where it and everything before it is the same in both, whichever of its versions is told there.
    Raises FileError if together they have too many turns.
    """
    if len(chats) == 1:
        return chats[0]
    joined = _Joined(chats[0])
    for chat in chats[1:]:
        joined.add(chat)
    first = chats[0]
    speakers = {speaker.key: speaker for chat in reversed(chats) for speaker in chat.speakers}
    ordered = dict.fromkeys(speaker.key for chat in chats for speaker in chat.speakers)
    notes = Notes()
    for line in dict.fromkeys(line for chat in chats for line in chat.notes):
        notes.add(line)
    return replace(
        first,
        persona=first.persona or next((chat.persona for chat in chats if chat.persona), ""),
        speakers=tuple(speakers[key] for key in ordered),
        turns=joined.turns,
        chosen=joined.chosen,
        notes=notes.lines,
    )


def join_related(chats: Sequence[ImportedChat]) -> tuple[ImportedChat, ...]:
    """Return the chats, each together with its branches and checkpoints; in the order of the main ones."""
    by_title = {chat.title: chat for chat in chats}
    families: dict[str, list[ImportedChat]] = {}
    for chat in sorted(chats, key=lambda chat: bool(_main(chat, by_title) is not chat)):
        families.setdefault(_main(chat, by_title).title, []).append(chat)
    return tuple(join_chats(family) for family in families.values())


def _main(chat: ImportedChat, by_title: dict[str, ImportedChat]) -> ImportedChat:
    """The chat that this one branched off from, and that one again; itself, where none of them is there."""
    seen = {chat.title}
    while chat.branch_of in by_title and chat.branch_of not in seen:
        chat = by_title[chat.branch_of]
        seen.add(chat.title)
    return chat


class _Joined:
    """A tree that other trees are laid over."""

    def __init__(self, chat: ImportedChat) -> None:
        self.turns = dict(chat.turns)
        self.chosen = dict(chat.chosen)
        self._next = max(self.turns, default=0) + 1
        self._ids: dict[_Wording, int] = {}
        counted: dict[_Wording, int] = {}
        for turn in self.turns.values():
            self._ids[_wording(turn, turn.parent, counted)] = turn.id

    def add(self, chat: ImportedChat) -> None:
        """Lay a chat over the tree: equal turns behind equal turns are one; what it tells where nothing is told yet,
        is told."""
        ids = {ROOT: ROOT}
        counted: dict[_Wording, int] = {}
        for turn_id, turn in sorted(chat.turns.items()):
            wording = _wording(turn, ids[turn.parent], counted)
            if wording not in self._ids:
                self._ids[wording] = self._put(turn, ids[turn.parent])
            ids[turn_id] = self._ids[wording]
        for key, child in chat.chosen.items():
            self.chosen.setdefault(ids[key], ids[child])

    def _put(self, turn: Turn, parent: int) -> int:
        if len(self.turns) >= TURN_LIMIT:
            raise FileError(f"Together the files are too long: at most {TURN_LIMIT:,} turns are read")
        new, self._next = self._next, self._next + 1
        self.turns[new] = replace(turn, id=new, parent=parent)
        return new


def _wording(turn: Turn, parent: int, counted: dict[_Wording, int]) -> _Wording:
    first = (parent, turn.side, turn.speaker, turn.text, 0)
    counted[first] = number = counted.get(first, -1) + 1
    return (*first[:4], number)
