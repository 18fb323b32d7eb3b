"""What the reader is told of how a reply came to be."""

from __future__ import annotations

from rpchat.errors import PromptError, ReplyError, RpchatError
from rpchat.reply.doctor import CAUSES
from rpchat.session.take import Job, Written

_NOTICES = {
    "user_turn": "cut where it began to speak for {user}",
    "other_turn": "cut where it began to speak for someone else",
    "ooc": "cut where it stepped out of the story",
    "length": "as long as this preset lets a reply be",
    "loop": "it went round in circles · one round kept",
}

IN_CIRCLES = ("it went round in circles", "another version, repetition punished")
"""Cause and change of the version that is written after a loop."""

NOTHING_ADDED = "the model added nothing"


def notice_of(written: Written, *, user: str) -> str:
    """Return the quiet line under a reply: what was done for the reader, or nothing."""
    notice = _NOTICES.get(written.reply.finish, "").format(user=user)
    attempts = written.record["attempts"]
    if attempts != 1:
        tried = f"empty reply · try {attempts} worked"
        notice = f"{tried} · {notice}" if notice else tried
    return notice


def nothing_came(written: Written | None, job: Job) -> RpchatError:
    """Return the error for a job of which no try gave a reply."""
    if written is None:
        return PromptError("the engine gave no answer")
    cause = CAUSES.get(written.reply.cause, written.reply.cause)
    return ReplyError(
        f"{job.preset.tries} tries, and no reply from {job.speaker}: {cause}",
        "Try again, change the line, or choose another preset.",
    )
