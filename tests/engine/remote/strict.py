"""A server of OpenAI's completions on loopback: strict about every field it is sent, with faults to be asked for.

It answers with `words`, one a chunk. As vLLM it tokenises as well: a character is its code point, a control token in
text becomes one, as in every server that does not tell the two apart.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

CONTROLS = {"<s>": 0x110000, "</s>": 0x110001, "<|im_start|>": 0x110002, "<|im_end|>": 0x110003}
_NAMES = {token: name for name, token in CONTROLS.items()}
_CUT = re.compile("(" + "|".join(map(re.escape, CONTROLS)) + ")")
_OPENAI = {
    "model", "prompt", "max_tokens", "stream", "stream_options", "temperature", "top_p", "frequency_penalty",
    "presence_penalty", "seed", "stop", "logit_bias", "n", "echo", "suffix", "best_of", "logprobs", "user",
}  # fmt: skip
_VLLM = _OPENAI | {
    "top_k", "min_p", "repetition_penalty", "stop_token_ids", "min_tokens", "return_token_ids", "add_special_tokens",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next completion. `after`: so many words are sent before."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    said: str = "no"
    after: int = 0
    kind: str = ""
    """`cut`, `silent`, `garbage`, `whole` (no stream), `unended`."""


@dataclass(slots=True)
class StrictServer:
    """What it was asked, and what it is to answer."""

    words: tuple[str, ...] = ("The", " rain", " has", " stopped", ".")
    finish: str = "stop"
    models: tuple[str, ...] = ("little",)
    is_vllm: bool = False
    key: str = ""
    context: int = 4096
    port: int = 0
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client goes away in the middle of a stream."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def completions(self) -> list[Any]:
        """The bodies of the completions that were asked for."""
        return [one.body for one in self.asked if one.path == "/v1/completions"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it is closed."""
        try:
            while (asked := await _read(reader)) is not None:
                self.asked.append(asked)
                await self._answer(asked, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            echoed = asked.headers.get("authorization", "")
            return await _say(writer, 401, {"error": {"message": f"wrong key: {echoed}", "type": "auth"}})
        if asked.path == "/v1/models":
            entry = {"object": "model", "owned_by": "vllm" if self.is_vllm else "somebody"}
            if self.is_vllm:
                entry["max_model_len"] = self.context  # type: ignore[assignment]
            return await _say(writer, 200, {"object": "list", "data": [{"id": name, **entry} for name in self.models]})
        if asked.path == "/v1/completions":
            return await self._complete(asked.body, reader, writer)
        if self.is_vllm and asked.path == "/tokenize":
            ids = [CONTROLS["<s>"]] * asked.body["add_special_tokens"] + tokens_of(asked.body["prompt"])
            return await _say(writer, 200, {"tokens": ids, "count": len(ids), "max_model_len": self.context})
        if self.is_vllm and asked.path == "/detokenize":
            return await _say(writer, 200, {"prompt": text_of(asked.body["tokens"])})
        return await _say(writer, 404, {"detail": "Not Found"})

    async def _complete(self, body: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wrong = self._wrong(body)
        if wrong:
            return await _say(writer, 400, {"error": {"message": wrong, "type": "invalid_request_error"}})
        fault = self.faults.popleft() if self.faults else Fault()
        if fault.status:
            return await _say(writer, fault.status, {"error": {"message": fault.said}}, fault.headers)
        if fault.kind == "whole":
            return await _say(writer, 200, {"choices": [{"text": "".join(self.words), "finish_reason": "stop"}]})
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for count, word in enumerate(self.words):
            if fault.kind and count == fault.after:
                return await self._fail(fault.kind, reader, writer)
            await self._chunk(writer, {"choices": [self._choice(word, None)]})
        await self._chunk(writer, {"choices": [self._choice("", self.finish)]})
        if body.get("stream_options", {}).get("include_usage"):
            usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": len(self.words)}
            await self._chunk(writer, {"choices": [], "usage": usage})
        await _part(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        return await writer.drain()

    def _choice(self, text: str, finish: str | None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": finish}
        return choice | ({"token_ids": tokens_of(text)} if self.is_vllm else {})

    async def _fail(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if kind == "cut":
            writer.transport.abort()
        elif kind == "unended":
            writer.write(b"0\r\n\r\n")
        elif kind == "garbage":
            await _part(writer, b"data: {nonsense\n\n")
        else:
            # Silent until the client has had enough of it.
            await reader.read()
            raise ConnectionResetError

    async def _chunk(self, writer: asyncio.StreamWriter, content: object) -> None:
        await _part(writer, f"data: {json.dumps(content)}\n\n".encode())

    def _wrong(self, body: Any) -> str:
        """What is wrong with a request, in the words such servers use; empty if nothing is."""
        unknown = set(body) - (_VLLM if self.is_vllm else _OPENAI)
        if unknown:
            return f"unrecognized request arguments: {', '.join(sorted(unknown))}"
        if body.get("model") not in self.models:
            return f"the model {body.get('model')!r} does not exist"
        prompt = body.get("prompt")
        ids = isinstance(prompt, list) and all(type(one) is int and 0 <= one < 0x110010 for one in prompt)
        if not (isinstance(prompt, str) or (ids and self.is_vllm)):
            return "prompt must be a string"
        if len(prompt) + body["max_tokens"] > self.context:
            return f"This model's maximum context length is {self.context} tokens"
        if not (0 <= body.get("temperature", 1) <= 2 and 0 < body.get("top_p", 1) <= 1):
            return "temperature or top_p out of range"
        if not (len(body.get("stop", [])) <= 4 and all(abs(b) <= 100 for b in body.get("logit_bias", {}).values())):
            return "too many stops, or a bias out of range"
        return "" if body.get("stream") is True else "stream must be true here"


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    head = await reader.readline()
    if not head:
        return None
    method, path, _ = head.decode().split(" ")
    headers: dict[str, str] = {}
    while (line := (await reader.readline()).decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    data = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, json.loads(data) if data else None)


async def _say(
    writer: asyncio.StreamWriter, status: int, content: object, headers: Mapping[str, str] | None = None
) -> None:
    data = json.dumps(content).encode()
    told = {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    writer.write(f"HTTP/1.1 {status} So\r\n{lines}\r\n".encode() + data)
    await writer.drain()


async def _part(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


def tokens_of(text: str) -> list[int]:
    """Return the ids of a text, control tokens in it among them."""
    ids: list[int] = []
    for part in _CUT.split(text):
        ids += [CONTROLS[part]] if part in CONTROLS else map(ord, part)
    return ids


def text_of(ids: list[int]) -> str:
    return "".join(_NAMES.get(token) or chr(token) for token in ids)


@asynccontextmanager
async def serving(server: StrictServer) -> AsyncIterator[StrictServer]:
    """Let the server serve for as long as the block runs."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
