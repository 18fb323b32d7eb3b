"""A hub on this machine's loopback: it lists repositories and gives files in ranges, and can fail in every way."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

COMMIT = "5c1e6f0a9d3b47e28c6410f7b2a98d35e4071f6c"
_API = re.compile(r"/api/models/([\w.-]+/[\w.-]+)(?:/revision/[^/?]+)?(?:\?.*)?")
_RESOLVE = re.compile(r"/([\w.-]+/[\w.-]+)/resolve/([^/]+)/([^?]+)")
_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass
class Repository:
    """What a repository holds, by path."""

    files: Mapping[str, bytes]
    sums: Mapping[str, str] = field(default_factory=dict)
    """Checksums that are told instead of the right ones."""
    private: bool = False
    gated: bool = False
    token: str = ""
    """The token that opens it."""


@dataclass(frozen=True)
class Seen:
    """A request that came."""

    path: str
    start: int
    token: str


@dataclass
class Faults:
    """What goes wrong with the next requests for files."""

    cuts: list[int] = field(default_factory=list)
    """After so many bytes the connection ends; one number for each request."""
    statuses: list[int] = field(default_factory=list)
    """Statuses that are answered instead; one for each request."""
    retry_after: str = ""
    no_ranges: bool = False
    gone: bool = False
    """Nothing is answered any more: connections end at once."""
    garbage: bool = False
    """The list of files is no JSON."""
    hold_at: int = -1
    """After so many bytes nothing comes any more, until `let_go`."""
    let_go: threading.Event = field(default_factory=threading.Event)


class HubServer(ThreadingHTTPServer):
    """The hub; and, on a port of its own, the place it sends to for the bytes."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, repositories: dict[str, Repository]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.faults = Faults()
        self.seen: list[Seen] = []
        self.storage: HubServer | None = None
        """Where requests for files are redirected to."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def starts(self) -> list[int]:
        """Return from which byte on files were asked for, request by request."""
        return [seen.start for seen in self.seen if "/resolve/" in seen.path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer
    quiet: ClassVar[bool] = True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        faults = self.server.faults
        ranged = _RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(ranged[1]) if ranged else 0
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.seen.append(Seen(self.path, start, token))
        if faults.gone:
            self.close_connection = True
            return
        if listed := _API.fullmatch(self.path):
            self._list(listed[1], token)
        elif asked := _RESOLVE.fullmatch(self.path):
            self._give(asked[1], asked[3], token, 0 if faults.no_ranges else start, ranged=ranged is not None)
        else:
            self._refuse(404, "EntryNotFound")

    def _closed(self, name: str, token: str) -> bool:
        repository = self.server.repositories.get(name)
        if repository is None:
            self._refuse(404, "RepoNotFound")
        elif repository.token and token == repository.token:
            return False
        elif repository.private:
            self._refuse(401, "")
        elif repository.gated and "/resolve/" in self.path:
            self._refuse(403, "GatedRepo")
        else:
            return False
        return True

    def _list(self, name: str, token: str) -> None:
        if self._closed(name, token):
            return
        repository = self.server.repositories[name]
        siblings = [
            {
                "rfilename": path,
                "size": len(data),
                "blobId": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
                "lfs": {
                    "sha256": repository.sums.get(path, hashlib.sha256(data).hexdigest()),
                    "size": len(data),
                    "pointerSize": 130,
                },
            }
            for path, data in repository.files.items()
        ]
        about = {"id": name, "modelId": name, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}
        content = b"<html>" if self.server.faults.garbage else json.dumps(about).encode()
        self._answer(200, content, {"Content-Type": "application/json"})

    def _give(self, name: str, path: str, token: str, start: int, *, ranged: bool) -> None:
        faults = self.server.faults
        if self._closed(name, token):
            return
        if self.server.storage is not None:
            self._answer(302, b"", {"Location": f"{self.server.storage.url}{self.path}"})
            return
        if faults.statuses:
            self._refuse(faults.statuses.pop(0), "")
            return
        data = self.server.repositories[name].files.get(path)
        if data is None:
            self._refuse(404, "EntryNotFound")
            return
        partly = ranged and not faults.no_ranges
        headers = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(len(data)),
            "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
            "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
            "Accept-Ranges": "bytes",
        }
        if partly:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._answer(206 if partly else 200, data[start:], headers)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        faults = self.server.faults
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        is_file = "/resolve/" in self.path and status in (200, 206)
        if is_file and faults.hold_at >= 0:
            self.wfile.write(body[: faults.hold_at])
            faults.let_go.wait(30)
            self.close_connection = True
        elif is_file and faults.cuts:
            self.wfile.write(body[: faults.cuts.pop(0)])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        headers = {"X-Error-Code": code} if code else {}
        if self.server.faults.retry_after:
            headers["Retry-After"] = self.server.faults.retry_after
        self._answer(status, b"{}", headers)


@contextmanager
def serving(repositories: dict[str, Repository]) -> Iterator[HubServer]:
    """A hub for as long as the block runs."""
    server = HubServer(repositories)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.faults.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
