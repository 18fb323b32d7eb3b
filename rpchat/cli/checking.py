"""`rpchat check`: says what files are and whether they would be taken in. Nothing is stored, no home is opened."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rpchat.errors import RpchatError
from rpchat.library.looking import look
from rpchat.library.walking import files_in
from rpchat.story.text import one_line


def run(paths: Sequence[Path]) -> int:
    """Print a line for each file, and what is odd in it; 0 if all of them would be taken in."""
    refused = 0
    for path in files_in(paths):
        try:
            found = look(path)
        except RpchatError as error:
            refused += 1
            print(f"rpchat: {one_line(str(error), 400)}", file=sys.stderr, flush=True)
        else:
            line = f"{one_line(path.name)} · {found.kind} · {found.name}"
            print("\n    ".join([f"{line} · {found.detail}" if found.detail else line, *found.notes]), flush=True)
    return 1 if refused else 0
