"""What the next prompt will begin with whatever the user types: read while nobody waits for anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from rpchat.engine.port import Engine
from rpchat.prompt.formats import adapter_of
from rpchat.prompt.segment import Segment
from rpchat.session.preview import imagined
from rpchat.session.prompter import Fitted, fit
from rpchat.story.casting import likeliest_speakers
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene

TYPED_TOKENS = 128
"""Room that is kept for what the user may type: if the next prompt would not fit with that, turns are dropped now."""

_SOMETHING = "…"


@dataclass(frozen=True, slots=True)
class Ahead:
    """The prompts up to the user's next words, and the first turn they tell (0: all of them)."""

    prompts: tuple[tuple[Segment, ...], ...]
    """That of the likeliest speaker first; no two of them are equal."""
    first_kept: int


async def next_prompts(engine: Engine, preset: Preset, scene: Scene) -> Ahead:
    """Return what stands in front of the user's next line, closing tokens and the line's header included, for as many
    of those who may speak next as the engine holds prompts of.

    They begin with the same turn: if one of them needed more dropped later, the others would be read again.
    Raises PromptError where a next prompt cannot be made.
    """
    scene = imagined(scene, _SOMETHING)
    turn = scene.line()[-1].id
    fits = await _fits(engine, preset, scene)
    prompts = (tuple(_before(fitted.prompt.segments, turn=turn)) for fitted in fits)
    return Ahead(tuple(dict.fromkeys(prompts)), fits[0].first_kept)


async def _fits(engine: Engine, preset: Preset, scene: Scene) -> list[Fitted]:
    """The prompt of each member who may speak next, none of which drops more turns than the others."""
    adapter, line = adapter_of(preset), scene.line()
    held = engine.model.n_prompts if engine.model is not None else 1
    speakers = [member.card.spoken_name for member in likeliest_speakers(scene)[:held]]
    while True:
        fits = []
        for speaker in speakers:
            fitted = await fit(
                engine, adapter, preset, scene, line,
                speaker=speaker, longest=preset.max_tokens + TYPED_TOKENS, patient=True,
            )  # fmt: skip
            fits.append(fitted)
            scene = replace(scene, settings=replace(scene.settings, first_kept=fitted.first_kept))
        if len({fitted.first_kept for fitted in fits}) == 1:
            return fits


def _before(segments: Iterable[Segment], *, turn: int) -> Iterable[Segment]:
    return takewhile(lambda segment: segment.turn != turn, segments)
