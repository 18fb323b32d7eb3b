"""What the first and the last line of the scene screen say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rpchat.session import Session
from rpchat.session.verify import Verdict
from rpchat.tui.actions import BY_ID, shown_key
from rpchat.tui.widgets.keyline import Hint
from rpchat.tui.widgets.prompt_head import MARKS
from rpchat.tui.widgets.status import Overview

_INSPECTING = ("inspector.ids", "inspector.find", "inspector.dropped", "inspector.stops")
_WALKING = (
    "transcript.again", "transcript.edit", "transcript.trim", "transcript.unfold", "transcript.cut_earlier",
    "transcript.story", "transcript.leave", "app.help",
)  # fmt: skip
_CAST = ("cast.speak", "cast.mute", "cast.away", "cast.add", "cast.remove", "cast.strategy", "cast.auto")
_PLAYING = ("scene.continue", "scene.edit_last")
_AROUND = ("scene.inspect", "scene.home", "app.command_palette", "app.quit", "app.help")


def overview_of(session: Session, *, model: str, verdict: Verdict | None) -> Overview:
    """Return what the top line shows of a session that plays with a model called `model`."""
    scene, status = session.scene, session.status
    cast_names = ", ".join(member.card.spoken_name for member in scene.present())
    return Overview(
        title=scene.title or cast_names,
        cast=cast_names if scene.title not in ("", cast_names) else "",
        model=model,
        badge=MARKS[verdict.kind] if verdict is not None else "",
        tokens_per_second=status.tokens_per_second,
        context_used=status.context_used,
        context=status.context,
        warning="read-only" if session.read_only else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What decides which keys are told: what the reader is in, and the length replies have (None: no lengths)."""

    inspecting: bool = False
    editing: bool = False
    writing: bool = False
    walking: bool = False
    """Whether a turn is marked."""
    cutting: bool = False
    """Whether the marked turn has a cut point."""
    in_cast: bool = False
    """Whether a member is marked."""
    adding: bool = False
    """Whether a card to add is looked for."""
    members: int = 1
    length: str | None = None


def hints(moment: Moment, keys: Mapping[str, str]) -> list[Hint]:
    """Return the keys that do something now, under the keymap `keys`, the most wanted first."""

    def hint(action_id: str, word: str = "") -> Hint:
        action = BY_ID[action_id]
        return shown_key(action, keys), word or action.label

    if moment.inspecting:
        return [*(hint(name) for name in _INSPECTING), hint("scene.stop", "close"), hint("app.help")]
    if moment.adding:
        ways = "".join(hint(name)[0] for name in ("adding.previous", "adding.next"))
        return [(ways, "move"), hint("adding.join"), hint("scene.stop", "close"), hint("app.help")]
    if moment.in_cast:
        stop = hint("scene.stop", "stop" if moment.writing else "close")
        talk = "".join(hint(name)[0] for name in ("cast.talk_more", "cast.talk_less"))
        return [stop, *(hint(name) for name in _CAST), (talk, "talks"), hint("app.help")]
    if moment.editing:
        return [hint("scene.send", "keep the edit"), hint("scene.stop", "leave it as it was")]
    if moment.writing:
        return [hint("scene.stop"), hint("scene.regenerate"), hint("scene.page_up", "scroll"), hint("app.help")]
    if moment.cutting:
        ends = "".join(hint(name)[0] for name in ("transcript.cut_earlier", "transcript.cut_later"))
        cuts = [hint("transcript.trim", "cut there"), hint("transcript.reroll"), hint("scene.stop", "leave")]
        return [(ends, "cut point"), *cuts, hint("app.help")]
    if moment.walking:
        ways = "".join(hint(name)[0] for name in ("transcript.next", "transcript.previous"))
        versions = "".join(hint(name)[0] for name in ("transcript.swipe_previous", "transcript.swipe_next"))
        group = [hint("transcript.speak", "who speaks"), hint("transcript.auto", "auto")] if moment.members > 1 else []
        return [(ways, "move"), (versions, "swipe"), *group, *(hint(name) for name in _WALKING)]
    both = "".join(hint(name)[0] for name in ("scene.swipe_previous", "scene.swipe_next"))
    first = [hint("scene.send"), hint("scene.regenerate"), (both, "swipe"), *(hint(name) for name in _PLAYING)]
    lengths = [hint("scene.length", moment.length)] if moment.length is not None else []
    group = [hint("scene.cast")] if moment.members > 1 else []
    return [*first, *group, *lengths, hint("scene.stop", "turns"), *(hint(name) for name in _AROUND)]
