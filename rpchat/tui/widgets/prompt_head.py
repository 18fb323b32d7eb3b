"""The head of the inspector: how large the prompt is, what of it is read already, whether the format is right, and what
each part takes."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget

from rpchat.prompt.tokens import TokenOrigin
from rpchat.session.inspect import Inspection
from rpchat.session.verify import Verdict
from rpchat.story.text import one_line

MARKS = {"verified": "✓", "differs": "≠", "unknown": "?"}
"""What stands for a verdict beside the model's name."""

_PARTS: tuple[TokenOrigin, ...] = ("setup", "lore", "history", "note", "cue")
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_GAP = "   "


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the head shows. Without an inspection `line` says why; with one it stands in the place of the bars."""

    inspection: Inspection | None = None
    line: str = ""
    error: bool = False
    adapter: str = ""
    verdict: Verdict | None = None


def head_text(head: Head, width: int) -> Content:
    """Return the head for a width in cells: one line, the bars or what there is to say, what should be
    known of it, and where the formats part."""
    lines = [_title_line(head, width)]
    if head.line:
        lines.append(Content(head.line).stylize("$error" if head.error else "$accent").truncate(width, ellipsis=True))
    elif head.inspection is not None:
        lines.append(budget_line(head.inspection, width))
        lines += [
            Content(f"! {caution}").stylize("$warning").truncate(width, ellipsis=True)
            for caution in head.inspection.cautions
        ]
    verdict = head.verdict
    if verdict is not None and verdict.detail and verdict.kind != "verified":
        detail = f"{MARKS[verdict.kind]} {one_line(verdict.detail, 200)}"
        lines.append(Content(detail).stylize(_verdict_colour(verdict)).truncate(width, ellipsis=True))
    return Content("\n").join(lines)


def _title_line(head: Head, width: int) -> Content:
    left = Content("Prompt").stylize("bold $speech")
    if head.inspection is not None:
        left += Content(f" · {_figures(head.inspection)}").stylize("$action")
    badge = Content()
    if head.verdict is not None:
        mark = MARKS[head.verdict.kind]
        words = f"{head.adapter} adapter: {head.verdict.kind} {mark}"
        fits = left.cell_length + len(words) + 2 <= width
        badge = Content(words if fits else f"{head.adapter} {mark}").stylize(_verdict_colour(head.verdict))
    left = left.truncate(max(0, width - badge.cell_length - 2), ellipsis=True)
    gap = max(1, width - left.cell_length - badge.cell_length)
    return (left + Content(" " * gap) + badge).truncate(width, ellipsis=True)


def _figures(inspection: Inspection) -> str:
    total = len(inspection.tokens)
    told = [f"{total:,} tokens", f"reuse {inspection.reused:,}"]
    change = inspection.first_change
    told.append(f"first change: {change}" if change is not None else "nothing to read")
    return " · ".join(told)


def _verdict_colour(verdict: Verdict) -> str:
    return {"verified": "$success", "differs": "$warning", "unknown": "$ooc"}[verdict.kind]


def budget_line(inspection: Inspection, width: int) -> Content:
    """Return what each part takes, in tokens and as bars; the bars share the room that the words leave."""
    spent = inspection.spent
    own = spent.get("format", 0) + spent.get("control", 0)
    parts = [(part, spent[part], f"$prompt-{part}") for part in _PARTS if spent.get(part)]
    parts.append(("format", own, "$prompt-format"))
    free = inspection.context - inspection.reserve - len(inspection.tokens)
    tail = f"{_GAP}kept for the reply {inspection.reserve:,}{_GAP}free {max(0, free):,}"
    words = sum(len(f"{name} {count:,} {_GAP}") for name, count, _ in parts) + len(tail)
    room = max(0, width - words)
    total = max(1, sum(count for _, count, _ in parts))
    # A part is at least the thinnest bar, which is a cell wide.
    shares = [
        max(1, round(8 * (room - len(parts)) * count / total)) if room > len(parts) else 0 for _, count, _ in parts
    ]
    drawn = [
        Content.assemble((f"{name} ", colour), (f"{count:,} ", "$action"), (_bar(share), colour))
        for (name, count, colour), share in zip(parts, shares, strict=True)
    ]
    return (Content(_GAP).join(drawn) + Content(tail).stylize("$ooc")).truncate(width, ellipsis=True)


def _bar(eighths: int) -> str:
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


class PromptHead(Widget):
    """Shows a head; give it another with `show`."""

    DEFAULT_CSS = """
    PromptHead {
        height: auto;
        padding: 0 2;
        border-bottom: solid $rule;
    }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()

    def show(self, head: Head) -> None:
        """Show another head, if it is another."""
        if head != self.head:
            self.head = head
            self.refresh(layout=True)

    def render(self) -> Content:
        """Return the head for the width there is."""
        return head_text(self.head, self.content_size.width)
