"""The key of a server: found in the environment or the keyring, held so that nothing prints it by mistake."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec

from rpchat.engine.remote.settings import Address
from rpchat.errors import EngineError
from rpchat.story.text import one_line

_SERVICE = "rpchat"


class Secret:
    """A key, and the `variable` it is looked for in. Only `reveal` shows it; printed or logged it is three dots."""

    __slots__ = ("_value", "variable")

    def __init__(self, value: str, variable: str = "") -> None:
        self._value = value
        self.variable = variable

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret()"

    __str__ = __repr__

    def reveal(self) -> str:
        """Return the key itself, for the one header it is sent in."""
        return self._value

    def hidden_in(self, text: str) -> str:
        """Return `text` with the key in it, if a server repeats it, replaced by three dots."""
        return text.replace(self._value, "…") if self._value else text


def find_key(variable: str, address: Address) -> Secret:
    """Return the server's key: that of the environment, else the one the keyring has for this host; it may be empty.

    Raises EngineError for a key that cannot be sent.
    """
    key = (os.environ.get(variable) or "").strip() if variable else ""
    key = key or _from_keyring(address)
    if not (key.isascii() and key.isprintable()):
        raise EngineError(f"the key in {one_line(variable)} holds characters that cannot be sent")
    return Secret(key, one_line(variable))


def _from_keyring(address: Address) -> str:
    """The password that is kept for the service `rpchat` and the server's host and port; empty without a keyring."""
    if find_spec("keyring") is None:
        return ""
    keyring, errors = import_module("keyring"), import_module("keyring.errors")
    try:
        found = keyring.get_password(_SERVICE, address.label)
    except errors.KeyringError as error:
        raise EngineError(f"the keyring cannot be asked: {one_line(str(error))}") from None
    return found if isinstance(found, str) else ""
