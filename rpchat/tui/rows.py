"""The rows of the home screen: fixed columns cut by cell width. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from rpchat.store.card_list import CardEntry
from rpchat.store.kept_list import ListEntry
from rpchat.store.plan_list import PlanEntry
from rpchat.store.scenes import SceneSummary
from rpchat.story.text import one_line
from rpchat.tui.prose import to_content

_MARK = 2
_GAP = 2
_LANGUAGES = {"ja": "日本語", "en": "English", "zh": "中文", "ko": "한국어", "de": "Deutsch", "fr": "Français"}


@dataclass(frozen=True, slots=True)
class Column:
    """A text in a column `width` cells wide; a negative width sets it to the right."""

    content: Content
    width: int


def row(columns: list[Column], *, chosen: bool) -> Content:
    """Return the columns next to each other behind the mark of the chosen row."""
    cells = []
    for column in columns:
        width = abs(column.width)
        content = column.content.truncate(width, ellipsis=True)
        space = Content(" " * max(0, width - content.cell_length))
        cells.append(space + content if column.width < 0 else content + space)
    return Content.assemble(("▸ " if chosen else "  ", "$accent")) + Content(" " * _GAP).join(cells)


def heading(text: str, count: int | str = "") -> Content:
    """Return a heading, with how many there are of it, as a number or in words."""
    return Content.assemble((text, "bold $accent"), ("" if count == "" else f"  {count}", "$ooc"))


def scene_row(scene: SceneSummary, width: int, *, chosen: bool, now: float) -> Content:
    """Return the row of a scene: title, cast, the last words, and when that was."""
    room = width - _MARK
    title, cast, age = (22, 16, 9) if room >= 90 else (16, 12, 9)
    text = room - title - cast - age - 3 * _GAP
    last = to_content(one_line(scene.last_text, 200))
    names = ", ".join(scene.cast)
    cast_shown = "" if names == scene.title else names
    return row(
        [
            Column(Content(one_line(scene.title or names)).stylize("$speech bold"), title),
            Column(Content(cast_shown).stylize("$action"), cast),
            Column(last, max(0, text)),
            Column(Content(age_of(scene.updated, now)).stylize("$ooc"), -age),
        ],
        chosen=chosen,
    )


def plan_row(plan: PlanEntry, width: int, *, chosen: bool) -> Content:
    """Return the row of a scene to begin: title, cast, summary; of a broken one its error."""
    cast = Content(one_line(", ".join(plan.cast))).stylize("$action")
    return _file_row(plan, width, cast, about=plan.summary, chosen=chosen)


def card_row(card: CardEntry, width: int, *, chosen: bool) -> Content:
    """Return the row of a card: name, language, summary; of a broken one its error."""
    spoken = Content(_LANGUAGES.get(card.language.split("-")[0], card.language)).stylize("$ooc")
    return _file_row(card, width, spoken, about=card.summary or " · ".join(card.tags), chosen=chosen)


def _file_row(entry: ListEntry, width: int, beside: Content, *, about: str, chosen: bool) -> Content:
    room = width - _MARK
    name, second = (22, 16) if room >= 90 else (16, 12)
    if entry.error:
        broken = Content(one_line(entry.error, 200)).stylize("$error")
        return row([Column(Content(entry.name), name), Column(broken, room - name - _GAP)], chosen=chosen)
    return row(
        [
            Column(Content(one_line(entry.name)).stylize("$speech bold"), name),
            Column(beside, second),
            Column(Content(one_line(about, 200)).stylize("$action"), max(0, room - name - second - 2 * _GAP)),
        ],
        chosen=chosen,
    )


def age_of(then: float, now: float) -> str:
    """Return how long ago that was, in a word or two; times in seconds."""
    minutes = int(max(0.0, now - then) // 60)
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h"
    days = minutes // (24 * 60)
    if days == 1:
        return "yesterday"
    if days < 60:
        return f"{days} days"
    return f"{days // 30} months"
