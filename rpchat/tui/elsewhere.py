"""A text written in the user's own editor, while the screen waits."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported

from rpchat.errors import RpchatError
from rpchat.story.text import clean, one_line

_LARGEST = 4_000_000


def written_elsewhere(app: App[None], text: str) -> str:
    """Return the text as the program in `$VISUAL` or `$EDITOR` left it. Raises RpchatError where there is none, where
    it fails, or where the screen cannot step aside for it; then the text is as it was."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    if not command:
        raise RpchatError("no editor is set", "Set EDITOR to the program you write with, vim or nano for instance.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text(text, encoding="utf-8")
        try:
            with app.suspend():
                subprocess.run([*command, str(path)], check=True)
        except SuspendNotSupported as error:
            raise RpchatError("another program cannot be shown in this terminal", "Write in the field here.") from error
        except (OSError, subprocess.CalledProcessError) as error:
            raise RpchatError(f"{one_line(command[0])} did not work: {one_line(str(error), 120)}") from error
        return _left_in(path)


def _left_in(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RpchatError("the editor left no text", "The field is as it was.") from error
    if len(data) > _LARGEST:
        raise RpchatError("what the editor left is too long", "The field is as it was.")
    # Editors end a text with a newline of their own.
    return clean(data.decode("utf-8", "replace")).removesuffix("\n")
