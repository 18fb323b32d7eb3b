"""What was measured of waiting, action by action: the figures, and a table of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import mean, median

from rpchat.cli.script import ACTIONS, Action
from rpchat.cli.waits import ALLOWANCE, Played

FILL_GOAL = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All actions of a kind in one scene. Medians and worst are tokens; `over` is how many took more than may be."""

    title: str
    """Of the scene's script."""
    action: Action
    count: int
    typed: float
    evaluated: float
    worst: int
    excess: int
    """The most that was evaluated beside what was typed."""
    over: int


def rows_of(played: Sequence[Played]) -> list[Row]:
    """Return a row for every kind of action that was played in a scene, scene by scene."""
    kinds = (
        (title, action, [one for one in played if (one.title, one.action) == (title, action)])
        for title in dict.fromkeys(one.title for one in played)
        for action in ACTIONS
    )
    return [
        Row(
            title=title,
            action=action,
            count=len(ones),
            typed=median(one.typed for one in ones),
            evaluated=median(one.evaluated for one in ones),
            worst=max(one.evaluated for one in ones),
            excess=max(one.evaluated - one.typed for one in ones),
            over=sum(one.waited for one in ones),
        )
        for title, action, ones in kinds
        if ones
    ]


def fill(played: Iterable[Played], context: int) -> float | None:
    """Return which share of the context the prompts filled since turns were dropped; None if none were."""
    shares = [one.prompt / context for one in played if one.scene.settings.first_kept]
    return mean(shares) if shares else None


def table(rows: Iterable[Row]) -> str:
    """Return the rows as lines of text, those of a scene below its title."""
    lines = [f"{'action':<13} {'n':>4} {'typed':>6} {'median':>7} {'worst':>6}   goal: typed + {ALLOWANCE}"]
    for title, ones in groupby(rows, key=lambda row: row.title):
        lines += [f"{title}:", *map(_line, ones)]
    return "\n".join(lines)


def _line(row: Row) -> str:
    missed = f"missed {row.over}× (by up to {row.excess - ALLOWANCE})" if row.over else "met"
    return f"{row.action:<13} {row.count:>4} {row.typed:>6g} {row.evaluated:>7g} {row.worst:>6}   {missed}"
