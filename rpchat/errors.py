"""Everything that can go wrong in a way the user should read.

    RpchatError
    ├── FileError      a file that cannot be read, or does not say what it should
    ├── StoreError     the database or the home folder
    ├── ModelError     a model that is missing or cannot be loaded
    ├── EngineError    the engine died or refused while it worked
    ├── PromptError    the prompt cannot be built, or does not fit
    └── ReplyError     no try gave a reply

An error is one plain sentence and, where something can be done, a second one that says what.
"""

from __future__ import annotations


class RpchatError(Exception):
    """One clear line for the user: `message` says what and why, `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class FileError(RpchatError):
    """A file that cannot be read, or does not hold what it should. Nothing was changed."""


class StoreError(RpchatError):
    """The database or the home folder cannot be used. What was committed before stays."""


class ModelError(RpchatError):
    """A model that is missing or cannot be loaded."""


class EngineError(RpchatError):
    """The engine died or refused while it worked. The next call starts it again."""


class PromptError(RpchatError):
    """The prompt cannot be built, or its fixed parts alone are larger than the context."""


class ReplyError(RpchatError):
    """Every try at a reply came back empty. No turn was stored."""
