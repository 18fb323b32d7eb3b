"""What the next prompt will begin with whatever the user types: read while nobody waits for anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from rpchat.engine.port import Engine
from rpchat.prompt.formats import adapter_of
from rpchat.prompt.segment import Segment
from rpchat.session.preview import imagined
from rpchat.session.prompter import fit
from rpchat.story.casting import speaker_of
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene

TYPED_TOKENS = 128
"""Room that is kept for what the user may type: if the next prompt would not fit with that, turns are dropped now."""

_SOMETHING = "…"


@dataclass(frozen=True, slots=True)
class Ahead:
    """The prompt up to the user's next words, and the first turn it tells (0: all of them)."""

    segments: tuple[Segment, ...]
    first_kept: int


async def next_prompt(engine: Engine, preset: Preset, scene: Scene) -> Ahead:
    """Return what stands in front of the user's next line, closing tokens and the line's header included.

    Raises PromptError where the next prompt cannot be made.
    """
    scene = imagined(scene, _SOMETHING)
    line = scene.line()
    adapter = adapter_of(preset)
    fitted = await fit(
        engine, adapter, preset, scene, line, speaker=speaker_of(scene).card.spoken_name,
        longest=preset.max_tokens + TYPED_TOKENS,
    )  # fmt: skip
    return Ahead(tuple(_before(fitted.prompt.segments, turn=line[-1].id)), fitted.first_kept)


def _before(segments: Iterable[Segment], *, turn: int) -> Iterable[Segment]:
    return takewhile(lambda segment: segment.turn != turn, segments)
