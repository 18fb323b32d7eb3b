"""The same scenes laid out and run the usual way: one system block, the oldest message dropped, llama-server.

One process of llama-server with one slot, asked over /completion with `cache_prompt`.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rpchat.cli.waits import Played
from rpchat.prompt.conversation import converse
from rpchat.prompt.setup import setup_text
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene

NOTE_DEPTH = 4
_PATIENCE = 60.0
_PRESET = Preset(name="usual", adapter="chatml")


@dataclass(slots=True)
class Server:
    """A running llama-server. All counts are in tokens."""

    binary: Path
    model: Path
    context: int
    threads: int
    reuse: int
    """`--cache-reuse`: the shortest run that is moved instead of read again; 0 is off, as it is by default."""
    log: Path
    _process: subprocess.Popen[bytes] | None = None
    _address: str = ""
    _counts: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        command = [
            str(self.binary), "-m", str(self.model), "-c", str(self.context), "-t", str(self.threads),
            "-ngl", "0", "--parallel", "1", "--no-webui", "--host", "127.0.0.1", "--port", str(port),
            *(["--cache-reuse", str(self.reuse)] if self.reuse else []),
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + _PATIENCE
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"llama-server does not start; see {self.log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def read(self, prompt: str) -> int:
        """Return how many tokens it evaluates before the first new one."""
        answer = self._ask("/completion", prompt=prompt, n_predict=1, cache_prompt=True)
        return int(answer["timings"]["prompt_n"])

    def write(self, prompt: str) -> None:
        """Have it hold `prompt`, which ends with a reply, as if it had written that itself, as far as there is room."""
        # A reply that was cut short can be more tokens when it is read than when it was written.
        ids = self._tokens(prompt, add_special=True)[: self.context - 1]
        self._ask("/completion", prompt=ids, n_predict=0, cache_prompt=True)

    def count(self, words: str) -> int:
        """Return the length of a text in which control tokens are spelt out."""
        if words not in self._counts:
            self._counts[words] = len(self._tokens(words))
        return self._counts[words]

    def _tokens(self, words: str, *, add_special: bool = False) -> list[int]:
        answer = self._ask("/tokenize", content=words, parse_special=True, add_special=add_special)
        ids: list[int] = answer["tokens"]
        return ids

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._address}/health", timeout=5):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False

    def _ask(self, path: str, **content: object) -> Any:
        request = urllib.request.Request(
            self._address + path, json.dumps(content).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)


def replay(server: Server, played: Sequence[Played], *, longest: int) -> list[int]:
    """Return what the server evaluates for each of the actions before its first new token.

    What it wrote is held to be what was told in the scene, so that both go on with the same story. Where the scene was
    reopened, the server is started again.
    """
    evaluated = []
    server.start()
    try:
        for one in played:
            if one.action == "reopen":
                server.stop()
                server.start()
            prompt = layout(server, one, room=server.context - longest)
            evaluated.append(server.read(prompt))
            reply = one.scene.line()[-1].text.removeprefix(one.begun)
            server.write(prompt + reply)
    finally:
        server.stop()
    return evaluated


def layout(server: Server, one: Played, *, room: int) -> str:
    """Return the prompt of an action in the usual way, in at most `room` tokens."""
    scene, reply = one.scene, one.scene.line()[-1]
    company = len(scene.cast) > 1
    blocks = [_block(turn.side, f"{turn.speaker}: {turn.text}" if company else turn.text) for turn in scene.line()[:-1]]
    system = _block("system", _system(scene, reply.speaker))
    opening = "<|im_start|>assistant\n" + (f"{reply.speaker}:" if company else "")
    if one.begun:
        opening += f" {one.begun}" if company else one.begun
    note = _block("system", scene.settings.note) if scene.settings.note else ""
    fixed = server.count(system) + server.count(opening) + (server.count(note) if note else 0)
    sizes = [server.count(block) for block in blocks]
    first = 0
    while fixed + sum(sizes[first:]) > room:
        first += 1
    told = blocks[first:]
    if note:
        told.insert(max(0, len(told) - NOTE_DEPTH), note)
    return "".join([system, *told, opening])


def _system(scene: Scene, speaker: str) -> str:
    names = [member.card.spoken_name for member in scene.cast]
    task = f"Write {speaker}'s next reply in a fictional chat between {', '.join([*names, scene.persona.name])}."
    return f"{task}\n{setup_text(converse(scene, _PRESET, (), speaker=speaker))}"


def _block(side: str, content: str) -> str:
    role = {"user": "user", "member": "assistant"}.get(side, "system")
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"
