"""One reply from its first byte to its end: cutter, cleaner and ending in a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rpchat.prompt.segment import Stops
from rpchat.reply.cleaner import Cleaner
from rpchat.reply.cutter import Cutter, OocPolicy, cut_rules
from rpchat.reply.ending import says_nothing, to_last_sentence, without_loop, without_trailing_break
from rpchat.reply.scan import Scanner

End = Literal["eos", "stop", "max_tokens", "context", "cancelled"]
"""Why no more bytes come: an end-of-generation token, another stop id, the length limit, a full context, the user."""

Finish = Literal["eos", "stop", "user_turn", "other_turn", "ooc", "length", "loop", "cancelled", "empty"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished reply. `text` includes the prefill."""

    text: str
    finish: Finish
    cause: str
    """The same as `finish`; for an empty reply, why it is empty."""
    removed: str = ""
    """What was cut off behind the end."""
    whole: bool = True
    """Nothing the model wrote is missing from `text`, but for its own name and white space in front: from its token ids
    the reply goes on where `text` ends."""


@dataclass(slots=True)
class ReplyReader:
    """Feed it the bytes of a model; it gives what the reader may see, and in the end the reply.

    What `feed` gives is never taken back, except by the final trim. Any split of the same bytes gives the same reply.
    """

    stops: Stops
    user: str
    speaker: str = ""
    others: tuple[str, ...] = ()
    prefill: str = ""
    ooc: OocPolicy = "cut"
    _cutter: Cutter = field(init=False)
    _cleaner: Cleaner = field(init=False)

    def __post_init__(self) -> None:
        # The speaker's own name can be longer than the user's and end in it (花 and 桜花), so it counts as another.
        names = (*self.others, self.speaker)
        rules = cut_rules(self.stops, user=self.user, others=names, ooc=self.ooc)
        self._cutter = Cutter(Scanner(rules, before=self.prefill))
        self._cleaner = Cleaner(self.speaker, self.prefill)

    @property
    def done(self) -> bool:
        """Whether a stop was found: the model need not go on."""
        return self._cutter.cut is not None

    @property
    def text(self) -> str:
        """What the reader sees so far, the prefill included."""
        return self.prefill + self._cleaner.visible

    @property
    def added(self) -> str:
        """What the model has visibly added to the prefill so far."""
        return self._cleaner.visible

    def feed(self, data: bytes) -> str:
        """Return the visible text that these bytes add."""
        return self._cleaner.feed(self._cutter.feed(data))

    def finish(self, end: End) -> Reply:
        """Return the reply, now that no more bytes come."""
        rest = self._cutter.finish(whole=end in ("eos", "stop"))
        self._cleaner.feed(rest, last=True)
        cut = self._cutter.cut
        finish = cut.kind if cut is not None else _FINISH[end]
        if says_nothing(self._cleaner.visible) and finish != "cancelled":
            return Reply(self.prefill, "empty", finish, self._cutter.removed, whole=False)
        raw = self.text
        text = raw
        if finish == "length":
            looped = without_loop(raw)
            if looped is not None and len(looped) > len(self.prefill):
                return Reply(looped, "loop", "loop", whole=False)
            text = to_last_sentence(raw, keep=len(self.prefill))
        if finish != "cancelled":
            text = without_trailing_break(text)
        whole = cut is None and text == raw and not self._cutter.broken and not self._cleaner.held_back
        return Reply(text, finish, finish, self._cutter.removed, whole=whole)


_FINISH: dict[End, Finish] = {
    "eos": "eos",
    "stop": "stop",
    "max_tokens": "length",
    "context": "length",
    "cancelled": "cancelled",
}
