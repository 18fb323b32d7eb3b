"""The cast as its panel shows it: who is there, how readily they talk, who is next and why, how it is decided. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

from textual.content import Content

from rpchat.story.casting import Choice, Strategy
from rpchat.story.scene import Member, SceneSettings, Sheets
from rpchat.story.text import one_line
from rpchat.tui.actions import BY_ID, shown_key
from rpchat.tui.themes import member_variable
from rpchat.tui.wrap import breaks

DEFAULT_STRATEGY: Strategy = "list"
"""How it is decided where the scene does not say."""

FIRST_ROW = 2
"""The row of the first member: a heading and an empty row stand above it."""

STRATEGY: Mapping[Strategy, str] = {
    "manual": "only who is asked", "list": "in the order of the cast", "pooled": "everyone once per round, by lot",
    "natural": "who was named, else who likes to talk", "blend": "who the model expects, and who likes to talk",
}  # fmt: skip
SHEETS: Mapping[Sheets, str] = {
    "joined": "everybody's in every prompt", "unmuted": "theirs who are not muted", "own": "only the speaker's",
}  # fmt: skip
PRESENCE: Mapping[str, str] = {"on": "they know what they were there for", "off": "everybody knows every turn"}
_STEPS = "▁▃▅▆█"
_STATE = 6
"""Cells of the last column: `100 %`, `muted`, `away`."""
_LABEL = 10
_NARROW = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CastLook:
    """What the panel shows. Two equal looks are drawn alike."""

    members: tuple[Member, ...] = ()
    settings: SceneSettings = field(default_factory=SceneSettings)
    choice: Choice | None = None
    """Who is next; None while that is not known."""
    speaking: str = ""
    """The card id of the member who is speaking now."""
    auto: str = ""
    """How far the members have talked on by themselves; empty: they do not."""
    line: str = ""
    """What is said instead of who is next."""


def cast_text(look: CastLook, *, marked: int, keys: Mapping[str, str], width: int) -> Content:
    """Return the panel's text at that width in cells, the member at index `marked` carrying ▸."""
    key = shown_key(BY_ID["scene.cast"], keys)
    gap = " " * max(1, width - len("Cast") - len(key))
    lines = [Content.assemble(("Cast", "bold $accent"), (gap + key, "$ooc")), Content()]
    for index, member in enumerate(look.members):
        lines.append(_member_row(look, member, index, marked=index == marked, width=width))
    lines += [Content(), *_wrapped(next_line(look), width), Content()]
    for action, label, value in _settings(look):
        lines += _setting(shown_key(BY_ID[action], keys), label, value, width)
    return Content("\n").join(lines)


def member_at(row: int, look: CastLook) -> int | None:
    """Return the index of the member whose row that is; None for another row."""
    index = row - FIRST_ROW
    return index if 0 <= index < len(look.members) else None


def next_line(look: CastLook) -> Content:
    """Return the line that says who is next, and why."""
    names = {
        member.card_id: (one_line(member.card.spoken_name, 40), f"bold {member_variable(member)}")
        for member in look.members
    }
    if look.speaking in names:
        return Content.assemble(names[look.speaking], (" speaks", "$action"))
    if look.choice is None:
        return Content(look.line).stylize("$ooc")
    zero = (f"{shown_key(BY_ID['transcript.speak_next'], {})} ", "$accent")
    who, why = look.choice.who, one_line(look.choice.why, 100)
    if who is None or who not in names:
        return Content.assemble(zero, (f"next: nobody by himself ({why})", "$action"))
    return Content.assemble(zero, ("next: ", "$action"), names[who], (f" ({why})", "$action"))


def talk_bar(talkativeness: float) -> str:
    """Return five cells that rise with how readily a member talks, 0 … 1; the most silent has a dot."""
    steps = round(talkativeness * len(_STEPS))
    return (_STEPS[:steps] or "·").ljust(len(_STEPS))


def state_of(look: CastLook, member: Member) -> str:
    """Return the last column of a member: away, muted, or the odds of being next in percent."""
    if member.away:
        return "away"
    if member.muted:
        return "muted"
    odds = look.choice.odds.get(member.card_id) if look.choice is not None else None
    return f"{round(100 * odds)} %" if odds else ""


def _member_row(look: CastLook, member: Member, index: int, *, marked: bool, width: int) -> Content:
    chosen = look.speaking or (look.choice.who if look.choice is not None else "")
    silent = member.muted or member.away
    bar = talk_bar(member.talkativeness)
    room = max(4, width - len("▸1 ● ") - 2 - len(bar) - _STATE)
    name = Content(one_line(member.card.spoken_name, 80)).stylize(
        f"{member_variable(member)}{' dim' if silent else ' bold'}"
    )
    name = name.truncate(room, ellipsis=True)
    return Content.assemble(
        ("▸" if marked else " ", "$accent"),
        (f"{index + 1} ", "$accent"),
        ("● " if member.card_id == chosen else "○ ", "$primary" if member.card_id == chosen else "$ooc"),
        name,
        " " * (room - name.cell_length + 1),
        (bar, "$ooc" if silent else "$action"),
        (state_of(look, member).rjust(_STATE + 1), "$ooc" if silent else "$speech"),
    )


def _settings(look: CastLook) -> Sequence[tuple[str, str, str]]:
    """Return the settings that can be changed here: action, label, value."""
    strategy = cast("Strategy", look.settings.casting or DEFAULT_STRATEGY)
    presence = "on" if look.settings.presence else "off"
    rows = [
        ("cast.strategy", "who's next", f"{strategy}: {STRATEGY.get(strategy, '')}"),
        ("cast.sheets", "sheets", f"{look.settings.sheets}: {SHEETS[look.settings.sheets]}"),
        ("cast.presence", "presence", f"{presence}: {PRESENCE[presence]}"),
    ]
    if look.settings.scenario:
        rows.append(("scene.scenario", "scenario", one_line(look.settings.scenario, 120)))
    return [*rows, ("cast.auto", "auto", look.auto or "off")]


def _setting(key: str, label: str, value: str, width: int) -> list[Content]:
    """Return the rows of one setting; where it is narrow, the value stands below the label."""
    margin = 2 + _LABEL + 1 if width >= _NARROW else 2
    rows = _wrapped(Content(value).stylize("$action"), max(8, width - margin))
    head = Content.assemble((key.ljust(2), "$accent"), (label.ljust(_LABEL + 1), "$speech"))
    first = [head + rows[0], *rows[1:]] if width >= _NARROW else [head, *rows]
    return first[:1] + [Content(" " * margin) + row for row in first[1:]]


def _wrapped(text: Content, width: int) -> list[Content]:
    cuts = [0, *breaks(text.plain, width), len(text.plain)]
    return [text[start:end].rstrip() for start, end in pairwise(cuts)]
