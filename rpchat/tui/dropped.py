"""What a terminal types when files are dropped on it, understood as paths.

Terminals write a dropped file as a bare path, in quotes, with backslashes before spaces, or as a `file://` address with
`%20` in it; several stand on one line or one on each.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

_LONGEST = 100_000
"""Characters; a longer text is no list of files."""
_ADDRESS = re.compile(r"^file://(?:localhost)?(?=/)", re.IGNORECASE)
_LOOKS_LIKE_PATH = re.compile(r"""^["']?(?:/|~/|\./|\.\./|file:///|[A-Za-z]:[\\/])""")


def looks_dropped(text: str) -> bool:
    """Return whether a pasted text may be files that were dropped: whether it begins as a path does."""
    return len(text) <= _LONGEST and bool(_LOOKS_LIKE_PATH.match(text.strip()))


def readings(text: str) -> list[list[Path]]:
    """Return the ways a text can be read as paths, the likeliest first; none for a text that is empty or too long.

    A path with bare spaces reads as one path or as several: only the disk knows which, so the caller tries.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST or "\0" in text:
        return []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ways = [[part for line in lines for part in _parts(line)], [_bare(line) for line in lines]]
    return [[user_path(part) for part in way] for way in ways if way]


def existing(text: str) -> list[Path]:
    """Return the files and folders a text means, all of them there; none if it means no such. Asks the disk."""
    for paths in readings(text):
        if all(_exists(path) for path in paths):
            return paths
    return []


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        # A name no file can have.
        return False


def _parts(line: str) -> list[str]:
    """Return the words of a line as a shell reads them; where its quotes do not close, the whole line."""
    try:
        return shlex.split(line)
    except ValueError:
        return [_bare(line)]


def _bare(line: str) -> str:
    return line[1:-1] if len(line) > 1 and line[0] == line[-1] and line[0] in "\"'" else line


def user_path(text: str) -> Path:
    """Return the path of an address or of a text as it stands; one begun with `~` in the user's folder."""
    address = _ADDRESS.sub("", text)
    path = Path(unquote(address)) if address != text else Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        # A user of that name is not known here: then it is a name with a tilde.
        return path
