"""What a session tells while a reply is written."""

from __future__ import annotations

from dataclasses import dataclass

from rpchat.engine.port import Loaded, Loading, Notice, Reading
from rpchat.story.turn import Turn


@dataclass(frozen=True, slots=True)
class Started:
    """The turn that is being written is in the scene now. It holds the text so far; deltas add to it.

    Comes with the first visible text, so nothing empty is ever stored or shown.
    """

    turn: Turn


@dataclass(frozen=True, slots=True)
class Delta:
    """More visible text. What was shown is never taken back, except by the final trim."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """The model is in its thoughts, `characters` long so far; they are kept with the turn, and shown on demand."""

    characters: int


@dataclass(frozen=True, slots=True)
class Retrying:
    """A try came back empty, or went in circles: why, and what the next one changes. `attempt` is the number of the
    next."""

    attempt: int
    of: int
    cause: str
    change: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply as it is stored; `notice` is "" or one quiet line for the reader."""

    turn: Turn
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A line for the user to say, as the model would; nothing of it is stored. `text` is all of it."""

    text: str


SessionEvent = Loading | Loaded | Reading | Notice | Thinking | Started | Delta | Retrying | Finished | Drafted


@dataclass(frozen=True, slots=True)
class Status:
    """Figures for the top line: decode speed of the latest reply, tokens in the context, and its size."""

    tokens_per_second: float | None = None
    context_used: int | None = None
    context: int | None = None
