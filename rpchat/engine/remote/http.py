"""Asking a server: the only module that knows the network.

Invariants: the key goes to the address it is for and nowhere else, redirects are not followed; nothing is asked again
once a part of an answer came; closing a stream of events closes its connection, which is how a server learns that
nobody listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from rpchat import __version__
from rpchat.engine.remote.errors import ServerError, garbled, gone, refusal, silent, unreachable
from rpchat.engine.remote.keys import Secret
from rpchat.engine.remote.settings import Address
from rpchat.engine.remote.values import JsonObject, parsed, told_error

_LARGEST_ANSWER = 64 * 1024 * 1024
_LARGEST_EVENT = 16 * 1024 * 1024
_CONNECT_SECONDS = 10.0
_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a question is asked again, and how long is waited in between: twice as long each time."""

    tries: int = 4
    first: float = 0.5
    longest: float = 30.0
    """Longer than this is not waited, also if the server asks for it."""

    def pause(self, attempt: int, wanted: float | None) -> float | None:
        """Return the seconds to wait behind try number `attempt`, counted from 1; None to give up.

        `wanted` is what the server asks for; None where it does not say.
        """
        if attempt >= self.tries:
            return None
        seconds = self.first * 2 ** (attempt - 1) if wanted is None else wanted
        return seconds if seconds <= self.longest else None


class Http:
    """One server. `silence` is how many seconds it may say nothing."""

    def __init__(self, address: Address, key: Secret, *, silence: float, patience: Patience | None = None) -> None:
        self.address = address
        self._key = key
        self._silence = silence
        self._patience = patience or Patience()
        headers = {"User-Agent": f"rpchat/{__version__}"}
        if key:
            headers["Authorization"] = f"Bearer {key.reveal()}"
        self._client = httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(silence, connect=min(_CONNECT_SECONDS, silence), pool=None),
            # llama-server keeps one of its few threads busy for every connection that is open.
            limits=httpx2.Limits(max_connections=2, max_keepalive_connections=1),
            follow_redirects=False,
            # A proxy cannot reach what runs on this machine.
            trust_env=not address.is_local,
        )

    @property
    def has_key(self) -> bool:
        """Whether a key is sent."""
        return bool(self._key)

    async def get(self, path: str) -> JsonObject:
        """Return what the server answers to GET, asked once. Raises ServerError, PromptError."""
        return await self._asked("GET", path, None)

    async def post(self, path: str, body: Mapping[str, object], *, patient: bool = True) -> JsonObject:
        """Return what the server answers to POST; a refusal that may pass is waited out if `patient`.

        Raises ServerError, PromptError.
        """
        attempt = 1
        while True:
            try:
                return await self._asked("POST", path, body)
            except ServerError as error:
                await self._wait_out(error, attempt if patient else self._patience.tries)
            attempt += 1

    async def events(self, path: str, body: Mapping[str, object]) -> AsyncGenerator[JsonObject, None]:
        """Yield the objects of an event stream, up to its end or `[DONE]`.

        A refusal that may pass is waited out as long as nothing came. Raises ServerError, PromptError.
        """
        attempt = 1
        while True:
            begun = False
            try:
                async with aclosing(self._stream(path, body)) as events:
                    async for event in events:
                        begun = True
                        yield event
            except ServerError as error:
                await self._wait_out(error, self._patience.tries if begun else attempt)
            else:
                return
            attempt += 1

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _wait_out(self, error: ServerError, attempt: int) -> None:
        """Wait before the next try, or raise `error` if there is to be none."""
        pause = self._patience.pause(attempt, error.wait) if error.passing else None
        if pause is None:
            raise error
        await asyncio.sleep(pause)

    async def _asked(self, method: str, path: str, body: Mapping[str, object] | None) -> JsonObject:
        async with self._answer(method, path, body) as response:
            data = await self._read(response)
        return _object_in(data, path)

    async def _stream(self, path: str, body: Mapping[str, object]) -> AsyncGenerator[JsonObject, None]:
        async with self._answer("POST", path, body) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != _EVENTS:
                raise ServerError("the server does not stream its answer", "rpchat needs a server that does.")
            async for event in httpx2.EventSource(response, max_event_size=_LARGEST_EVENT):
                if event.data.strip() == "[DONE]":
                    yield {"done": True}
                    return
                if event.data.strip():
                    yield self._event(event.data, path)

    def _event(self, data: str, path: str) -> JsonObject:
        value = _object_in(data, path)
        if "error" in value:
            status = value["error"].get("code") if isinstance(value["error"], Mapping) else None
            said = self._key.hidden_in(told_error(value))
            raise refusal(status if isinstance(status, int) else 500, said, what=path, key=self._key)
        return value

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: Mapping[str, object] | None
    ) -> AsyncIterator[httpx2.Response]:
        """Ask, and have the answer while it is read. Whatever goes wrong with the connection becomes one of ours."""
        label, begun = self.address.label, False
        try:
            async with self._client.stream(method, f"{self.address.root}{path}", json=body) as response:
                begun = True
                if not response.is_success:
                    raise await self._refused(response, path)
                yield response
        except httpx2.ConnectTimeout:
            raise unreachable(label, "it does not answer") from None
        except httpx2.TimeoutException:
            raise silent(label, self._silence) from None
        except httpx2.InvalidURL as error:
            raise unreachable(label, str(error)) from None
        except httpx2.HTTPError as error:
            reason = self._key.hidden_in(str(error))
            raise gone(label, reason) if begun else unreachable(label, reason) from None

    async def _refused(self, response: httpx2.Response, path: str) -> Exception:
        data = await self._read(response)
        try:
            said = told_error(parsed(data))
        except ValueError:
            said = ""
        return refusal(
            response.status_code, self._key.hidden_in(said), what=path, key=self._key,
            wait=_seconds(response.headers.get("retry-after", "")), elsewhere=response.headers.get("location", ""),
        )  # fmt: skip

    async def _read(self, response: httpx2.Response) -> bytes:
        """Return the whole body, as long as it is one that fits."""
        data = bytearray()
        async for part in response.aiter_bytes():
            data += part
            if len(data) > _LARGEST_ANSWER:
                raise garbled(response.request.url.path)
        return bytes(data)


def _seconds(text: str) -> float | None:
    """What a Retry-After header asks for: seconds, or a date; None where it says nothing that can be read."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _object_in(data: str | bytes, path: str) -> JsonObject:
    try:
        value = parsed(data)
    except ValueError:
        raise garbled(path) from None
    if not isinstance(value, Mapping):
        raise garbled(path)
    return value
