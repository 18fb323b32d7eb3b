"""Where a server is and what it is asked for: values without a network."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated, ClassVar
from urllib.parse import SplitResult, urlsplit

from annotated_types import Gt

from rpchat.errors import ModelError
from rpchat.story.text import one_line

_API = "/v1"
_ENDPOINTS = ("/chat/completions", "/completions", "/completion", "/models")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """A server that computes instead of this machine. Its key is never kept here, only where it is found."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    url: str = ""
    """Its address; empty computes on this machine."""
    model: str = ""
    """The model it is asked for; empty takes the first it names."""
    key_variable: str = "RPCHAT_API_KEY"
    """The environment variable that holds its key. Where that is empty, the keyring is asked, if there is one."""
    patience: Annotated[float, Gt(0)] = 300.0
    """Seconds it may be silent, while it reads a long prompt perhaps."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is. It holds no secret and may be shown."""

    root: str
    """Scheme, host, port and the path in front of `/v1`, without a slash at its end."""
    label: str
    """Host and port, as people say it."""
    host: str

    @property
    def is_local(self) -> bool:
        """Whether what is sent there stays on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read what is sent there."""
        return self.is_local or self.root.startswith("https:")


def address_of(url: str) -> Address:
    """Return the address a user wrote; the scheme may be missing, and an endpoint may stand behind it.

    Raises ModelError for what is no address of a server, and for one that holds a password.
    """
    written = url.strip()
    try:
        parts = urlsplit(written if "://" in written else f"http://{written}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _no_address(written) from None
    if "@" in parts.netloc:
        raise ModelError(
            "an address with a password in it would be kept in plain sight",
            "Put the key into the environment variable RPCHAT_API_KEY.",
        )
    if parts.scheme not in ("http", "https") or not host or any(letter.isspace() for letter in parts.netloc):
        raise _no_address(written)
    shown = f"[{host}]" if ":" in host else host
    label = shown if port is None else f"{shown}:{port}"
    return Address(root=f"{parts.scheme}://{label}{_front(parts)}", label=one_line(label), host=host)


def _front(parts: SplitResult) -> str:
    """The path in front of the API."""
    path = parts.path.rstrip("/")
    for endpoint in _ENDPOINTS:
        path = path.removesuffix(endpoint)
    return path.removesuffix(_API).rstrip("/")


def _no_address(written: str) -> ModelError:
    return ModelError(
        f"`{one_line(written)}` is no address of a server", "It looks like http://localhost:8080 or https://host/v1."
    )
