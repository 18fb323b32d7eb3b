"""What can go wrong between here and a hub, each as one clear line, or as something that may pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from rpchat.errors import ModelError
from rpchat.story.text import one_line

_SIGN_IN = "If it is private, sign in once with `hf auth login` or set HF_TOKEN; then the same command works."
_LONGEST_REST = 120.0
_PASSING_STATUSES = (408, 425, 429, 500, 502, 503, 504)


class Passing(Exception):  # noqa: N818
    """What may be over in a moment: `why` in a few words, and how many seconds to wait at least. Never shown as it is:
    who fetches tries again, and says so."""

    def __init__(self, why: str, *, after: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.after = after


@contextmanager
def told(repository: str) -> Iterator[None]:
    """Turn what the hub and the connection raise inside the block into ModelError, or Passing where it may pass."""
    try:
        yield
    except OfflineModeIsEnabled:
        raise ModelError("models cannot be fetched: HF_HUB_OFFLINE is set", "Unset it to fetch.") from None
    except HFValidationError:
        raise ModelError(f"`{one_line(repository, 80)}` is no name of a repository") from None
    except (HfHubHTTPError, EntryNotFoundError) as error:
        raise _refusal(repository, error) from None
    except httpx2.ConnectError:
        raise Passing("the hub cannot be reached") from None
    except httpx2.TimeoutException:
        raise Passing("the hub does not answer") from None
    except httpx2.TransportError:
        raise Passing("the connection broke") from None
    except httpx2.HTTPError as error:
        raise ModelError(f"the hub's answer cannot be used: {one_line(str(error), 120)}") from None


def _refusal(repository: str, error: HfHubHTTPError | EntryNotFoundError) -> ModelError | Passing:
    name = one_line(repository, 80)
    response = error.response if isinstance(error, HfHubHTTPError) else None
    status = response.status_code if response is not None else 404
    if response is not None and status in _PASSING_STATUSES:
        why = "the hub has had too many requests" if status == 429 else f"the hub is in trouble (status {status})"
        return Passing(why, after=_seconds(response.headers.get("Retry-After", "")))
    if isinstance(error, GatedRepoError):
        hint = "Open its page on the hub, agree there, and sign in with `hf auth login` or HF_TOKEN."
        return ModelError(f"{name} is only for those who agreed to its terms", hint)
    if isinstance(error, RepositoryNotFoundError) or status == 401:
        return ModelError(f"there is no {name} on the hub, or it is closed to you", _SIGN_IN)
    if status == 403:
        return ModelError(f"the hub does not let you have {name}", _SIGN_IN)
    if isinstance(error, EntryNotFoundError | RevisionNotFoundError) or status == 404:
        return ModelError(f"{name} no longer has that file", "Try again: its files may have been changed just now.")
    return ModelError(f"the hub refuses {name} (status {status})")


def _seconds(text: str) -> float:
    """Return how long to wait as a header says it; dates are not read, for what follows is a guess as good."""
    return min(float(text), _LONGEST_REST) if text.strip().isdecimal() else 0.0
