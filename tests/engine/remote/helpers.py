"""Short forms for what the tests of remote engines do again and again."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from rpchat.engine.port import LoadEvent, ModelInfo, Notice
from rpchat.engine.remote.engine import RemoteEngine
from rpchat.engine.settings import EngineSettings
from rpchat.prompt.segment import Segment
from tests.engine.helpers import ask

CONTROLS = frozenset({"<s>", "</s>", "<|im_start|>", "<|im_end|>", "[INST]"})


async def load(engine: RemoteEngine, settings: EngineSettings | None = None) -> list[LoadEvent]:
    """Return everything loading says."""
    async with aclosing(engine.load(Path("any"), settings or EngineSettings(), controls=CONTROLS)) as events:
        return [event async for event in events]


async def loaded(engine: RemoteEngine, settings: EngineSettings | None = None) -> ModelInfo:
    """Load, and return what the server's model is."""
    await load(engine, settings)
    assert engine.model is not None
    return engine.model


async def notices(engine: RemoteEngine, segments: tuple[Segment, ...], **wanted: object) -> list[str]:
    """Return what a stream says of what it cannot do."""
    async with aclosing(engine.stream(ask(segments, **wanted))) as events:  # type: ignore[arg-type]
        return [event.text async for event in events if isinstance(event, Notice)]
