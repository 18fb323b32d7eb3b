"""What a server answers instead of a reply, in one line each."""

from __future__ import annotations

from rpchat.engine.remote.keys import Secret
from rpchat.errors import EngineError, PromptError, RpchatError
from rpchat.story.text import one_line

_LONGEST = 200
_CONTEXT_WORDS = ("context length", "context size", "context window", "maximum context", "max_model_len", "n_ctx",
                  "inputs tokens", "too long")  # fmt: skip
_SERVER_AGAIN = "Try again; what the server prints may say more."


class ServerError(EngineError):
    """A server refused. `status` is the HTTP status, 0 where none came; `passing` tells that it may do so no more in a
    moment, and `wait` for how many seconds it asks (None where it does not say)."""

    def __init__(
        self, message: str, hint: str = "", *, status: int = 0, passing: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.passing = passing
        self.wait = wait


def refusal(
    status: int, said: str, *, what: str, key: Secret, wait: float | None = None, elsewhere: str = ""
) -> RpchatError:
    """Return the error for an answer that is not OK.

    `what` is the path that was asked, `key` what was sent with it, `said` the server's own words, `elsewhere` where a
    redirect leads.
    """
    words = one_line(said, _LONGEST)
    because = f": {words}" if words else ""
    if status in (400, 413, 422) and any(word in said.casefold() for word in _CONTEXT_WORDS):
        return PromptError(
            f"the prompt is too long for the server{because}",
            "Start the server with a larger context, set engine.n_ctx to what it has, or shorten the cards.",
        )
    if status in (401, 403):
        message, hint = _about_key(status, key)
    elif status in _KNOWN:
        message, hint = _KNOWN[status]
    elif status == 404:
        message = f"the server has no such model or no {what} (404)"
        hint = "Check the address and the model's name."
    elif 300 <= status < 400:
        message = f"the server sends one elsewhere ({status}{', to ' + one_line(elsewhere) if elsewhere else ''})"
        hint = "Nothing is sent there by itself: give that address if it is the right one."
    elif status >= 500:
        message, hint = f"the server failed ({status})", _SERVER_AGAIN
    else:
        message, hint = f"the server refuses ({status})", ""
    return ServerError(f"{message}{because}", hint, status=status, passing=status in (429, 502, 503, 504), wait=wait)


_KNOWN = {
    429: ("the server has too much to do (429)", "Try again in a while."),
    503: ("the server is not ready (503)", "It may still be loading its model."),
}


def _about_key(status: int, key: Secret) -> tuple[str, str]:
    variable = key.variable or "its variable"
    if key:
        return f"the server refuses the key ({status})", f"Check {variable}."
    return f"the server wants a key ({status})", f"Put it into the environment variable {variable}."


def unreachable(label: str, reason: str) -> ServerError:
    """Return the error for a server nobody answers at."""
    return ServerError(
        f"no server answers at {label}: {one_line(reason) or 'no connection'}",
        "Is it running, and is the address right?",
        passing=True,
    )


def silent(label: str, seconds: float) -> ServerError:
    """Return the error for a server that says nothing for too long."""
    return ServerError(
        f"the server at {label} says nothing for {seconds:,.0f} s",
        "`server.patience` in the config is how long to wait.",
    )


def gone(label: str, reason: str) -> ServerError:
    """Return the error for a server that went away in the middle of an answer."""
    because = one_line(reason)
    return ServerError(
        f"the server at {label} went away in mid-answer{': ' + because if because else ''}",
        "What it wrote is kept. Try again.",
    )


def broken_off() -> ServerError:
    """Return the error for an answer that ended without an end."""
    return ServerError("the server broke off in mid-answer", "What it wrote is kept. Try again.")


def garbled(what: str) -> ServerError:
    """Return the error for an answer that is not what was asked for."""
    return ServerError(f"the server answers {what} with something that cannot be read", "Is it the right address?")
