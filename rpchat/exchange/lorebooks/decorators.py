"""The lines `@@name value` in front of an entry's content, which the V3 specification calls decorators.

Those that say what a field of ours says become that field, and are written again from it; all others are kept.
"""

from __future__ import annotations

from dataclasses import replace

from rpchat.story.lorebook import Decorator, LoreEntry, LoreRole

_MARK, _FALLBACK_MARK = "@@", "@@@"
_MOST = 100
"""Lines of decorators of one entry; what stands below is content."""
_DEEPEST = 10_000
"""What a decorator tells is less than this."""
_ROLES: dict[str, LoreRole] = {"system": "system", "user": "user", "assistant": "char"}
_ROLE_NAMES = {role: name for name, role in _ROLES.items()}


def with_fields(entry: LoreEntry) -> LoreEntry:
    """Return the entry with the decorators taken off its content, and obeyed where a field of it says the same."""
    if not entry.content.startswith(_MARK):
        return entry
    decorators, content = _parsed(entry.content)
    entry = replace(entry, content=content)
    kept = []
    for decorator in decorators:
        obeyed = _obeyed(entry, decorator)
        entry = obeyed or entry
        # One with fallbacks stays as it is: they are there for programs that do not know it.
        if obeyed is None or decorator.fallbacks:
            kept.append(decorator)
    return replace(entry, decorators=tuple(kept))


def decorated(entry: LoreEntry, *, told: bool) -> str:
    """Return the content with its decorators in front; with `told`, also those that say what the fields say."""
    kept = {decorator.name for decorator in entry.decorators}
    lines = [f"{_MARK}{name} {value}" for name, value in (_told(entry) if told else ()) if name not in kept]
    for decorator in entry.decorators:
        lines.append(_line(_MARK, decorator.name, decorator.value))
        lines += [_line(_FALLBACK_MARK, name, value) for name, value in decorator.fallbacks]
    return "\n".join([*lines, entry.content] if entry.content or not lines else lines)


def _told(entry: LoreEntry) -> list[tuple[str, str]]:
    told = []
    if entry.position == "at_depth" and 0 <= entry.depth < _DEEPEST:
        told = [("depth", str(entry.depth)), ("role", _ROLE_NAMES[entry.role])]
    if entry.scan_depth is not None and 0 <= entry.scan_depth < _DEEPEST:
        told.append(("scan_depth", str(entry.scan_depth)))
    return told


def _line(mark: str, name: str, value: str) -> str:
    return f"{mark}{name} {value}" if value else f"{mark}{name}"


def _parsed(content: str) -> tuple[list[Decorator], str]:
    decorators: list[Decorator] = []
    lines = content.split("\n")
    for at, line in enumerate(lines):
        mark = next((mark for mark in (_FALLBACK_MARK, _MARK) if line.startswith(mark)), "")
        name, _, value = line[len(mark) :].partition(" ")
        if at >= _MOST or not mark or not name or name.startswith("@") or (mark == _FALLBACK_MARK and not decorators):
            return decorators, "\n".join(lines[at:])
        if mark == _MARK:
            decorators.append(Decorator(name=name, value=value))
        else:
            last = decorators[-1]
            decorators[-1] = replace(last, fallbacks=(*last.fallbacks, (name, value)))
    return decorators, ""


def _obeyed(entry: LoreEntry, decorator: Decorator) -> LoreEntry | None:
    """Return the entry as the decorator wants it; None if no field says that."""
    value = decorator.value.strip()
    number = int(value) if value.isascii() and value.isdigit() and len(value) < len(str(_DEEPEST)) else None
    match decorator.name:
        case "depth" if number is not None:
            return replace(entry, position="at_depth", depth=number)
        case "scan_depth" if number is not None:
            return replace(entry, scan_depth=number)
        case "role" if value in _ROLES:
            return replace(entry, role=_ROLES[value])
        case _:
            return None
