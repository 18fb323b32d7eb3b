"""One reply from its first byte to its end: decoder, thoughts, cutter, cleaner and loop guard in a row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from rpchat.prompt.segment import Stops
from rpchat.reply.aside import Aside
from rpchat.reply.cleaner import Cleaner
from rpchat.reply.cutter import Cutter
from rpchat.reply.decoder import TextDecoder
from rpchat.reply.ending import says_nothing, to_last_sentence, without_trailing_break
from rpchat.reply.loops import LoopGuard, without_loop
from rpchat.reply.manners import Fold, Manners
from rpchat.reply.rules import cut_rules, label_rules
from rpchat.reply.scan import Scanner
from rpchat.reply.thoughts import Thoughts

__all__ = ["Cause", "End", "Finish", "Fold", "Manners", "Reply", "ReplyReader"]

End = Literal["eos", "stop", "max_tokens", "context", "cancelled"]
"""Why no more bytes come: an end-of-generation token, another stop id, the length limit, a full context, the user."""

Finish = Literal["eos", "stop", "user_turn", "other_turn", "ooc", "length", "loop", "cancelled", "empty"]

Cause = Finish | Literal["reasoning", "context"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished reply. `text` includes the prefill."""

    text: str
    finish: Finish
    cause: Cause
    """The same as `finish`; for an empty reply, why it is empty."""
    removed: str = ""
    """What a stop cut off, with the white space in front of it: put behind `text`, it is told again."""
    whole: bool = True
    """Nothing the model wrote is missing from `text`, but for its thoughts, its own name and white space in front: from
    its token ids the reply goes on where `text` ends."""
    folded: tuple[Fold, ...] = ()
    """What was put away, in the order in which it was written."""


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
    manners: Manners = field(default_factory=Manners)
    _decoder: TextDecoder = field(default_factory=TextDecoder)
    _thoughts: Thoughts = field(init=False)
    _cutter: Cutter = field(init=False)
    _cleaner: Cleaner = field(init=False)
    _guard: LoopGuard = field(default_factory=LoopGuard)

    def __post_init__(self) -> None:
        # The speaker's own name can be longer than the user's and end in it (花 and 桜花), so it counts as another.
        names = (*self.others, self.speaker)
        rules = cut_rules(self.stops, user=self.user, others=names, speaker=self.speaker, manners=self.manners)
        scanner = Scanner([*rules, *label_rules(self.speaker)], before=self.prefill)
        self._cutter = Cutter(scanner, folds=self.manners.out_of_character == "fold")
        self._cleaner = Cleaner(self.speaker, self.prefill)
        reasoning = self.manners.reasoning
        # Behind what the reader sees already, the thoughts are over.
        self._thoughts = Thoughts(reasoning, inside=reasoning is not None and reasoning.opened and not self.prefill)

    @property
    def done(self) -> bool:
        """Whether a stop was found, or a loop beyond doubt: the model need not go on."""
        return self._cutter.cut is not None or self._guard.looping

    @property
    def text(self) -> str:
        """What the reader sees so far, the prefill included."""
        return self.prefill + self._guard.text

    @property
    def added(self) -> str:
        """What the model has visibly added to the prefill so far."""
        return self._guard.text

    @property
    def thinking(self) -> bool:
        """Whether the model is in its thoughts now."""
        return self._thoughts.inside

    @property
    def thoughts(self) -> str:
        """What it has thought so far."""
        return self._thoughts.text

    def feed(self, data: bytes) -> str:
        """Return the visible text that these bytes add."""
        return self._read(self._decoder.feed(data))

    def finish(self, end: End) -> Reply:
        """Return the reply, now that no more bytes come."""
        self._read(self._decoder.finish(whole=end in ("eos", "stop")), last=True)
        finish = self._finish(end)
        if finish != "cancelled" and says_nothing(self.added):
            text, cause = self.prefill, self._cause(end)
            return Reply(text, "empty", cause, self._removed(text), whole=False, folded=self._folded(text))
        text, finish = self._trimmed(finish)
        whole = (
            self._cutter.cut is None
            and text == self.text
            and not (self._decoder.broken or self._cleaner.held_back or self._cleaner.folds)
        )
        return Reply(text, finish, finish, self._removed(text), whole=whole, folded=self._folded(text))

    def _read(self, text: str, *, last: bool = False) -> str:
        if self._guard.looping:
            return ""
        shown = ""
        for part in self._cutter.feed(self._thoughts.feed(text, last=last), last=last):
            if isinstance(part, Aside):
                self._cleaner.fold(part.text)
                continue
            shown += self._guard.admit(self._cleaner.feed(part))
            if self._guard.looping:
                return shown
        if last:
            shown += self._guard.admit(self._cleaner.feed("", last=True))
            self._cleaner.finish()
        return shown

    def _finish(self, end: End) -> Finish:
        if self._guard.looping:
            return "loop"
        return self._cutter.cut or _FINISH[end]

    def _cause(self, end: End) -> Cause:
        """Why nothing is there: the thing that was there instead, else what ended it."""
        finish = self._finish(end)
        if finish in ("loop", "user_turn", "other_turn", "ooc"):
            return finish
        if self._cleaner.folds:
            return "ooc"
        if self._thoughts.seen:
            return "reasoning"
        return "context" if end == "context" and finish == "length" else finish

    def _trimmed(self, finish: Finish) -> tuple[str, Finish]:
        """The text as it is kept, and how it ended: a reply of full length may turn out to be a loop."""
        text, keep = self.text, len(self.prefill)
        if finish in ("loop", "length"):
            looped = without_loop(text, keep=keep)
            if looped is not None:
                return looped, "loop"
            text = to_last_sentence(text, keep=keep)
        return (text if finish == "cancelled" else without_trailing_break(text, keep=keep)), finish

    def _removed(self, text: str) -> str:
        """What a stop cut off behind `text`, as it was written."""
        if self._cutter.cut is None or self._guard.looping:
            return ""
        return self.text[len(text) :] + self._cleaner.held_back + self._cutter.removed

    def _folded(self, text: str) -> tuple[Fold, ...]:
        """Everything put away; what stood behind the end of `text` stands at its end."""
        thoughts = (Fold(kind="reasoning", text=block, at=len(self.prefill)) for block in self._thoughts.blocks)
        return (*thoughts, *(replace(fold, at=min(fold.at, len(text))) for fold in self._cleaner.folds))


_FINISH: dict[End, Finish] = {
    "eos": "eos",
    "stop": "stop",
    "max_tokens": "length",
    "context": "length",
    "cancelled": "cancelled",
}
