"""Speaking with a hub: what a repository holds, and the bytes of a file from where one stopped.

huggingface_hub is used here and in `hub_errors` only. Its own settings say where the hub is, who one is to it, and
whether it may be reached at all. A token never gets into a message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from huggingface_hub import HfApi, get_async_session, hf_hub_url
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

from rpchat import __version__
from rpchat.errors import ModelError
from rpchat.fetch.hub_errors import told
from rpchat.fetch.wanted import Listing, RemoteFile
from rpchat.story.text import one_line

_CONNECT, _SILENCE = 10.0, 30.0
"""Seconds to wait for a connection, and for the next bytes."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes that come in, the first of them being byte `start` of the file."""

    start: int
    chunks: AsyncIterator[bytes]


class Hub:
    """One hub. Its methods raise ModelError for what will not change by itself, Passing for what may."""

    def __init__(self) -> None:
        # What it warns of would be written over the screen.
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        self._api = HfApi(library_name="rpchat", library_version=__version__)

    async def listing(self, repository: str) -> Listing:
        """Return what a repository holds now."""
        info = await asyncio.to_thread(self._info, repository)
        files = tuple(
            RemoteFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs is not None else "")
            for one in info.siblings or ()
        )
        return Listing(repository, info.sha or "main", files)

    def _info(self, repository: str) -> ModelInfo:
        with told(repository):
            try:
                return self._api.model_info(repository, files_metadata=True, timeout=_SILENCE)
            except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
                raise _odd_answer(repository) from error
            except ValueError as error:
                # The library's own refusals of names and statuses are ValueErrors too, and are told better by `told`.
                if type(error).__module__.startswith("huggingface_hub"):
                    raise
                raise _odd_answer(repository) from error

    @asynccontextmanager
    async def reading(self, listing: Listing, file: RemoteFile, *, start: int) -> AsyncIterator[Flow]:
        """Give the bytes of a file from byte `start` on, or from its beginning if the hub cannot do that."""
        url = hf_hub_url(listing.repository, file.path, revision=listing.revision, endpoint=self._api.endpoint)
        headers = build_hf_headers(library_name="rpchat", library_version=__version__)
        headers["Accept-Encoding"] = "identity"
        if start:
            headers["Range"] = f"bytes={start}-"
        patience = httpx2.Timeout(_SILENCE, connect=_CONNECT)
        with told(listing.repository):
            async with (
                get_async_session() as session,
                session.stream("GET", url, headers=headers, timeout=patience) as response,
            ):
                hf_raise_for_status(response)
                yield Flow(start if response.status_code == httpx2.codes.PARTIAL_CONTENT else 0, response.aiter_raw())


def _odd_answer(repository: str) -> ModelError:
    return ModelError(
        f"what answers for {one_line(repository, 80)} is no hub", "HF_ENDPOINT says which hub is asked; is it right?"
    )
