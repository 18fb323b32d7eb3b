"""What became of files that were to be taken in, as a text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from rpchat.library import Refused, TakenIn
from rpchat.story.text import one_line

Outcome = TakenIn | Refused

NO_MARK, OK_MARK, KNOWN_MARK = "✗", "✓", "="


def counts(outcomes: Sequence[Outcome]) -> str:
    """Return how many were taken in, were there already, or were refused, in words."""
    taken = [outcome for outcome in outcomes if isinstance(outcome, TakenIn)]
    known = sum(1 for outcome in taken if outcome.known)
    refused = len(outcomes) - len(taken)
    parts = [f"{len(taken) - known:,} taken in"]
    parts += [f"{known:,} there already"] if known else []
    parts += [f"{refused:,} refused"] if refused else []
    return " · ".join(parts)


def summary(outcomes: Sequence[Outcome]) -> Content:
    """Return what became of every file: the refused ones first, then those with something to say, then the rest."""
    ordered = sorted(outcomes, key=_weight)
    return Content("\n").join([line for outcome in ordered for line in _lines(outcome)])


def _weight(outcome: Outcome) -> int:
    if isinstance(outcome, Refused):
        return 0
    return 1 if outcome.notes else 2


def _lines(outcome: Outcome) -> list[Content]:
    if isinstance(outcome, Refused):
        name, told = one_line(outcome.name, 80), one_line(str(outcome.error), 400)
        why = told.removeprefix(name).lstrip(" :,")
        return [Content.assemble((f"{NO_MARK} ", "$error"), (name, "$speech"), (f"  {why}", "$error"))]
    mark, colour = (KNOWN_MARK, "$ooc") if outcome.known else (OK_MARK, "$success")
    what = "there already as" if outcome.known else f"{outcome.kind}"
    head = Content.assemble(
        (f"{mark} ", colour), (one_line(outcome.file, 80), "$speech"),
        (f"  {what} ", "$ooc"), (one_line(outcome.name, 60), "$action"), (f"  {one_line(outcome.where, 80)}", "$ooc"),
    )  # fmt: skip
    return [head, *[Content(f"    {one_line(note, 400)}").stylize("$ooc") for note in outcome.notes]]
