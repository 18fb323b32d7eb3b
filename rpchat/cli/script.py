"""What is done in a measured scene, action by action, and what the user says in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Literal

from rpchat.story.scene import Sheets

Action = Literal[
    "send", "swipe", "regenerate", "edit", "continue", "next speaker", "note", "branch", "back", "reopen"
]  # fmt: skip
"""`send`: say a line, have it answered. `swipe`: another version of the last reply. `regenerate`: of an earlier one,
and the story goes on from it. `edit`: word the last line of the user's anew, have it answered. `continue`: go on
inside the last reply. `next speaker`: whoever's turn it is says something. `note`: change the author's note, then
send. `branch`: swipe an earlier reply, say something there. `back`: swipe it back, say something. `reopen`: end the
program, open the scene in another one, send."""

ACTIONS: tuple[Action, ...] = (
    "send", "swipe", "regenerate", "edit", "continue", "next speaker", "note", "branch", "back", "reopen",
)  # fmt: skip
NOTES = ("It has begun to rain.", "It has begun to rain.", "Somebody is lying.", "")
"""What the author's note says behind each `note`: it is set, stays, is reworded, goes."""
LINES = (
    "Good evening. Is there still room for one more?",
    "I walked all the way from the station. The road was under water, so I took the path along the dyke.",
    "What is that light over there?",
    "(sits down and puts the wet bag between the feet) You look as if you had been waiting for somebody.",
    "No.",
    "I was told that you know this place better than anybody. Is it true that nobody ever comes back the same way?",
    "Tell me about the last time it happened.",
    "(listens, and says nothing for a while)",
    "My name is on the list. It must be on the list, I wrote it there myself this morning, with a green pencil.",
    "And what did you do then?",
    "I do not believe a word of it, but please go on.",
    "Give me your hand. Careful, the floor is slippery here.",
    "Why?",
    "There was a letter for you. I read it, I am sorry, it was open. It says that they will come on Thursday.",
    "We could leave now, before anybody notices. I have enough for two tickets and a little bread.",
    "(laughs) You cannot be serious!",
    "How long have you been here, all in all?",
    "Listen. Do you hear that, too? It sounds like a bell, but it comes from below.",
    "I will stay a little longer, if you do not mind.",
)


@dataclass(frozen=True, slots=True)
class Script:
    """A scene that is measured: its cast, by card, and its actions in order."""

    title: str
    cards: tuple[str, ...]
    actions: tuple[Action, ...]
    sheets: Sheets = "joined"


_ALONE: tuple[Action, ...] = (
    "send", "send", "swipe", "send", "continue", "note", "note", "note", "note", "swipe",
    "send", "regenerate", "send", "edit", "send", "branch", "back", "send", "swipe", "reopen",
)  # fmt: skip
_IN_COMPANY: tuple[Action, ...] = (
    "send", "next speaker", "swipe", "next speaker", "send", "note", "note", "note", "note", "next speaker",
    "continue", "regenerate", "send", "edit", "next speaker", "branch", "back", "send", "next speaker", "reopen",
)  # fmt: skip


def scripts(actions: int) -> tuple[Script, ...]:
    """Return a scene with one member, and two with three: everybody's sheet in each prompt, and only the speaker's.
    There are `actions` actions in each."""
    alone, company = (tuple(islice(cycle(some), actions)) for some in (_ALONE, _IN_COMPANY))
    three = ("mira", "keri", "tock")
    return (
        Script("alone", ("mira",), alone),
        Script("three, joined sheets", three, company),
        Script("three, own sheets", three, company, sheets="own"),
    )


def lines() -> Iterator[str]:
    """Yield what the user says, without end."""
    return cycle(LINES)


def notes() -> Iterator[str]:
    """Yield what the note says, without end."""
    return cycle(NOTES)
