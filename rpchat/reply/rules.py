"""What is looked for in a reply: the ends of it, lines outside the story, the speaker's own name."""

from __future__ import annotations

import re
from typing import Literal

from rpchat.prompt.segment import Stops
from rpchat.reply.manners import Manners
from rpchat.reply.scan import Rule

CutKind = Literal["stop", "user_turn", "other_turn", "ooc"]
FoundKind = CutKind | Literal["label"]
OwnKind = Literal["label", "marks", "quote"]

_SPACE = r"[ \t\u3000]*"
_INDENT = _SPACE + r"[*_]{0,3}"
"""What may stand between the start of a line and a name: indentation, then marks of emphasis."""

_NAME_TAIL = re.compile(r"[:：(（「]$")
# Each form ends in a character of its own, never in a look-ahead: what stands there must not depend on what follows.
_OUT_OF_CHARACTER = _INDENT + r"(?:[(（\[]{1,2}[ \t]*OOC[\s:：,.)）\]-]|OOC[ \t]*[:：]|\(\(|（（)"


def cut_rules(
    stops: Stops, *, user: str, others: tuple[str, ...], speaker: str = "", manners: Manners
) -> list[Rule[FoundKind]]:
    """Return the rules for these stops. `others` are all members but the user; the `speaker`'s own name ends nothing.

    A stop at a line start also counts indented, in bold or italics (`**Name:**`, `**Name**:`), in any case, and with
    either width of colon. A stop anywhere that begins with a name does not count as the tail of a longer name. Where
    impersonation is kept, a name ends nothing; where out-of-character lines are kept, they are not looked for.
    """

    def kind(stop: str) -> CutKind:
        who = _NAME_TAIL.sub("", stop)
        if who == user:
            return "user_turn"
        return "other_turn" if who in others else "stop"

    def counts(stop: str) -> bool:
        if speaker and _NAME_TAIL.sub("", stop) == speaker:
            return False
        return manners.impersonation != "keep" or kind(stop) == "stop"

    longer = tuple(name[: -len(user)] for name in others if name.endswith(user) and len(name) > len(user))
    rules: list[Rule[FoundKind]] = [
        Rule(re.escape(stop), kind(stop), not_behind=longer if kind(stop) == "user_turn" else ())
        for stop in stops.any
        if counts(stop)
    ]
    rules += [Rule(_line_pattern(stop), kind(stop), at_line_start=True) for stop in stops.line if counts(stop)]
    if manners.out_of_character != "keep":
        rules.append(Rule(_OUT_OF_CHARACTER, "ooc", at_line_start=True))
    return rules


def _line_pattern(stop: str) -> str:
    tail = _NAME_TAIL.search(stop)
    if tail is None:
        return _INDENT + re.escape(stop)
    mark = "[:：]" if tail.group() in ":：" else re.escape(tail.group())
    return _INDENT + re.escape(stop[: tail.start()]) + r"[*_]{0,3}" + mark


def label_rules(speaker: str) -> list[Rule[FoundKind]]:
    """Return the rules that find the speaker's own name as a label: what stands behind it begins a line."""
    if not speaker:
        return []
    return [
        Rule(_label(speaker), "label", at_line_start=True),
        Rule(rf"{_SPACE}[*_]{{1,3}}{re.escape(speaker)}[:：](?=[^*_])", "label", at_line_start=True),
    ]


def own_name_rules(speaker: str) -> list[Rule[OwnKind]]:
    """Return the rules that find what is taken off a line start: the own name as a label, with the space behind it,
    or before an opening 「 or 『. The quote itself stays, and so do `marks` that open more than the name, as in
    `*Name: waves*`.
    """
    if not speaker:
        return []
    name = re.escape(speaker)
    return [
        Rule(_label(speaker) + r"[ \t\u3000]?", "label", at_line_start=True, greedy=True),
        Rule(rf"{_SPACE}{name}(?=[「『])", "quote", at_line_start=True),
        Rule(rf"{_SPACE}[*_]{{1,3}}(?={name}[:：][^*_])", "marks", at_line_start=True),
    ]


def _label(speaker: str) -> str:
    """The name, plain or emphasised, before a colon of either width."""
    name = re.escape(speaker)
    forms = [rf"{marks}{name}{marks}[:：]|{marks}{name}[:：]{marks}" for marks in (r"\*\*", r"\*", "__", "_")]
    return f"{_SPACE}(?:{'|'.join([*forms, rf'{name}[:：]'])})"
