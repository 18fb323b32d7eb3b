"""The engine as the rest of the program knows it: what it is asked, what it tells.

Three engines stand behind this: `child.ChildEngine` (llama.cpp in a child process), `remote.engine.RemoteEngine` (a
server) and `scripted.ScriptedEngine` (deterministic, for tests).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import Segment
from rpchat.story.preset import Sampling

MemoryKind = Literal["full", "window", "recurrent"]
"""`full`: any token read can be given up alone; `window`: only the last ones, and no more than the window still shows;
`recurrent`: none, so only a prompt that goes on from what was read is not read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device llama.cpp can compute on; memory in bytes, 0 where it is not told."""

    name: str
    description: str
    kind: Literal["cpu", "gpu", "igpu", "accel"]
    free: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What there is to load a model with, as it is now. Memory in bytes; 0 where it is not told."""

    free: int = 0
    """Memory of the host that can be had without pushing others out, within every limit on this process."""
    total: int = 0
    threads: int = 1
    """Physical cores that may be used."""
    devices: tuple[Device, ...] = ()
    unified: bool = False
    """Whether GPU and host have the same memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A loaded model."""

    path: Path
    name: str
    """`general.name` of the GGUF, or the file's stem."""
    architecture: str
    description: str
    """llama.cpp's own, such as `llama 134M Q4_1`."""
    size: int
    """Bytes of the weights."""
    parameters: int
    n_ctx: int
    n_ctx_train: int
    n_vocab: int
    chat_template: str
    """The GGUF's own Jinja template; empty where it has none."""
    bos: str | None
    """The token a prompt begins with; None where the vocabulary wants none."""
    eos: str
    controls: frozenset[str]
    """Of the control tokens asked for at loading, those this vocabulary has as one token; with a chat template,
    also every control token that is named in it."""
    metadata: Mapping[str, str]
    """The GGUF's scalar metadata, values shortened to 200 characters, without the template."""
    devices: tuple[Device, ...]
    offloaded: bool
    """Whether layers were given to a GPU."""
    threads: int
    memory: MemoryKind = "full"
    """What of a prompt that was read can be used for another one."""
    can_shift: bool = False
    """Whether `EngineSettings.shift` can be heeded."""
    n_prompts: int = 1
    """How many prompts of `n_ctx` tokens, each with its reply, it can keep read."""
    safe_mode: bool
    """Whether CPU-specific weight layouts are off, because this build of llama.cpp died of them here."""
    library: str
    """Version of llama-cpp-python."""
    features: str
    """llama.cpp's system info line."""
    server: str = ""
    """Host and port of the server that computes; empty where this machine does."""
    text_only: bool = False
    """Whether the server takes only text: control tokens are written out, and token ids are made up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What can be told of the engine without loading weights."""

    library: str
    """Version of llama-cpp-python."""
    features: str
    """llama.cpp's system info line: what the build uses of this CPU."""
    gpu_offload: bool
    """Whether the build can give layers to a GPU at all."""
    rpc: bool = False
    """Whether the build can use devices of other machines."""
    resources: Resources = Resources()
    devices: tuple[Device, ...]
    safe_mode: bool | None
    """Whether models are loaded in safe mode here; None where none was loaded yet."""
    model: ModelInfo | None
    """The model file that was asked about, from its header and vocabulary; `n_ctx` is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One reply to be written."""

    segments: tuple[Segment, ...]
    sampling: Sampling
    seed: int
    """0 … 2^32-2."""
    max_tokens: int
    stop_controls: tuple[str, ...] = ()
    """Control tokens that end the reply, beside every end-of-generation token of the vocabulary. A name the
    vocabulary does not have as one token is passed over."""
    continue_ids: tuple[int, ...] = ()
    """Token ids put behind the segments, as they were generated before: the reply goes on from them."""
    forbid_end: int = 0
    """For this many tokens the reply may not end."""


@dataclass(frozen=True, slots=True)
class Loading:
    """A model is being loaded: `done` of `total`, in thousandths."""

    done: int
    total: int = 1000


@dataclass(frozen=True, slots=True)
class Stepping:
    """A model is loaded otherwise than it was asked for, because memory does not hold it: one line that says how."""

    what: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is ready."""

    model: ModelInfo


@dataclass(frozen=True, slots=True)
class Reading:
    """The prompt is being read: `done` of `total` tokens, what was in the cache counted as done."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the reader: what of a request the engine cannot do as it was asked. Each is told once."""

    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One generated token. `data` may be a part of a character, or empty for a control token."""

    id: int
    data: bytes


End = Literal["eos", "stop", "max_tokens", "context"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last event of a stream that was not closed early. Times in milliseconds."""

    reason: End
    """`eos`: an end-of-generation token; `stop`: one of `stop_controls` that is none; `context`: full."""
    prompt_tokens: int
    prefilled_tokens: int
    """How many of them were evaluated; the rest was in the cache."""
    reply_tokens: int
    prefill_ms: float
    decode_ms: float


def seed_of(seed: int, version: int) -> int:
    """Return the seed of one of several versions: they count up from the request's own."""
    return (seed + version) % 0xFFFFFFFF


LoadEvent = Loading | Stepping | Loaded
StreamEvent = Reading | Notice | Piece | Ended


class Engine(Protocol):
    """A place where one model lives.

    One thing is done at a time: a call made while a stream runs waits until it is over. If the engine dies, the
    call that notices raises EngineError with the reason; the next call starts it again with the same model.
    """

    @property
    def model(self) -> ModelInfo | None:
        """The loaded model, or None before `load` has ended."""
        ...

    def load(
        self, path: Path, settings: EngineSettings, *, controls: Iterable[str] = ()
    ) -> AsyncGenerator[LoadEvent, None]:
        """Load the model file, replacing the one before; the last event is `Loaded`. Raises ModelError."""
        ...

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the token ids of a prompt, exactly as `stream` would read it."""
        ...

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the bytes of each token; a control token has none."""
        ...

    async def reusable(self, segments: Sequence[Segment], *, continue_ids: Sequence[int] = ()) -> int:
        """Return how many of a prompt's first tokens the engine has read and would not read again.

        All of them where the whole prompt is read, although a stream evaluates its last token once more. Raises
        PromptError, EngineError.
        """
        ...

    async def read_ahead(
        self, segments: Sequence[Segment], *, continue_ids: Sequence[int] = (), replacing: bool = False
    ) -> bool:
        """Read a prompt that may come, so that a `stream` that begins with it need not; return whether all is read.

        Any other call ends it at once, and what was read stays. It takes nothing away that the latest reply needs,
        so there may be room for a part only; unless it is `replacing` what that reply was written with, because
        turns were dropped in front of it. Raises PromptError, EngineError.
        """
        ...

    async def save_state(self, path: Path, *, limit: int) -> bool:
        """Put what was read or written last into a file, for `restore_state`, and the other prompts that it has room
        for; return whether it is there now.

        Any other call ends it at once; then, and where it would take more than `limit` bytes or cannot be written, the
        file is as it was. The folder must be there. Raises EngineError.
        """
        ...

    async def restore_state(self, path: Path) -> int:
        """Take back what `save_state` put into a file; return how many tokens of what came last need not be read again.

        0 if there is no file, or it is damaged, or of another model, library or context. A `stream` waits for it; when
        its task is cancelled, nothing is taken back. Raises EngineError.
        """
        ...

    async def score(self, prompts: Sequence[Sequence[Segment]]) -> list[float]:
        """Return how likely the model finds each prompt's end, as natural logarithms: of the tokens behind what all
        have in common, as many as tell one from the others. What they have in common is read, nothing is written.

        Raises PromptError, EngineError.
        """
        ...

    def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Read the prompt and generate. Closing the generator cancels, within 100 ms also inside the engine.

        Raises PromptError if the prompt does not fit the context, EngineError if the engine dies.
        """
        ...

    def stream_many(
        self, request: Request, count: int, *, wanted: Callable[[int], bool], idle: bool = False
    ) -> AsyncGenerator[tuple[int, StreamEvent], None]:
        """Read the prompt once and write `count` versions of the reply together; yield each event with its version.

        Versions are numbered from 0, and seeded by `seed_of`. The prompt's reading is told as version 0's. Each ends
        with its `Ended`, but one that is not `wanted` any more: that is asked after each of its pieces, and nothing
        more of it comes. Where there is no room to write all at once, some begin when others have ended. Afterwards
        version 0 is in the cache as `stream` would have left it. With `idle`, any other call ends it at once, without
        an error; what the latest reply needs is not touched, so there may be room for a part of the versions, or none.
        Closing and raising are as in `stream`.
        """
        ...

    async def render_template(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the model's own chat template rendered over `messages` (`role`, `content`).

        The header of the reply is added. It is computed in a sandbox outside this process within 1 s and 256 MB.
        Raises PromptError.
        """
        ...

    async def close(self) -> None:
        """End the engine and everything it started. Never raises; may be called twice."""
        ...
