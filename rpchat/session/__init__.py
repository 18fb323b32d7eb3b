"""One scene being played, without a screen: everything the screen can do, a test or a script can do.

`session.Session` is the door; `events` is what it tells; `prompter`, `writer` and `keeper` are its parts.
"""

from __future__ import annotations

from rpchat.session.events import Delta, Finished, Retrying, SessionEvent, Started, Status
from rpchat.session.session import Session

__all__ = ["Delta", "Finished", "Retrying", "Session", "SessionEvent", "Started", "Status"]
