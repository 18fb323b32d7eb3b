"""What the reader puts on a turn beside its text: the mark, the cut point, and what was unfolded below it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rpchat.reply.doctor import CAUSES
from rpchat.story.text import clean
from rpchat.story.turn import Turn

_KINDS = {"reasoning": "thought", "ooc": "said outside the story"}
_ENDS = {
    "eos": "ended by itself", "stop": "ended by itself", "length": "ended at the longest reply of the preset",
    "user_turn": "cut where it began to speak for you", "other_turn": "cut where it began to speak for someone else",
    "ooc": "cut where it stepped out of the story", "loop": "cut where it went round in circles",
    "cancelled": "stopped by you", "interrupted": "broken off: the engine died", "open": "still being written",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """A block below a turn: what it is, and its text. An empty text: the title says it all."""

    title: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gloss:
    """What is drawn on a turn besides its face. `cut` is an index in its text; what stands behind it is dimmed."""

    marked: bool = False
    cut: int | None = None
    notes: tuple[Note, ...] = ()


PLAIN = Gloss()
"""What a turn has on which the reader put nothing."""


def removed(turn: Turn) -> str:
    """Return what was cut off the end of a turn; empty if nothing was."""
    text = turn.record.get("removed")
    return clean(text) if isinstance(text, str) else ""


def folded(turn: Turn) -> Sequence[tuple[str, str]]:
    """Return what was put away inside a turn, each as its kind (`reasoning`, `ooc`) and its text."""
    kept = turn.record.get("folded")
    if not isinstance(kept, Sequence) or isinstance(kept, str):
        return ()
    return [(str(one.get("kind")), clean(str(one.get("text")))) for one in kept if isinstance(one, Mapping)]


def hidden_notes(turn: Turn) -> tuple[Note, ...]:
    """Return what is not shown of a turn by itself: what was put away, and what was cut off its end."""
    notes = [Note(_KINDS.get(kind, kind), text.strip("\n")) for kind, text in folded(turn)]
    if removed(turn):
        notes.append(Note("cut off here", removed(turn).strip("\n")))
    return tuple(notes)


def story_note(turn: Turn) -> Note:
    """Return how a turn came to be: when and with what; below that tries and causes, tokens and speed, its end."""
    when = datetime.fromtimestamp(turn.created).astimezone().strftime("%Y-%m-%d %H:%M") if turn.created else "some day"
    made_with = [f"{name} {turn.record[name]}" for name in ("preset", "length") if turn.record.get(name)]
    title = " · ".join([when, *(["edited"] if turn.edited else []), *made_with])
    return Note(clean(title), "\n".join(_story(turn)))


def _story(turn: Turn) -> Iterator[str]:
    record = turn.record
    attempts = record.get("attempts")
    if isinstance(attempts, int) and attempts > 1:
        yield f"try {attempts}" + "".join(f" · {cause}" for cause in _causes(record.get("causes")))
    read, new = _number(record.get("prompt_tokens")), _number(record.get("prefilled_tokens"))
    if read:
        yield f"read {read:,.0f} tokens, {new:,.0f} of them new, in {_seconds(record.get('prefill_ms'))}"
    wrote, spent = _number(record.get("reply_tokens")), _number(record.get("decode_ms"))
    if wrote:
        speed = f" · {(wrote - 1) * 1000 / spent:.1f} tok/s" if wrote > 1 and spent else ""
        yield f"wrote {wrote:,.0f} tokens in {_seconds(record.get('decode_ms'))}{speed}"
    if turn.continues:
        yield "goes on from a version of its own"
    if turn.finish:
        yield _ENDS.get(turn.finish, turn.finish)
    for kind, text in folded(turn):
        yield f"{_KINDS.get(kind, kind)}: {len(text):,} characters"
    if cut := removed(turn):
        yield f"cut off: {len(cut):,} characters"


def _causes(causes: object) -> list[str]:
    told = causes if isinstance(causes, Sequence) and not isinstance(causes, str) else ()
    return [CAUSES.get(str(cause), str(cause)) for cause in told]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _seconds(milliseconds: object) -> str:
    return f"{_number(milliseconds) / 1000:.1f} s"
