"""One scene being played, without a screen: everything the screen can do, a test or a script can do.

`session.Session` is the door; `events` is what it tells; `replying`, `writer`, `prompter` and `keeper` are its parts.
"""

from __future__ import annotations

from rpchat.session.events import Delta, Drafted, Finished, Retrying, SessionEvent, Started, Status, Thinking
from rpchat.session.session import Session

__all__ = ["Delta", "Drafted", "Finished", "Retrying", "Session", "SessionEvent", "Started", "Status", "Thinking"]
