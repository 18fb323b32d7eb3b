"""The vocabulary of a llama-server's model: text to token ids and back, as exactly as the model in our own process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from rpchat.engine.remote.errors import garbled
from rpchat.engine.remote.http import Http
from rpchat.engine.remote.values import ids_in, items, string, whole
from rpchat.errors import PromptError
from rpchat.prompt.segment import Segment, joined
from rpchat.story.text import one_line

_QUOTED = re.compile(r"""(['"])(.{1,64}?)\1""")
_BRACKETED = re.compile(r"<[^\s<>]{1,62}>|\[[^\s\[\]]{1,62}\]")
_DELIMITERS = ("<", "[")
_BETWEEN = -1
"""No token: parts what was asked about together."""


class LlamaVocabulary:
    """Asks the server. `size` is how many tokens there are; 0 where that is not told."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._controls: dict[str, int] = {}
        self._marks: re.Pattern[str] | None = None
        self.size = 0

    @property
    def controls(self) -> frozenset[str]:
        """The control tokens that were found, by name."""
        return frozenset(self._controls)

    @property
    def control_ids(self) -> frozenset[int]:
        """Their ids."""
        return frozenset(self._controls.values())

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the ids of a prompt, in one question: control tokens as ids, each run of text by itself."""
        content: list[int | str] = []
        for kind, run in joined(segments):
            if kind == "t":
                content += self._parts(run)
                continue
            token = await self.control_id(run)
            if token is None:
                raise PromptError(
                    f"this model has no control token {one_line(run)}",
                    "This preset is for another model; choose one.",
                )
            content.append(token)
        return await self._asked({"content": content}) if content else []

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token, which the server tells exactly."""
        self.check(ids)
        answer = await self._http.post("/tokenize", {"content": list(ids), "with_pieces": True}) if ids else {}
        controls = self.control_ids
        pieces = [(whole(told, "id", -1), _bytes(told)) for told in items(answer, "tokens")]
        if [token for token, _ in pieces] != list(ids):
            raise garbled("/tokenize")
        return [b"" if token in controls else piece for token, piece in pieces]

    async def retell(self, text: str) -> list[tuple[int, bytes]]:
        """The tokens that text is made of, each with its bytes."""
        answer = await self._http.post("/tokenize", {"content": text, "parse_special": False, "with_pieces": True})
        return [(whole(told, "id"), _bytes(told)) for told in items(answer, "tokens")]

    async def find_controls(self, names: Iterable[str], template: str) -> None:
        """Find out which of `names`, and of the words a template could mean as tokens, are control tokens."""
        words = {match[2] for match in _QUOTED.finditer(template)} | set(_BRACKETED.findall(template))
        asked = sorted({*names, *words})
        parsed, plain = await self._each(asked, special=True), await self._each(asked, special=False)
        found = {name: (ids[0], ids == plain[name]) for name, ids in parsed.items() if len(ids) == 1}
        marks = [name for name in names if name.startswith(_DELIMITERS) and found.get(name, (0, False))[1]]
        # A token of its own that is found in plain text as well: there it is cut in two, as in the child.
        self._marks = re.compile("|".join(map(re.escape, marks))) if marks else None
        self._controls = {name: token for name, (token, in_plain) in found.items() if not in_plain or name in marks}

    async def control_id(self, name: str) -> int | None:
        """Return the id of the control token of that name; None if there is none. Raises EngineError."""
        if name not in self._controls:
            ids = (await self._each([name], special=True))[name]
            if len(ids) != 1 or ids == (await self._each([name], special=False))[name]:
                return None
            self._controls[name] = ids[0]
        return self._controls[name]

    async def begins_with_token(self) -> bool:
        """Return whether the model wants a token in front of every prompt. Raises EngineError."""
        return bool(await self._asked({"content": "", "add_special": True}))

    async def ids_of(self, text: str) -> list[int]:
        """Return the ids of a text in which nothing is a control token. Raises EngineError."""
        return await self._asked({"content": self._parts(text)})

    def check(self, prompt: Sequence[int]) -> None:
        """Raise PromptError for ids the model does not have."""
        if self.size and not all(0 <= token < self.size for token in prompt):
            raise PromptError("the prompt holds token ids that this model does not have")

    async def _each(self, texts: Sequence[str], *, special: bool) -> dict[str, list[int]]:
        """The ids of each text, all asked for at once: numbers among the texts come back as they are."""
        content = [part for text in texts for part in (_sendable(text), _BETWEEN)]
        ids = await self._asked({"content": content, "parse_special": special}) if content else []
        runs: list[list[int]] = [[]]
        for token in ids:
            if token == _BETWEEN:
                runs.append([])
            else:
                runs[-1].append(token)
        if len(runs) != len(texts) + 1:
            raise garbled("/tokenize")
        return dict(zip(texts, runs, strict=False))

    async def _asked(self, question: Mapping[str, object]) -> list[int]:
        ids = ids_in(await self._http.post("/tokenize", {"parse_special": False, **question}), "tokens")
        if ids is None:
            raise garbled("/tokenize")
        return ids

    def _parts(self, run: str) -> list[str]:
        """A run of text, every mark in it cut behind its first character."""
        run = _sendable(run)
        cuts = [match.start() + 1 for match in self._marks.finditer(run)] if self._marks is not None else []
        places = [0, *cuts, len(run)]
        return [run[start:stop] for start, stop in pairwise(places) if stop > start]


def _bytes(told: object) -> bytes:
    """A token's bytes: a text where they are one, else a list of numbers."""
    numbers = ids_in(told, "piece")
    return string(told, "piece").encode() if numbers is None else bytes(numbers)


def _sendable(text: str) -> str:
    """Text that JSON can carry: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
